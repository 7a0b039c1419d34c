// Lets the modes of files bind a test that root runs.
#pragma once

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tombolo {

// Root passes by the modes of files; without these capabilities it does not. Nothing changes for
// others.
inline void SetModesBindUs(bool bind) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
  ASSERT_EQ(syscall(SYS_capget, &header, data), 0);
  const unsigned passing = 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH;
  data[0].effective = data[0].permitted & (bind ? ~passing : ~0u);
  ASSERT_EQ(syscall(SYS_capset, &header, data), 0);
}

}  // namespace tombolo

#include "transport/base/errno_status.h"

#include <errno.h>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_text.h"

namespace tombolo {
namespace {

using testing::HasSubstr;

TEST(ErrnoStatusTest, SaysWhatWasTriedAndWhatTheSystemAnswered) {
  const absl::Status status = ErrnoStatus(ENOENT, "open /run/tombolo/broker.sock");
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(Text(status), HasSubstr("open /run/tombolo/broker.sock"));
  EXPECT_THAT(Text(status), HasSubstr("No such file"));
}

TEST(ErrnoStatusTest, KeepsMissingPermissionsApart) {
  EXPECT_TRUE(absl::IsPermissionDenied(ErrnoStatus(EACCES, "open a file")));
}

}  // namespace
}  // namespace tombolo

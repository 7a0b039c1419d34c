#include "kvcache/server/process_setup.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"

namespace tombolo::kvcache {

absl::Status RaiseDescriptorLimit(uint64_t needed) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return ErrnoStatus(errno, "ask for RLIMIT_NOFILE");
  if (limit.rlim_cur >= needed) return absl::OkStatus();
  limit.rlim_cur = needed;
  // Root may raise the other limit too.
  limit.rlim_max = std::max<rlim_t>(limit.rlim_max, needed);
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("so many clients need ", needed,
                   " open files, which is over the limit; raise it (`ulimit "
                   "-Hn ",
                   needed, "` as root, or LimitNOFILE=", needed,
                   " in a systemd unit), or ask for fewer with -c."));
}

absl::Status BecomeUser(const std::string& user) {
  if (geteuid() != 0) return absl::OkStatus();
  if (user.empty()) {
    return absl::InvalidArgumentError(
        "root needs -u USER: the user to become, as in `-u memcache`.");
  }
  const passwd* found = getpwnam(user.c_str());
  if (found == nullptr) {
    return absl::NotFoundError(absl::StrCat("-u ", user, ": there is no such user."));
  }
  if (found->pw_uid == 0) return absl::OkStatus();
  if (initgroups(user.c_str(), found->pw_gid) != 0 || setgid(found->pw_gid) != 0 ||
      setuid(found->pw_uid) != 0) {
    return ErrnoStatus(errno, absl::StrCat("become user ", user));
  }
  return absl::OkStatus();
}

absl::Status LockMemory() {
  if (mlockall(MCL_CURRENT | MCL_FUTURE) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "lock memory (-k); raise `ulimit -l`, or LimitMEMLOCK= in a unit");
}

absl::Status PidFile::Write(const std::string& path) {
  std::ofstream file(path);
  file << getpid() << "\n";
  file.flush();
  if (!file) return ErrnoStatus(errno, absl::StrCat("write the pid file ", path));
  path_ = path;
  return absl::OkStatus();
}

PidFile::~PidFile() {
  if (!path_.empty()) unlink(path_.c_str());
}

}  // namespace tombolo::kvcache

// What a server does to its process before it serves.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace tombolo::kvcache {

// Raises the limit of open files to `needed`. ResourceExhausted: the system's limit is below it.
absl::Status RaiseDescriptorLimit(uint64_t needed);

// Root becomes `user` for good. InvalidArgument: root, and no user is named. NotFound: there is
// none of that name. Who is not root stays what it is.
absl::Status BecomeUser(const std::string& user);

// Now and from now on. Fails where the limit of locked memory is too low.
absl::Status LockMemory();

// The process id, as a line of its own. Removed by the destructor.
class PidFile {
 public:
  PidFile() = default;
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;
  ~PidFile();

  absl::Status Write(const std::string& path);

 private:
  std::string path_;
};

}  // namespace tombolo::kvcache

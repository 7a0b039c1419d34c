#include "transport/base/errno_status.h"

#include "absl/strings/string_view.h"

namespace tombolo {

absl::Status ErrnoStatus(int error, std::string_view what) {
  return absl::ErrnoToStatus(error, absl::string_view(what.data(), what.size()));
}

}  // namespace tombolo

#include "control/cli/byte_streams.h"

#include <errno.h>
#include <stdio.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/base/units.h"
#include "transport/region/region_copy.h"

namespace tombolo::control {
namespace {

constexpr uint64_t kPieceBytes = 1 * kMiB;

}  // namespace

absl::Status PrintBytes(MemoryType type, std::span<const std::byte> from) {
  std::vector<std::byte> piece(std::min<uint64_t>(kPieceBytes, from.size()));
  while (!from.empty()) {
    const size_t bytes = std::min(piece.size(), from.size());
    CopyOut(type, piece.data(), from.first(bytes));
    if (fwrite(piece.data(), 1, bytes, stdout) != bytes) return ErrnoStatus(errno, "write stdout");
    from = from.subspan(bytes);
  }
  return fflush(stdout) == 0 ? absl::OkStatus() : ErrnoStatus(errno, "write stdout");
}

absl::Status FillFromStdin(MemoryType type, std::span<std::byte> to) {
  std::vector<std::byte> piece(kPieceBytes);
  const size_t room = to.size();
  while (const size_t bytes = fread(piece.data(), 1, piece.size(), stdin)) {
    if (bytes > to.size()) {
      CopyIn(type, to.data(), std::span(piece).first(to.size()));
      return absl::OutOfRangeError(absl::StrCat("stdin has more than the ", room,
                                                " bytes that there are from --offset on; the "
                                                "first of them were written."));
    }
    CopyIn(type, to.data(), std::span(piece).first(bytes));
    to = to.subspan(bytes);
  }
  return ferror(stdin) == 0 ? absl::OkStatus() : ErrnoStatus(errno, "read stdin");
}

}  // namespace tombolo::control

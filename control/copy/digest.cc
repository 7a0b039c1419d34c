#include "control/copy/digest.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/base/units.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tombolo::control {
namespace {

constexpr size_t kPieceBytes = 256 * kKiB;

}  // namespace

struct Digest::State {
  XXH3_state_t xxh;
};

Digest::Digest() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->xxh); }

Digest::~Digest() = default;

void Digest::Add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(&state_->xxh, bytes.data(), bytes.size());
}

DigestBytes Digest::Value() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_->xxh));
  DigestBytes value;
  static_assert(sizeof(canonical.digest) == sizeof(value));
  memcpy(value.data(), canonical.digest, value.size());
  return value;
}

absl::Status Digest::AddFile(int file, uint64_t size_bytes,
                             const std::function<absl::Status()>& tick) {
  std::vector<std::byte> piece(kPieceBytes);
  for (uint64_t at = 0; at < size_bytes;) {
    const size_t wanted = std::min<uint64_t>(piece.size(), size_bytes - at);
    const ssize_t got = pread(file, piece.data(), wanted, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "read the file");
    if (got == 0) {
      return absl::DataLossError(absl::StrCat("the file has become shorter: ", at,
                                              " bytes instead of ", size_bytes,
                                              "; somebody changes it. Copy it again."));
    }
    Add(std::span(piece).first(static_cast<size_t>(got)));
    at += static_cast<uint64_t>(got);
    if (absl::Status go_on = tick(); !go_on.ok()) return go_on;
  }
  return absl::OkStatus();
}

}  // namespace tombolo::control

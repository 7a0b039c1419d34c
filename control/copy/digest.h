// Digest: the checksum of a file's contents (XXH3, 128 bits), made piece by piece. It finds what
// was damaged on the way, not what somebody forged. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tombolo::control {

using DigestBytes = std::array<std::byte, 16>;

class Digest {
 public:
  Digest();
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void Add(std::span<const std::byte> bytes);

  // Of all that was added; more may be added then.
  DigestBytes Value() const;

  // Adds what `file` has from its beginning up to `size_bytes`, which is not read past. `tick` is
  // called between pieces; an error of its ends the work. DataLoss: the file is shorter.
  absl::Status AddFile(int file, uint64_t size_bytes, const std::function<absl::Status()>& tick);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tombolo::control

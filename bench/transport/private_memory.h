// PrivateMemory: whole pages of this process alone, for the bare limits.
//
// SUBTLE: not a std::vector. Large vectors begin 16 bytes into a page, and where the target of a
// memcpy lies 1 to 31 bytes after its source, modulo 4 KiB, AMD's `rep movsb` takes ten times as
// long: a copy from a page to such a vector would be no limit of anything.
#pragma once

#include <string.h>
#include <sys/mman.h>

#include <cstddef>

#include "bench/transport/require.h"

namespace tombolo::bench {

class PrivateMemory {
 public:
  // Filled with ones, so that its pages are there. Never unmapped: a bench ends soon.
  explicit PrivateMemory(size_t size_bytes) {
    void* memory =
        mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    Require(memory != MAP_FAILED, "mapping private memory");
    data_ = static_cast<std::byte*>(memset(memory, 1, size_bytes));
  }

  std::byte* Data() const { return data_; }

 private:
  std::byte* data_;
};

}  // namespace tombolo::bench

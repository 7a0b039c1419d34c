// Memory of a shard that processes share: what a child writes is there when it is dead.
#pragma once

#include <stdlib.h>
#include <sys/mman.h>

#include <cstddef>
#include <span>

namespace tombolo::kvcache {

class SharedMapping {
 public:
  explicit SharedMapping(size_t size_bytes)
      : address_(
            mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)),
        size_bytes_(size_bytes) {
    if (address_ == MAP_FAILED) abort();
  }
  SharedMapping(const SharedMapping&) = delete;
  SharedMapping& operator=(const SharedMapping&) = delete;
  ~SharedMapping() { munmap(address_, size_bytes_); }

  std::span<std::byte> Bytes() const { return {static_cast<std::byte*>(address_), size_bytes_}; }

 private:
  void* address_;
  size_t size_bytes_;
};

}  // namespace tombolo::kvcache

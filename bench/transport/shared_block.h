// SharedBlock: a T that parent and child both see after fork(). Never unmapped: a bench ends soon.
#pragma once

#include <sys/mman.h>

#include <new>

#include "bench/transport/require.h"

namespace tombolo::bench {

template <typename T>
class SharedBlock {
 public:
  SharedBlock() {
    void* memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    Require(memory != MAP_FAILED, "mapping shared memory");
    // SAFETY: pages are aligned for everything, and the mapping is as large as T.
    block_ = new (memory) T;
  }

  T* operator->() const { return block_; }
  T& operator*() const { return *block_; }

 private:
  T* block_;
};

}  // namespace tombolo::bench

// The blocks of malloc that lie in the region: which they are and where they come from.
//
// Their sizes are kept in private memory, because everybody in the region can write what lies
// there: a table with a word for each page of the region, of which only the pages that are used are
// ever there. No list, no lock: a block's word is written by whoever allocates it and by whoever
// frees it.
//
// Thread safety: all functions, from any thread, also from within each other by way of the
// provider.
#ifndef TOMBOLO_MPI_BTL_PRELOAD_BLOCKS_H_
#define TOMBOLO_MPI_BTL_PRELOAD_BLOCKS_H_

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Requests of so many bytes are large; SIZE_MAX while there is no provider.
extern _Atomic(size_t) tombolo_large_bytes;

static inline bool tombolo_is_large(size_t bytes) {
  // Relaxed: whether there is a provider is looked at again under the lock.
  return bytes >= atomic_load_explicit(&tombolo_large_bytes, memory_order_relaxed);
}

// A block of `bytes`, zeroed and aligned to a page; NULL: take ordinary memory.
void *tombolo_take_block(size_t bytes);

// The size in bytes of the block that begins at `memory`, whole pages; 0: none does.
size_t tombolo_block_bytes(const void *memory);

// False: no block begins at `memory`.
bool tombolo_give_block_back(void *memory);

// Whether this is a child of fork, where the bytes of blocks are not.
bool tombolo_blocks_are_gone(void);

#endif  // TOMBOLO_MPI_BTL_PRELOAD_BLOCKS_H_

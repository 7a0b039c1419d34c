// malloc, free and their relatives: large blocks are taken from the region (blocks.h), all others
// from the C library.
//
// The C library's functions are called by names that it has for this (__libc_malloc and so on):
// they are bound when the program is loaded, so that they work from the very first call, before
// anything here was initialized, and in a child of fork. A look-up by dlsym() allocates itself.
// What the C library has no such name for is looked up in it when it is first needed.
//
// Each of the functions is known to the linker by the name of the one that it stands for.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "mpi_btl/preload/blocks.h"
#include "mpi_btl/preload/tombolo_malloc.h"

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);
extern void *__libc_valloc(size_t bytes);
extern void *__libc_pvalloc(size_t bytes);
extern void __libc_free(void *memory);

void *preload_malloc(size_t bytes) __asm__("malloc");
void *preload_calloc(size_t count, size_t bytes) __asm__("calloc");
void *preload_realloc(void *memory, size_t bytes) __asm__("realloc");
void *preload_reallocarray(void *memory, size_t count, size_t bytes) __asm__("reallocarray");
int preload_posix_memalign(void **memory, size_t alignment, size_t bytes) __asm__("posix_memalign");
void *preload_aligned_alloc(size_t alignment, size_t bytes) __asm__("aligned_alloc");
void *preload_memalign(size_t alignment, size_t bytes) __asm__("memalign");
void *preload_valloc(size_t bytes) __asm__("valloc");
void *preload_pvalloc(size_t bytes) __asm__("pvalloc");
size_t preload_malloc_usable_size(void *memory) __asm__("malloc_usable_size");
void preload_free(void *memory) __asm__("free");

// NULL: take ordinary memory.
static void *try_take(size_t bytes) {
  return tombolo_is_large(bytes) ? tombolo_take_block(bytes) : NULL;
}

void *preload_malloc(size_t bytes) {
  void *memory = try_take(bytes);
  return NULL != memory ? memory : __libc_malloc(bytes);
}

void preload_free(void *memory) {
  // free keeps errno, of which its callers make use.
  const int error = errno;
  if (!tombolo_give_block_back(memory)) __libc_free(memory);
  errno = error;
}

void *preload_calloc(size_t count, size_t bytes) {
  size_t all_bytes;
  // Blocks of the region are zeroed already.
  void *memory = __builtin_mul_overflow(count, bytes, &all_bytes) ? NULL : try_take(all_bytes);
  return NULL != memory ? memory : __libc_calloc(count, bytes);
}

// The C library has malloc_usable_size under no other name; and the next one that the linker knows
// (RTLD_NEXT) may be that of another allocator, which is not asked for memory here.
static size_t usable_bytes_of_libc(void *memory) {
  typedef size_t (*function)(void *);
  static _Atomic(function) known;
  // Relaxed: the same for everybody who looks it up.
  function usable_bytes = atomic_load_explicit(&known, memory_order_relaxed);
  if (NULL == usable_bytes) {
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    if (NULL != libc) usable_bytes = (function)dlsym(libc, "malloc_usable_size");
    if (NULL == usable_bytes) return 0;
    atomic_store_explicit(&known, usable_bytes, memory_order_relaxed);
  }
  return usable_bytes(memory);
}

size_t preload_malloc_usable_size(void *memory) {
  const size_t bytes = tombolo_block_bytes(memory);
  return 0 != bytes ? bytes : usable_bytes_of_libc(memory);
}

// A block of the region of `old_bytes` is to have `bytes`.
static void *resize_block(void *memory, size_t old_bytes, size_t bytes) {
  if (0 == bytes) {
    preload_free(memory);
    return NULL;
  }
  const bool is_smaller = bytes <= old_bytes;
  if (is_smaller && bytes > old_bytes / 2) return memory;
  void *moved = NULL;
  if (!tombolo_blocks_are_gone()) moved = preload_malloc(bytes);
  if (NULL == moved) {
    if (is_smaller) return memory;
    errno = ENOMEM;
    return NULL;
  }
  memcpy(moved, memory, is_smaller ? bytes : old_bytes);
  preload_free(memory);
  return moved;
}

// NULL, and nothing has changed: it stays ordinary memory.
static void *try_move_to_region(void *memory, size_t bytes) {
  const size_t old_bytes = usable_bytes_of_libc(memory);
  // Without its size it cannot be copied.
  void *moved = 0 != old_bytes ? tombolo_take_block(bytes) : NULL;
  if (NULL == moved) return NULL;
  memcpy(moved, memory, old_bytes < bytes ? old_bytes : bytes);
  __libc_free(memory);
  return moved;
}

void *preload_realloc(void *memory, size_t bytes) {
  if (NULL == memory) return preload_malloc(bytes);
  const size_t old_bytes = tombolo_block_bytes(memory);
  if (0 != old_bytes) return resize_block(memory, old_bytes, bytes);
  void *moved = tombolo_is_large(bytes) ? try_move_to_region(memory, bytes) : NULL;
  return NULL != moved ? moved : __libc_realloc(memory, bytes);
}

void *preload_reallocarray(void *memory, size_t count, size_t bytes) {
  size_t all_bytes;
  if (__builtin_mul_overflow(count, bytes, &all_bytes)) {
    errno = ENOMEM;
    return NULL;
  }
  return preload_realloc(memory, all_bytes);
}

void *preload_memalign(size_t alignment, size_t bytes) {
  void *memory = alignment <= TOMBOLO_MALLOC_PAGE_BYTES ? try_take(bytes) : NULL;
  return NULL != memory ? memory : __libc_memalign(alignment, bytes);
}

void *preload_aligned_alloc(size_t alignment, size_t bytes) {
  return preload_memalign(alignment, bytes);
}

int preload_posix_memalign(void **memory, size_t alignment, size_t bytes) {
  const bool is_power_of_two = 0 != alignment && 0 == (alignment & (alignment - 1));
  if (!is_power_of_two || 0 != alignment % sizeof(void *)) return EINVAL;
  void *aligned = preload_memalign(alignment, bytes);
  if (NULL == aligned) return ENOMEM;
  *memory = aligned;
  return 0;
}

// Pages of the system, which may be larger than those of blocks.
static void *try_take_pages(size_t bytes) {
  return sysconf(_SC_PAGESIZE) <= TOMBOLO_MALLOC_PAGE_BYTES ? try_take(bytes) : NULL;
}

void *preload_valloc(size_t bytes) {
  void *memory = try_take_pages(bytes);
  return NULL != memory ? memory : __libc_valloc(bytes);
}

void *preload_pvalloc(size_t bytes) {
  void *memory = try_take_pages(bytes);
  return NULL != memory ? memory : __libc_pvalloc(bytes);
}

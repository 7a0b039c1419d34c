// Words of the region, as a processor reads and writes them that has atomic accesses of at most 32
// bits. For the sources of this folder.
//
// Each word has one writer, and none is compared and swapped here: QEMU emulates a guest of one
// processor without atomic read-modify-write operations, which others would see torn.
//
// Words of 64 bits that others write, each by one store, are read by halves:
//
//   flat_load64()    high, low, high again: two equal highs are a value that stood there, or one of
//                    which either half did; it settles at once unless the word changes all the time
//   low half only    of a position: what matters is its distance to ours, at most some dozens
//
// Words of 64 bits that are ours, and that others read by one load, are written by halves so that
// whatever is seen in between means nothing new:
//
//   flat_grow64()    of what only grows: when the high half changes, the low one is 0 before. So a
//                    reader sees the old value, the new one, or less than the old one
//   a cell's header  low half first, then the high one with the lap that makes it a message
//                    (out_lane.h)
#ifndef TOMBOLO_GUEST_FLAT_WORDS_H
#define TOMBOLO_GUEST_FLAT_WORDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static inline uint32_t flat_load(const void *at, memory_order order) {
  return atomic_load_explicit((const _Atomic uint32_t *)at, order);
}

static inline void flat_store(void *at, uint32_t value, memory_order order) {
  atomic_store_explicit((_Atomic uint32_t *)at, value, order);
}

static inline void flat_store_byte(void *at, uint8_t value, memory_order order) {
  atomic_store_explicit((_Atomic uint8_t *)at, value, order);
}

static inline uint8_t flat_load_byte(const void *at, memory_order order) {
  return atomic_load_explicit((const _Atomic uint8_t *)at, order);
}

// The halves of a word of 64 bits, little-endian.
static inline const void *flat_high(const void *at) { return (const uint8_t *)at + 4; }
static inline void *flat_high_of(void *at) { return (uint8_t *)at + 4; }

// How often a word is read that changes all the time; only a hostile peer's does.
#define FLAT_LOAD64_ATTEMPTS 8

// False: it did not settle. Memory ordering: acquire; pairs with a store of the whole word.
static inline bool flat_load64(const void *at, uint64_t *value) {
  uint32_t high = flat_load(flat_high(at), memory_order_acquire);
  for (int i = 0; i < FLAT_LOAD64_ATTEMPTS; ++i) {
    const uint32_t low = flat_load(at, memory_order_acquire);
    const uint32_t again = flat_load(flat_high(at), memory_order_acquire);
    if (again == high) {
      *value = (uint64_t)high << 32 | low;
      return true;
    }
    high = again;
  }
  return false;
}

// Makes our word say `value`, which is at least what it says. `order`: of the last store; those
// before it are of release.
static inline void flat_grow64(void *at, uint64_t value, memory_order order) {
  const uint32_t high = (uint32_t)(value >> 32);
  // Relaxed: nobody else writes it.
  if (flat_load(flat_high(at), memory_order_relaxed) != high) {
    flat_store(at, 0, memory_order_release);
    flat_store(flat_high_of(at), high, memory_order_release);
  }
  flat_store(at, (uint32_t)value, order);
}

#endif

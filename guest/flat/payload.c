#include "guest/flat/payload.h"

#include "guest/flat/layout.h"
#include "guest/flat/words.h"

// Each word of the region is read once. Relaxed: the header that led here was read with acquire.
static void copy_out(uint8_t *to, const uint8_t *from, uint32_t length) {
  uint32_t at = 0;
  if (((uintptr_t)from & 3u) == 0) {
    for (; length - at >= 4; at += 4) {
      const uint32_t word = flat_load(from + at, memory_order_relaxed);
      to[at] = (uint8_t)word;
      to[at + 1] = (uint8_t)(word >> 8);
      to[at + 2] = (uint8_t)(word >> 16);
      to[at + 3] = (uint8_t)(word >> 24);
    }
  }
  for (; at < length; ++at) to[at] = flat_load_byte(from + at, memory_order_relaxed);
}

static void take(const uint8_t *from, uint32_t length, uint8_t *buffer, uint32_t buffer_bytes,
                 struct flat_payload *payload) {
  payload->length = length;
  payload->fits = length <= buffer_bytes;
  if (payload->fits) copy_out(buffer, from, length);
}

// A number of 64 bits in a descriptor that has to be below 4 GiB.
static bool small_number(const uint8_t *at, uint32_t *value) {
  *value = flat_load(at, memory_order_relaxed);
  return flat_load(flat_high(at), memory_order_relaxed) == 0;
}

static bool find_chunk(const struct flat_region *region, const uint8_t *descriptor,
                       uint32_t *offset, uint32_t *length) {
  return small_number(descriptor, offset) && small_number(descriptor + 8, length) &&
         *length <= FLAT_BULK_CHUNK_BYTES &&
         *offset % FLAT_EXTENT_BYTES == FLAT_BULK_CHUNK_SKEW_BYTES && *offset <= region->bytes &&
         FLAT_BULK_CHUNK_BYTES <= region->bytes - *offset;
}

// The run of `sender` that begins at extent `first`, of this generation, and may be lent.
static bool lent_run(const struct flat_region *region, uint32_t sender, uint32_t first,
                     uint32_t generation, uint32_t *length) {
  uint64_t word = 0;
  if (first >= region->extent_count || !flat_load64(flat_extent_word(region, first), &word)) {
    return false;
  }
  const uint32_t kind = (uint32_t)(word >> 56) & 0xfu;
  *length = (uint32_t)word & 0xfffffu;
  return word >> 60 == FLAT_EXTENT_HEAD &&
         (kind == FLAT_KIND_MEMORY || kind == FLAT_KIND_QUARANTINE) &&
         ((uint32_t)(word >> 40) & 0xffffu) == sender &&
         ((uint32_t)(word >> 20) & 0xfffffu) == generation &&
         *length <= region->extent_count - first;
}

static bool find_loan(const struct flat_region *region, uint32_t sender, const uint8_t *descriptor,
                      uint32_t *offset, uint32_t *length, uint32_t *slot) {
  if (!small_number(descriptor, offset) || !small_number(descriptor + 8, length)) return false;
  const uint32_t first = flat_load(descriptor + 16, memory_order_relaxed);
  const uint32_t generation = flat_load(descriptor + 20, memory_order_relaxed);
  *slot = flat_load(descriptor + 24, memory_order_relaxed);
  uint32_t extents = 0;
  if (*slot >= FLAT_LOAN_SLOTS || !lent_run(region, sender, first, generation, &extents)) {
    return false;
  }
  const uint32_t begin = region->extents + first * FLAT_EXTENT_BYTES;
  const uint32_t run_bytes = extents * FLAT_EXTENT_BYTES;
  return *offset >= begin && *offset - begin <= run_bytes &&
         *length <= run_bytes - (*offset - begin);
}

bool flat_payload_take(const struct flat_region *region, uint32_t sender,
                       const struct flat_front *front, uint8_t *buffer, uint32_t buffer_bytes,
                       struct flat_payload *payload) {
  uint32_t offset = 0;
  uint32_t length = 0;
  *payload = (struct flat_payload){.fits = false};
  switch (front->kind) {
    case FLAT_CELL_INLINE:
      take(front->payload, front->length, buffer, buffer_bytes, payload);
      return true;
    case FLAT_CELL_BULK_SKIP:
      payload->is_chunk = true;
      return true;
    case FLAT_CELL_BULK:
      payload->is_chunk = true;
      if (!find_chunk(region, front->payload, &offset, &length)) return false;
      break;
    default:
      payload->is_loan = true;
      if (!find_loan(region, sender, front->payload, &offset, &length, &payload->loan_slot)) {
        return false;
      }
  }
  take(region->base + offset, length, buffer, buffer_bytes, payload);
  return true;
}

bool flat_payload_release(uint8_t *link, const struct flat_payload *payload,
                          uint64_t *released_chunks) {
  if (payload->is_chunk) {
    // seq_cst, here and below: credit_wanted is looked at after it. It also releases: our last look
    // at the memory is over.
    flat_grow64(link + FLAT_LINK_RELEASED_CHUNKS, ++*released_chunks, memory_order_seq_cst);
  }
  if (payload->is_loan) {
    uint8_t *half = link + FLAT_LINK_RETURNED_LOANS + 4 * (payload->loan_slot / 32);
    // Relaxed: nobody else writes it.
    const uint32_t bits = flat_load(half, memory_order_relaxed);
    flat_store(half, bits ^ 1u << payload->loan_slot % 32, memory_order_seq_cst);
  }
  return payload->is_chunk || payload->is_loan;
}

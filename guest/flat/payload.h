// Takes a message's payload out of the region, wherever it lies: in its cells, in a chunk of the
// sender's pool, or in memory that the sender lends. For the sources of this folder.
#ifndef TOMBOLO_GUEST_FLAT_PAYLOAD_H
#define TOMBOLO_GUEST_FLAT_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "guest/flat/lane.h"
#include "guest/flat/region.h"

struct flat_payload {
  uint32_t length;
  bool fits;      // It was copied; else it is longer than the buffer.
  bool is_chunk;  // To be released: flat_payload_release().
  bool is_loan;
  uint32_t loan_slot;
};

// Copies what `front` leads to into `buffer`. False: its descriptor makes no sense, or the run that
// it names is not `sender`'s.
bool flat_payload_take(const struct flat_region *region, uint32_t sender,
                       const struct flat_front *front, uint8_t *buffer, uint32_t buffer_bytes,
                       struct flat_payload *payload);

// Gives chunk or loan back to the sender of `link`. True if there was one.
bool flat_payload_release(uint8_t *link, const struct flat_payload *payload,
                          uint64_t *released_chunks);

#endif

// The small lane of a link (docs/layout.md), both sides, with accesses of 32 bits.
//
// A cell's header is one word of 64 bits that others load at once, and here two stores: first the
// low half (cells, length), then the high one (lap, tag, kind). In between a reader sees the high
// half of before. That has to be a header of the lap before, which is no message whatever its low
// half says; 0 would do only with a low half of 0. Therefore
//
//   - a link begins with a skip of its whole first lap, published before anybody is told of it:
//     nothing is ever sent in the lap that has none before;
//   - the cell that comes next is not cleared to 0 but to the lap before, when the one in front
//     of it is published.
//
// So the first message waits until the receiver has passed that skip and given back its credits.
// SmallLaneConsumer needs to know nothing of this.
//
// Positions are compared modulo 2^32: both sides are at most one lap apart, and only the low half
// of the other's is read. Each side keeps private copies, so a peer that lies stops its own link
// and nothing else. Not thread-safe.
#ifndef TOMBOLO_GUEST_FLAT_LANE_H
#define TOMBOLO_GUEST_FLAT_LANE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct flat_lane_position {
  uint32_t index;  // Of the cell.
  uint32_t lap;    // 16 bits; counts from 1 and skips 0 when it wraps.
};

struct flat_out_lane {
  uint8_t *link;
  uint32_t position;  // Cells since the link was made, modulo 2^32.
  uint32_t consumed;  // As last seen, likewise.
  struct flat_lane_position next;
  bool is_poisoned;  // The receiver's credits made no sense.
};

struct flat_in_lane {
  uint8_t *link;
  uint64_t position;
  uint64_t published;
  struct flat_lane_position next;
  bool is_poisoned;  // A header made no sense.
};

// A message that was taken out of a lane; its payload stays in place until flat_lane_release().
struct flat_front {
  const uint8_t *payload;
  uint32_t length;
  uint32_t cells;
  uint8_t kind;
  uint8_t tag;
};

// Formats the link at `link`, an extent of ours that nobody reads, from endpoint `sender` to
// `receiver`, parked; each with its incarnation.
void flat_lane_format(uint8_t *link, uint32_t sender, uint32_t sender_incarnation,
                      uint32_t receiver, uint32_t receiver_incarnation);

void flat_lane_open_out(struct flat_out_lane *lane, uint8_t *link);
void flat_lane_open_in(struct flat_in_lane *lane, uint8_t *link);

// Copies `length` bytes, at most FLAT_MAX_INLINE_BYTES, into the lane and publishes them. False: no
// room now, or poisoned. Memory ordering: as SmallLaneProducer::Publish; the last store is seq_cst,
// for whoever looks at `parked` after it.
bool flat_lane_send(struct flat_out_lane *lane, uint8_t tag, const void *bytes, uint32_t length);

// Whether the receiver has not given back everything yet.
bool flat_lane_is_unread(struct flat_out_lane *lane);

// The oldest message. False: there is none now, or poisoned.
bool flat_lane_front(struct flat_in_lane *lane, struct flat_front *front);

// Gives the cells of `front` back; flat_lane_publish_credits() tells the sender.
void flat_lane_release(struct flat_in_lane *lane, const struct flat_front *front);

// True if there was something to tell: look at credit_wanted.
bool flat_lane_publish_credits(struct flat_in_lane *lane);

#define FLAT_MAX_INLINE_BYTES 1912u

#ifdef __cplusplus
}
#endif

#endif

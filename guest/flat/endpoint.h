// A small endpoint for guests without an operating system: it exchanges messages with the other
// members of a region over Tombolo's own links. Freestanding C11: no libc but memset and memcpy,
// which compilers expect, no allocation, atomic accesses of 32 bits at most.
//
// Somebody else has registered it, and claimed its memory: tombolo-flat (control/flat), which
// starts the virtual machine. flat_join() finds the endpoint of this slot in the member table, and
// in the extent map what belongs to it: a link directory, and extents for links. Nothing else is
// claimed here, because that takes a compare-and-swap of 64 bits.
//
// What it does: messages of up to 1912 bytes to whom it likes, and all kinds of messages from
// others, loans and bulk ones too, copied before they are looked at; departures; an interrupt, if
// there is one. What it does not: larger messages of its own, streams, calls, services.
//
// What it assumes of peers: nothing, as everybody in the region. One that makes no sense is dropped
// and counted. Not thread-safe; nothing here blocks, and no interrupt handler calls it.
//
//   struct flat_endpoint endpoint;
//   while (flat_join(&endpoint, &config) != FLAT_OK) {}
//   for (;;) flat_poll(&endpoint);        // calls config.on_message
#ifndef TOMBOLO_GUEST_FLAT_ENDPOINT_H
#define TOMBOLO_GUEST_FLAT_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "guest/flat/lane.h"
#include "guest/flat/region.h"
#include "guest/flat/registers.h"

#ifdef __cplusplus
extern "C" {
#endif

// With how many others at once; more wait until one departs.
#define FLAT_MAX_PEERS 8u

enum flat_status {
  FLAT_OK = 0,
  FLAT_AGAIN,        // Not now: no room, or the receiver has not opened the link yet. Poll, repeat.
  FLAT_NO_REGION,    // The memory is no region of this size and layout, or not one yet.
  FLAT_NO_ENDPOINT,  // Nobody has registered an endpoint for this slot, or not yet.
  FLAT_USED_BEFORE,  // This machine was reset: start it anew by tombolo-flat, with a new endpoint.
  FLAT_NO_MEMORY,    // Its link directory was not claimed; tombolo-flat does that.
  FLAT_NOT_ALIVE,    // The receiver is no member any more.
  FLAT_DROPPED,      // What the receiver wrote made no sense.
  FLAT_TOO_MANY,     // All links are in use.
  FLAT_TOO_LARGE,    // More than FLAT_MAX_INLINE_BYTES.
};

// For people.
const char *flat_status_text(enum flat_status status);

struct flat_endpoint;

typedef void (*flat_on_message)(void *context, struct flat_id from, uint8_t tag,
                                const uint8_t *payload, uint32_t length);
typedef void (*flat_on_departed)(void *context, struct flat_id peer);

struct flat_config {
  // The device's memory, aligned to 4 KiB, and its exact size.
  void *memory;
  uint32_t memory_bytes;
  // The device's registers; NULL: there are none, nobody is rung, and `slot` says who we are.
  volatile struct flat_registers *registers;
  uint32_t slot;
  // Of which endpoint of the slot; NULL: of any.
  const char *name;
  // Where messages are copied to, aligned to 4 bytes. One that is longer is passed over and counted
  // (flat_endpoint.too_long); FLAT_MAX_INLINE_BYTES do for messages that are neither bulk nor
  // loans.
  uint8_t *buffer;
  uint32_t buffer_bytes;
  // May call flat_send(). The payload is that copy, and good until they return.
  flat_on_message on_message;
  flat_on_departed on_departed;  // May be NULL.
  void *context;
};

// One other endpoint: its link to us, ours to it, or both.
struct flat_peer {
  struct flat_id id;
  bool is_used;
  bool is_dropped;  // What it wrote made no sense; it is not heard any more until it departs.
  bool has_in;
  bool has_out;
  struct flat_in_lane in;
  struct flat_out_lane out;
  uint32_t out_extent;
  bool is_stalled;      // A message found no room ...
  uint32_t stalled_at;  // ... with the credits that there were then.
  uint32_t looked_at;   // The position in `out` up to which `parked` was looked at twice.
  uint64_t released_chunks;
};

// All fields are private but id, slot and the counts.
struct flat_endpoint {
  struct flat_id id;
  uint32_t slot;
  uint32_t too_long;  // Messages that did not fit into the buffer.
  uint32_t refused;   // Looks at links of senders for whom there was no place.
  struct flat_config config;
  struct flat_region region;
  struct flat_peer peers[FLAT_MAX_PEERS];
  uint32_t free_links[FLAT_MAX_PEERS];  // Extents.
  uint32_t free_link_count;
  uint32_t directory;  // Extent.
  uint32_t scan_next;  // Endpoint index.
  uint64_t epoch;
};

// Finds the endpoint and takes it over. May be repeated until it is there.
enum flat_status flat_join(struct flat_endpoint *endpoint, const struct flat_config *config);

// Sends `length` bytes to `to`, and makes the link to it first if need be; FLAT_AGAIN until the
// receiver has opened it.
enum flat_status flat_send(struct flat_endpoint *endpoint, struct flat_id to, uint8_t tag,
                           const void *bytes, uint32_t length);

// Looks at the membership, for new links, and at those there are; calls the handlers. Gives how
// many messages were delivered; each call delivers a bounded number.
uint32_t flat_poll(struct flat_endpoint *endpoint);

// To sleep until the interrupt of vector 0: true, now wait (WFI with interrupts masked, so that one
// that comes in between ends it), then flat_wake_up(). False: there is something to poll for. Have
// a timer behind each sleep: a doorbell is only a hint, and where no interrupt is wired none comes.
bool flat_prepare_to_sleep(struct flat_endpoint *endpoint);
void flat_wake_up(struct flat_endpoint *endpoint);

#ifdef __cplusplus
}
#endif

#endif

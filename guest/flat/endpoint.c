#include "guest/flat/endpoint.h"

#include <stddef.h>

#include "guest/flat/layout.h"
#include "guest/flat/peers.h"
#include "guest/flat/words.h"

// Messages of one link, and endpoints looked at, in one poll.
#define DRAIN_BUDGET 16u
#define SCAN_BUDGET 16u

const char *flat_status_text(enum flat_status status) {
  static const char *const texts[] = {
      [FLAT_OK] = "ok",
      [FLAT_AGAIN] = "not now: poll, and try again",
      [FLAT_NO_REGION] = "no region of Tombolo here, of this size and of layout version 2",
      [FLAT_NO_ENDPOINT] = "no endpoint was registered for this slot: start it with tombolo-flat",
      [FLAT_USED_BEFORE] = "the machine was reset: start it anew with tombolo-flat",
      [FLAT_NO_MEMORY] = "no link directory was claimed: start it with tombolo-flat",
      [FLAT_NOT_ALIVE] = "the receiver is no member any more",
      [FLAT_DROPPED] = "the receiver was dropped, because what it wrote made no sense",
      [FLAT_TOO_MANY] = "all links are in use",
      [FLAT_TOO_LARGE] = "messages have at most 1912 bytes",
  };
  const uint32_t index = (uint32_t)status;
  return index < sizeof(texts) / sizeof(texts[0]) ? texts[index] : "unknown status";
}

static bool read_epoch(const struct flat_endpoint *endpoint, uint64_t *epoch) {
  return flat_load64(endpoint->region.base + FLAT_AT_MEMBERSHIP_EPOCH, epoch);
}

// Finds in the extent map what was claimed for us: whatever is a link of ours, and the directory.
static bool find_memory(struct flat_endpoint *endpoint) {
  const struct flat_region *region = &endpoint->region;
  const uint32_t owner = FLAT_EXTENT_HEAD << 28 | endpoint->id.index << 8;
  bool has_directory = false;
  endpoint->free_link_count = 0;
  for (uint32_t extent = 0; extent < region->extent_count; ++extent) {
    // Acquire: whoever claimed it has zeroed it. Without the generation.
    const uint32_t high =
        flat_load(flat_high(flat_extent_word(region, extent)), memory_order_acquire) & ~0xffu;
    if (high == (owner | FLAT_KIND_LINK_DIRECTORY << 24) && !has_directory) {
      endpoint->directory = extent;
      has_directory = extent <= region->extent_count - flat_directory_extents(region);
    }
    if (high == (owner | FLAT_KIND_LINK << 24) && endpoint->free_link_count < FLAT_MAX_PEERS) {
      endpoint->free_links[endpoint->free_link_count++] = extent;
    }
  }
  return has_directory;
}

static enum flat_status take_line(struct flat_endpoint *endpoint) {
  uint8_t *line = flat_line(&endpoint->region, endpoint->id.index);
  // Relaxed throughout: nobody else writes here, and the directory's last store publishes it.
  if (flat_load(line + FLAT_LINE_INCARNATION, memory_order_relaxed) == endpoint->id.incarnation) {
    return FLAT_USED_BEFORE;
  }
  if (!read_epoch(endpoint, &endpoint->epoch)) return FLAT_AGAIN;
  flat_store(line + FLAT_LINE_ARMED, 0, memory_order_relaxed);
  flat_store(line + FLAT_LINE_INCARNATION, endpoint->id.incarnation, memory_order_relaxed);
  flat_grow64(line + FLAT_LINE_ACKED_EPOCH, endpoint->epoch, memory_order_release);
  flat_store(flat_high_of(line + FLAT_LINE_LINK_DIRECTORY), 0, memory_order_relaxed);
  flat_store(line + FLAT_LINE_LINK_DIRECTORY, endpoint->directory + 1, memory_order_seq_cst);
  return FLAT_OK;
}

enum flat_status flat_join(struct flat_endpoint *endpoint, const struct flat_config *config) {
  *endpoint = (struct flat_endpoint){.config = *config, .slot = config->slot};
  if (config->registers != NULL) endpoint->slot = flat_position(config->registers);
  if (!flat_region_attach(&endpoint->region, config->memory, config->memory_bytes)) {
    return FLAT_NO_REGION;
  }
  if (!flat_find_member(&endpoint->region, endpoint->slot, config->name, &endpoint->id)) {
    return FLAT_NO_ENDPOINT;
  }
  if (!find_memory(endpoint)) return FLAT_NO_MEMORY;
  return take_line(endpoint);
}

// SUBTLE: once more what flat_announce_if_parked() looked at. QEMU before 8.1 leaves out the
// barriers of a guest with one processor, so that the look may come before the header's store, and
// a receiver that parks in between would never learn of the message. By the next call the store is
// out.
static void look_again_at_parked(struct flat_endpoint *endpoint, struct flat_peer *peer) {
  if (!peer->is_used || !peer->has_out || peer->is_dropped) return;
  if (peer->looked_at == peer->out.position) return;
  peer->looked_at = peer->out.position;
  if (flat_lane_is_unread(&peer->out)) flat_announce_if_parked(endpoint, peer);
}

static void look_again_at_all(struct flat_endpoint *endpoint) {
  for (uint32_t i = 0; i < FLAT_MAX_PEERS; ++i) look_again_at_parked(endpoint, &endpoint->peers[i]);
}

enum flat_status flat_send(struct flat_endpoint *endpoint, struct flat_id to, uint8_t tag,
                           const void *bytes, uint32_t length) {
  struct flat_peer *peer = NULL;
  if (length > FLAT_MAX_INLINE_BYTES) return FLAT_TOO_LARGE;
  const enum flat_status status = flat_open_out(endpoint, to, &peer);
  if (status != FLAT_OK) return status;
  if (!flat_lane_send(&peer->out, tag, bytes, length)) {
    if (peer->out.is_poisoned) {
      flat_drop(endpoint, peer, FLAT_BAD_CREDITS);
      return FLAT_DROPPED;
    }
    if (!peer->is_stalled) flat_count(endpoint, FLAT_CREDIT_STALLS, 1);
    peer->is_stalled = true;
    peer->stalled_at = peer->out.consumed;
    look_again_at_parked(endpoint, peer);
    return FLAT_AGAIN;
  }
  peer->is_stalled = false;
  flat_count(endpoint, FLAT_MESSAGES_SENT, 1);
  flat_count(endpoint, FLAT_BYTES_SENT, length);
  flat_announce_if_parked(endpoint, peer);
  return FLAT_OK;
}

static bool scan(struct flat_endpoint *endpoint, uint32_t budget) {
  const uint32_t count = flat_high_water(&endpoint->region);
  bool any = false;
  for (uint32_t i = 0; i < budget && i < count; ++i) {
    if (endpoint->scan_next >= count) endpoint->scan_next = 0;
    any |= flat_adopt(endpoint, endpoint->scan_next++);
  }
  return any;
}

uint32_t flat_poll(struct flat_endpoint *endpoint) {
  uint64_t epoch = endpoint->epoch;
  // Before links are looked for, so that one that was made before a death is found before that
  // death is acknowledged.
  if (!read_epoch(endpoint, &epoch)) epoch = endpoint->epoch;
  uint32_t delivered = 0;
  scan(endpoint, SCAN_BUDGET);
  for (uint32_t i = 0; i < FLAT_MAX_PEERS; ++i) {
    struct flat_peer *peer = &endpoint->peers[i];
    if (peer->is_used && peer->has_in) delivered += flat_drain(endpoint, peer, DRAIN_BUDGET);
  }
  look_again_at_all(endpoint);
  if (epoch != endpoint->epoch) delivered += flat_depart_dead(endpoint, epoch);
  return delivered;
}

static void set_parked(struct flat_endpoint *endpoint, uint32_t parked, memory_order order) {
  for (uint32_t i = 0; i < FLAT_MAX_PEERS; ++i) {
    struct flat_peer *peer = &endpoint->peers[i];
    if (!peer->is_used || !peer->has_in) continue;
    flat_store(peer->in.link + FLAT_LINK_PARKED, parked, order);
  }
}

// Whether there is a message, or room that somebody waits for.
static bool has_something(struct flat_endpoint *endpoint, struct flat_peer *peer) {
  struct flat_front front;
  if (peer->has_in) {
    if (flat_lane_front(&peer->in, &front) || peer->in.is_poisoned) return true;
    // Of skips that were passed over: nobody looks here again until it is announced.
    flat_drain(endpoint, peer, 0);
  }
  if (!peer->has_out || peer->is_dropped || !peer->is_stalled) return false;
  // seq_cst: pairs with SmallLaneConsumer::PublishCredits.
  flat_store(peer->out.link + FLAT_LINK_CREDIT_WANTED, 1, memory_order_seq_cst);
  return flat_load(peer->out.link + FLAT_LINK_CONSUMED_CELLS, memory_order_seq_cst) !=
         peer->stalled_at;
}

bool flat_prepare_to_sleep(struct flat_endpoint *endpoint) {
  // seq_cst pairs (docs/wakeup.md): parked first, then the header; armed first, then what is new.
  set_parked(endpoint, 1, memory_order_seq_cst);
  flat_store(flat_line(&endpoint->region, endpoint->id.index) + FLAT_LINE_ARMED, 1,
             memory_order_seq_cst);
  uint64_t epoch = 0;
  bool pending = !read_epoch(endpoint, &epoch) || epoch != endpoint->epoch;
  pending |= scan(endpoint, endpoint->region.endpoint_count);
  look_again_at_all(endpoint);
  for (uint32_t i = 0; i < FLAT_MAX_PEERS; ++i) {
    struct flat_peer *peer = &endpoint->peers[i];
    if (peer->is_used) pending |= has_something(endpoint, peer);
  }
  if (pending) flat_wake_up(endpoint);
  return !pending;
}

void flat_wake_up(struct flat_endpoint *endpoint) {
  // Relaxed, here and below: who still sees 1 rings or announces once too often.
  flat_store(flat_line(&endpoint->region, endpoint->id.index) + FLAT_LINE_ARMED, 0,
             memory_order_relaxed);
  set_parked(endpoint, 0, memory_order_relaxed);
  for (uint32_t i = 0; i < FLAT_MAX_PEERS; ++i) {
    struct flat_peer *peer = &endpoint->peers[i];
    if (!peer->is_used || !peer->is_stalled || !peer->has_out) continue;
    peer->is_stalled = false;
    flat_store(peer->out.link + FLAT_LINK_CREDIT_WANTED, 0, memory_order_relaxed);
  }
}

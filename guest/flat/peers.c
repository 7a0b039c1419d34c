#include "guest/flat/peers.h"

#include <stddef.h>

#include "guest/flat/layout.h"
#include "guest/flat/payload.h"
#include "guest/flat/words.h"

void flat_count(struct flat_endpoint *endpoint, uint32_t counter, uint32_t more) {
  uint8_t *at = flat_counters(&endpoint->region, endpoint->id.index) + counter;
  // Relaxed: nobody else writes it, and it orders nothing.
  const uint64_t value = (uint64_t)flat_load(flat_high(at), memory_order_relaxed) << 32 |
                         flat_load(at, memory_order_relaxed);
  flat_grow64(at, value + more, memory_order_relaxed);
}

void flat_ring_if_armed(struct flat_endpoint *endpoint, uint32_t index) {
  // seq_cst: the second half of the pair with Channel::PrepareToSleep.
  if (flat_load(flat_line(&endpoint->region, index) + FLAT_LINE_ARMED, memory_order_seq_cst) == 0) {
    flat_count(endpoint, FLAT_DOORBELLS_SUPPRESSED, 1);
    return;
  }
  struct flat_member member;
  if (endpoint->config.registers == NULL || !flat_read_member(&endpoint->region, index, &member)) {
    return;
  }
  if (flat_ring(endpoint->config.registers, member.slot, member.vector)) {
    flat_count(endpoint, FLAT_DOORBELLS_SENT, 1);
  }
}

struct flat_peer *flat_find_peer(struct flat_endpoint *endpoint, uint32_t index) {
  for (uint32_t i = 0; i < FLAT_MAX_PEERS; ++i) {
    struct flat_peer *peer = &endpoint->peers[i];
    if (peer->is_used && peer->id.index == index) return peer;
  }
  return NULL;
}

static struct flat_peer *add_peer(struct flat_endpoint *endpoint, struct flat_id id) {
  for (uint32_t i = 0; i < FLAT_MAX_PEERS; ++i) {
    struct flat_peer *peer = &endpoint->peers[i];
    if (peer->is_used) continue;
    *peer = (struct flat_peer){.id = id, .is_used = true};
    return peer;
  }
  return NULL;
}

static uint8_t *directory_entry(const struct flat_endpoint *endpoint, uint32_t receiver) {
  return flat_extent(&endpoint->region, endpoint->directory) + 4 * receiver;
}

static void make_link(struct flat_endpoint *endpoint, struct flat_peer *peer) {
  peer->out_extent = endpoint->free_links[--endpoint->free_link_count];
  uint8_t *link = flat_extent(&endpoint->region, peer->out_extent);
  flat_lane_format(link, endpoint->id.index, endpoint->id.incarnation, peer->id.index,
                   peer->id.incarnation);
  flat_lane_open_out(&peer->out, link);
  peer->has_out = true;
  peer->looked_at = peer->out.position;
  // seq_cst: the pair of Channel::Open with the daemon, which writes a death and then looks who is
  // linked with the dead.
  flat_store(directory_entry(endpoint, peer->id.index), peer->out_extent + 1, memory_order_seq_cst);
}

static void free_link(struct flat_endpoint *endpoint, struct flat_peer *peer) {
  if (!peer->has_out) return;
  // Relaxed: only we write it.
  flat_store(directory_entry(endpoint, peer->id.index), 0, memory_order_relaxed);
  endpoint->free_links[endpoint->free_link_count++] = peer->out_extent;
  peer->has_out = false;
}

static void announce(struct flat_endpoint *endpoint, const struct flat_peer *peer) {
  uint8_t *byte = flat_inbox_byte(&endpoint->region, peer->id.index, endpoint->id.index);
  // Relaxed: only we write it. seq_cst: `armed` is looked at after it.
  const uint8_t next = (uint8_t)(flat_load_byte(byte, memory_order_relaxed) + 1);
  flat_store_byte(byte, next, memory_order_seq_cst);
  flat_ring_if_armed(endpoint, peer->id.index);
}

void flat_announce_if_parked(struct flat_endpoint *endpoint, struct flat_peer *peer) {
  // seq_cst: the second half of the pair with InLink::TryPark.
  if (flat_load(peer->out.link + FLAT_LINK_PARKED, memory_order_seq_cst) != 0) {
    announce(endpoint, peer);
  }
}

enum flat_status flat_open_out(struct flat_endpoint *endpoint, struct flat_id to,
                               struct flat_peer **peer) {
  *peer = flat_find_peer(endpoint, to.index);
  if (to.index == endpoint->id.index || !flat_is_live(&endpoint->region, to)) {
    return FLAT_NOT_ALIVE;
  }
  // Else an earlier holder of that index, whose departure the next poll handles.
  if (*peer != NULL && (*peer)->id.incarnation != to.incarnation) return FLAT_AGAIN;
  if (*peer != NULL && (*peer)->is_dropped) return FLAT_DROPPED;
  if (*peer != NULL && (*peer)->has_out) return FLAT_OK;
  if (endpoint->free_link_count == 0) return FLAT_TOO_MANY;
  if (*peer == NULL) *peer = add_peer(endpoint, to);
  if (*peer == NULL) return FLAT_TOO_MANY;
  make_link(endpoint, *peer);
  // The receiver passes the first lap before there is room (lane.h).
  announce(endpoint, *peer);
  return FLAT_OK;
}

// Whether the link at `link` is the one from `sender` to us.
static bool is_link_from(const struct flat_endpoint *endpoint, const uint8_t *link,
                         struct flat_id sender) {
  // Relaxed: the directory's entry published the link.
  return flat_load(link + FLAT_LINK_AT_MAGIC, memory_order_relaxed) == FLAT_LINK_MAGIC &&
         flat_load(link + FLAT_LINK_ENDS, memory_order_relaxed) ==
             (endpoint->id.index << 16 | sender.index) &&
         flat_load(link + FLAT_LINK_SENDER_INCARNATION, memory_order_relaxed) ==
             sender.incarnation &&
         flat_load(link + FLAT_LINK_RECEIVER_INCARNATION, memory_order_relaxed) ==
             endpoint->id.incarnation;
}

bool flat_adopt(struct flat_endpoint *endpoint, uint32_t index) {
  struct flat_peer *peer = flat_find_peer(endpoint, index);
  struct flat_member member;
  uint32_t extent = 0;
  if (index == endpoint->id.index || (peer != NULL && (peer->has_in || peer->is_dropped))) {
    return false;
  }
  if (!flat_read_member(&endpoint->region, index, &member)) return false;
  // Of a death that was acknowledged the memory is not ours to read any more.
  if (!member.is_live && member.changed_epoch <= endpoint->epoch) return false;
  if (peer != NULL && peer->id.incarnation != member.id.incarnation) return false;
  if (!flat_find_link(&endpoint->region, index, endpoint->id.index, &extent)) return false;
  uint8_t *link = flat_extent(&endpoint->region, extent);
  if (!is_link_from(endpoint, link, member.id)) return false;
  if (peer == NULL) peer = add_peer(endpoint, member.id);
  if (peer == NULL) {
    ++endpoint->refused;
    return false;
  }
  flat_lane_open_in(&peer->in, link);
  peer->has_in = true;
  // Relaxed: a sender that still sees 1 announces itself once too often.
  flat_store(link + FLAT_LINK_PARKED, 0, memory_order_relaxed);
  return true;
}

void flat_drop(struct flat_endpoint *endpoint, struct flat_peer *peer, uint32_t counter) {
  flat_count(endpoint, counter, 1);
  peer->has_in = false;
  peer->is_dropped = true;
  // The link to it stays until it departs: it may still read there.
  if (endpoint->config.on_departed != NULL) {
    endpoint->config.on_departed(endpoint->config.context, peer->id);
  }
}

static void give_back(struct flat_endpoint *endpoint, const struct flat_peer *peer) {
  // seq_cst: pairs with OutLink::WantCredits.
  if (flat_load(peer->in.link + FLAT_LINK_CREDIT_WANTED, memory_order_seq_cst) != 0) {
    flat_ring_if_armed(endpoint, peer->id.index);
  }
}

static void deliver(struct flat_endpoint *endpoint, const struct flat_peer *peer, uint8_t tag,
                    const struct flat_payload *payload) {
  if (!payload->fits) {
    ++endpoint->too_long;
    return;
  }
  flat_count(endpoint, FLAT_MESSAGES_RECEIVED, 1);
  flat_count(endpoint, FLAT_BYTES_RECEIVED, payload->length);
  endpoint->config.on_message(endpoint->config.context, peer->id, tag, endpoint->config.buffer,
                              payload->length);
}

// Takes one message. False: there is none, or the peer was dropped.
static bool take_one(struct flat_endpoint *endpoint, struct flat_peer *peer) {
  struct flat_front front;
  struct flat_payload payload;
  if (!flat_lane_front(&peer->in, &front)) {
    if (peer->in.is_poisoned) flat_drop(endpoint, peer, FLAT_BAD_HEADERS);
    return false;
  }
  if (!flat_payload_take(&endpoint->region, peer->id.index, &front, endpoint->config.buffer,
                         endpoint->config.buffer_bytes, &payload)) {
    flat_drop(endpoint, peer, payload.is_loan ? FLAT_BAD_LOANS : FLAT_BAD_DESCRIPTORS);
    return false;
  }
  flat_lane_release(&peer->in, &front);
  if (flat_payload_release(peer->in.link, &payload, &peer->released_chunks)) {
    give_back(endpoint, peer);
  }
  if (front.kind != FLAT_CELL_BULK_SKIP) deliver(endpoint, peer, front.tag, &payload);
  return true;
}

uint32_t flat_drain(struct flat_endpoint *endpoint, struct flat_peer *peer, uint32_t budget) {
  uint32_t taken = 0;
  while (taken < budget && peer->has_in && take_one(endpoint, peer)) ++taken;
  if (peer->has_in && flat_lane_publish_credits(&peer->in)) give_back(endpoint, peer);
  return taken;
}

uint32_t flat_depart_dead(struct flat_endpoint *endpoint, uint64_t epoch) {
  uint32_t delivered = 0;
  // Those too that made a link and died since we looked last.
  const uint32_t count = flat_high_water(&endpoint->region);
  for (uint32_t index = 0; index < count; ++index) flat_adopt(endpoint, index);
  for (uint32_t i = 0; i < FLAT_MAX_PEERS; ++i) {
    struct flat_peer *peer = &endpoint->peers[i];
    if (!peer->is_used || flat_is_live(&endpoint->region, peer->id)) continue;
    delivered += flat_drain(endpoint, peer, FLAT_CELLS);
    const bool is_news = !peer->is_dropped;
    free_link(endpoint, peer);
    peer->has_in = false;
    peer->is_used = false;
    if (is_news && endpoint->config.on_departed != NULL) {
      endpoint->config.on_departed(endpoint->config.context, peer->id);
    }
  }
  endpoint->epoch = epoch;
  // Release: pairs with the reaper's acquire; nothing of the dead is read after this.
  flat_grow64(flat_line(&endpoint->region, endpoint->id.index) + FLAT_LINE_ACKED_EPOCH, epoch,
              memory_order_release);
  return delivered;
}

#include "guest/flat/lane.h"

#include "guest/flat/layout.h"
#include "guest/flat/words.h"

static uint32_t next_lap(uint32_t lap) { return lap == 0xffffu ? 1u : lap + 1; }

static uint32_t lap_before(uint32_t lap) { return lap == 1u ? 0xffffu : lap - 1; }

static uint32_t cells_for(uint32_t length) {
  return (length + FLAT_CELL_HEADER_BYTES + FLAT_CELL_BYTES - 1) / FLAT_CELL_BYTES;
}

static uint32_t cells_left(const struct flat_lane_position *at) { return FLAT_CELLS - at->index; }

static void advance(struct flat_lane_position *at, uint32_t cells) {
  at->index += cells;
  if (at->index < FLAT_CELLS) return;
  at->index -= FLAT_CELLS;
  at->lap = next_lap(at->lap);
}

static uint8_t *cell(uint8_t *link, uint32_t index) {
  return link + FLAT_LINK_CELLS + index * FLAT_CELL_BYTES;
}

// Release on the low half too: what was written before is ordered for readers of the whole word,
// whose address is that of this half.
static void store_header(uint8_t *at, uint32_t lap, uint8_t tag, uint32_t kind, uint32_t cells,
                         uint32_t length, memory_order order) {
  flat_store(at, cells << 24 | length, memory_order_release);
  flat_store(flat_high_of(at), lap << 16 | (uint32_t)tag << 8 | kind, order);
}

void flat_lane_format(uint8_t *link, uint32_t sender, uint32_t sender_incarnation,
                      uint32_t receiver, uint32_t receiver_incarnation) {
  // Relaxed throughout: the directory's entry publishes the link.
  for (uint32_t at = 0; at < FLAT_EXTENT_BYTES; at += 4) {
    flat_store(link + at, 0, memory_order_relaxed);
  }
  store_header(cell(link, 0), 1, 0, FLAT_CELL_SKIP, FLAT_CELLS, 0, memory_order_relaxed);
  flat_store(link + FLAT_LINK_ENDS, receiver << 16 | sender, memory_order_relaxed);
  flat_store(link + FLAT_LINK_SENDER_INCARNATION, sender_incarnation, memory_order_relaxed);
  flat_store(link + FLAT_LINK_RECEIVER_INCARNATION, receiver_incarnation, memory_order_relaxed);
  flat_store(link + FLAT_LINK_PARKED, 1, memory_order_relaxed);
  flat_store(link + FLAT_LINK_AT_MAGIC, FLAT_LINK_MAGIC, memory_order_relaxed);
}

void flat_lane_open_out(struct flat_out_lane *lane, uint8_t *link) {
  *lane =
      (struct flat_out_lane){.link = link, .position = FLAT_CELLS, .next = {.index = 0, .lap = 2}};
}

void flat_lane_open_in(struct flat_in_lane *lane, uint8_t *link) {
  *lane = (struct flat_in_lane){.link = link, .next = {.index = 0, .lap = 1}};
}

static bool fits(const struct flat_out_lane *lane, uint32_t cells) {
  // The message, the skip before it if it does not fit into this lap, and one cell more.
  const uint32_t left = cells_left(&lane->next);
  const uint32_t needed = (cells > left ? left : 0) + cells + 1;
  return needed <= FLAT_CELLS - (lane->position - lane->consumed);
}

// What is behind us stays at most a lap behind, and does not go back.
static void load_credits(struct flat_out_lane *lane) {
  // Acquire: pairs with SmallLaneConsumer::PublishCredits, by its low half; what we are to
  // overwrite was read.
  const uint32_t seen = flat_load(lane->link + FLAT_LINK_CONSUMED_CELLS, memory_order_acquire);
  if (lane->position - seen > lane->position - lane->consumed) {
    lane->is_poisoned = true;
    return;
  }
  lane->consumed = seen;
}

bool flat_lane_is_unread(struct flat_out_lane *lane) {
  if (lane->is_poisoned) return false;
  load_credits(lane);
  return !lane->is_poisoned && lane->position != lane->consumed;
}

// The cell behind a message or a skip says the lap before, whatever was there.
static void set_next(struct flat_out_lane *lane, uint32_t cells) {
  lane->position += cells;
  advance(&lane->next, cells);
  uint8_t *header = cell(lane->link, lane->next.index);
  // Relaxed: ordered by the store of the header that leads the receiver there.
  flat_store(flat_high_of(header), lap_before(lane->next.lap) << 16, memory_order_relaxed);
}

static void publish(struct flat_out_lane *lane, uint8_t tag, uint32_t kind, uint32_t cells,
                    uint32_t length, memory_order order) {
  uint8_t *header = cell(lane->link, lane->next.index);
  const uint32_t lap = lane->next.lap;
  set_next(lane, cells);
  store_header(header, lap, tag, kind, cells, length, order);
}

// Whole words first, then bytes: the region may be mapped as device memory.
static void copy_in(uint8_t *to, const uint8_t *from, uint32_t length) {
  uint32_t at = 0;
  for (; length - at >= 4; at += 4) {
    const uint32_t word = (uint32_t)from[at] | (uint32_t)from[at + 1] << 8 |
                          (uint32_t)from[at + 2] << 16 | (uint32_t)from[at + 3] << 24;
    flat_store(to + at, word, memory_order_relaxed);
  }
  for (; at < length; ++at) flat_store_byte(to + at, from[at], memory_order_relaxed);
}

bool flat_lane_send(struct flat_out_lane *lane, uint8_t tag, const void *bytes, uint32_t length) {
  if (lane->is_poisoned || length > FLAT_MAX_INLINE_BYTES) return false;
  const uint32_t cells = cells_for(length);
  if (!fits(lane, cells)) {
    load_credits(lane);
    if (lane->is_poisoned || !fits(lane, cells)) return false;
  }
  const uint32_t left = cells_left(&lane->next);
  if (cells > left) publish(lane, 0, FLAT_CELL_SKIP, left, 0, memory_order_release);
  copy_in(cell(lane->link, lane->next.index) + FLAT_CELL_HEADER_BYTES, bytes, length);
  publish(lane, tag, FLAT_CELL_INLINE, cells, length, memory_order_seq_cst);
  return true;
}

static bool is_of_the_lap_before(const struct flat_in_lane *lane, uint32_t high) {
  return lane->position >= FLAT_CELLS && next_lap(high >> 16) == lane->next.lap;
}

static bool is_sane(const struct flat_in_lane *lane, const struct flat_front *front) {
  const uint32_t left = cells_left(&lane->next);
  switch (front->kind) {
    case FLAT_CELL_INLINE:
      return front->cells != 0 && front->cells <= left && front->cells <= FLAT_MAX_MESSAGE_CELLS &&
             front->length <= front->cells * FLAT_CELL_BYTES - FLAT_CELL_HEADER_BYTES;
    case FLAT_CELL_BULK:
    case FLAT_CELL_BULK_SKIP:
      return front->cells == 1 && front->length == FLAT_BULK_DESCRIPTOR_BYTES;
    case FLAT_CELL_LOAN:
      return front->cells == 1 && front->length == FLAT_LOAN_DESCRIPTOR_BYTES;
    case FLAT_CELL_SKIP:
      return front->cells != 0 && front->cells <= left;
    default:
      return false;
  }
}

// What begins in the next cell. The sender stores the word at once, and once a lap: with the high
// half the low one is there too. Acquire on the low half as well: its address is the word's, which
// SmallLaneProducer::Publish stores.
static bool look(struct flat_in_lane *lane, struct flat_front *front) {
  const uint8_t *at = cell(lane->link, lane->next.index);
  const uint32_t high = flat_load(flat_high(at), memory_order_seq_cst);
  if (high >> 16 != lane->next.lap) {
    if (high != 0 && !is_of_the_lap_before(lane, high)) lane->is_poisoned = true;
    return false;
  }
  const uint32_t low = flat_load(at, memory_order_acquire);
  *front = (struct flat_front){.payload = at + FLAT_CELL_HEADER_BYTES,
                               .length = low & 0xffffffu,
                               .cells = low >> 24,
                               .kind = (uint8_t)high,
                               .tag = (uint8_t)(high >> 8)};
  if (!is_sane(lane, front)) lane->is_poisoned = true;
  return !lane->is_poisoned;
}

bool flat_lane_front(struct flat_in_lane *lane, struct flat_front *front) {
  // Bounded: a lap holds at most FLAT_CELLS skips, and the peer may write faster than we read.
  for (uint32_t skips = 0; skips < FLAT_CELLS && !lane->is_poisoned; ++skips) {
    if (!look(lane, front)) return false;
    if (front->kind != FLAT_CELL_SKIP) return true;
    flat_lane_release(lane, front);
  }
  return false;
}

void flat_lane_release(struct flat_in_lane *lane, const struct flat_front *front) {
  lane->position += front->cells;
  advance(&lane->next, front->cells);
}

bool flat_lane_publish_credits(struct flat_in_lane *lane) {
  if (lane->position == lane->published) return false;
  lane->published = lane->position;
  // seq_cst: credit_wanted is looked at after it.
  flat_grow64(lane->link + FLAT_LINK_CONSUMED_CELLS, lane->position, memory_order_seq_cst);
  return true;
}

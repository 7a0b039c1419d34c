#include "guest/flat/region.h"

#include <stddef.h>

#include "guest/flat/layout.h"
#include "guest/flat/words.h"

#define SNAPSHOT_ATTEMPTS 8

// Once the magic was read with acquire, all else in the header is there: relaxed.
static uint32_t field(const struct flat_region *region, uint32_t at) {
  return flat_load(region->base + at, memory_order_relaxed);
}

static bool says_offset(const struct flat_region *region, uint32_t at, uint32_t offset) {
  return field(region, at) == offset && field(region, at + 4) == 0;
}

static uint32_t take(uint32_t *next, uint32_t bytes) {
  const uint32_t start = *next;
  *next += (bytes + FLAT_EXTENT_BYTES - 1) / FLAT_EXTENT_BYTES * FLAT_EXTENT_BYTES;
  return start;
}

static bool read_limits(struct flat_region *region) {
  region->slot_count = field(region, FLAT_AT_SLOT_COUNT);
  region->vector_count = field(region, FLAT_AT_VECTOR_COUNT);
  region->endpoint_count = field(region, FLAT_AT_ENDPOINT_COUNT);
  return region->slot_count >= 2 && region->slot_count <= 256 && region->vector_count >= 2 &&
         region->vector_count <= 256 && region->endpoint_count >= 64 &&
         region->endpoint_count <= 16384 && region->endpoint_count % 64 == 0;
}

// Lays the parts out one after the other; true if the header says the same of each. No sum is
// above 2^31: the limits are checked.
static bool compare_parts(struct flat_region *region) {
  const uint32_t endpoints = region->endpoint_count;
  uint32_t next = 0;
  take(&next, FLAT_HEADER_BYTES);
  const uint32_t slot_records = take(&next, region->slot_count * FLAT_SLOT_RECORD_BYTES);
  region->endpoint_records = take(&next, endpoints * FLAT_ENDPOINT_RECORD_BYTES);
  const uint32_t service_records = take(&next, FLAT_SERVICE_COUNT * FLAT_SERVICE_RECORD_BYTES);
  region->endpoint_lines = take(&next, endpoints * FLAT_ENDPOINT_LINE_BYTES);
  const uint32_t control_areas = take(&next, region->slot_count * FLAT_CONTROL_AREA_BYTES);
  region->counters = take(&next, endpoints * FLAT_COUNTERS_BYTES);
  region->inboxes = take(&next, endpoints * endpoints);
  region->extent_map = take(&next, region->bytes / FLAT_EXTENT_BYTES * FLAT_EXTENT_WORD_BYTES);
  region->extents = next;
  if (region->extents > region->bytes / 2) return false;
  region->extent_count = (region->bytes - region->extents) / FLAT_EXTENT_BYTES;
  return says_offset(region, FLAT_AT_SLOT_RECORDS, slot_records) &&
         says_offset(region, FLAT_AT_ENDPOINT_RECORDS, region->endpoint_records) &&
         says_offset(region, FLAT_AT_SERVICE_RECORDS, service_records) &&
         says_offset(region, FLAT_AT_ENDPOINT_LINES, region->endpoint_lines) &&
         says_offset(region, FLAT_AT_CONTROL_AREAS, control_areas) &&
         says_offset(region, FLAT_AT_COUNTERS, region->counters) &&
         says_offset(region, FLAT_AT_INBOXES, region->inboxes) &&
         says_offset(region, FLAT_AT_EXTENT_MAP, region->extent_map) &&
         says_offset(region, FLAT_AT_EXTENTS, region->extents) &&
         field(region, FLAT_AT_EXTENT_COUNT) == region->extent_count;
}

bool flat_region_attach(struct flat_region *region, void *memory, uint32_t bytes) {
  *region = (struct flat_region){.base = memory, .bytes = bytes};
  if (bytes < (1u << 20) || (bytes & (bytes - 1)) != 0) return false;
  uint64_t magic = 0;
  // Acquire: pairs with the creator's release store.
  if (!flat_load64(region->base + FLAT_AT_MAGIC, &magic)) return false;
  return magic == ((uint64_t)FLAT_MAGIC_HIGH << 32 | FLAT_MAGIC_LOW) &&
         field(region, FLAT_AT_LAYOUT_VERSION) == FLAT_LAYOUT_VERSION &&
         field(region, FLAT_AT_HEADER_BYTES) == FLAT_HEADER_BYTES &&
         says_offset(region, FLAT_AT_REGION_BYTES, bytes) && read_limits(region) &&
         compare_parts(region);
}

static uint8_t *record(const struct flat_region *region, uint32_t index) {
  return region->base + region->endpoint_records + index * FLAT_ENDPOINT_RECORD_BYTES;
}

// What stands between two equal looks at the identity belongs to that identity: the daemon stores
// it last when it fills a record and first when it changes one.
bool flat_read_member(const struct flat_region *region, uint32_t index,
                      struct flat_member *member) {
  if (index >= region->endpoint_count) return false;
  const uint8_t *from = record(region, index);
  for (int i = 0; i < SNAPSHOT_ATTEMPTS; ++i) {
    uint64_t identity = 0;
    uint64_t again = 0;
    if (!flat_load64(from + FLAT_RECORD_IDENTITY, &identity)) return false;
    const uint32_t state = (uint32_t)identity;
    if (state != FLAT_ENDPOINT_LIVE && state != FLAT_ENDPOINT_DEAD) return false;
    // Acquire: what is read here stays before the second look.
    const uint32_t place = flat_load(flat_high(from + FLAT_RECORD_LOCATION), memory_order_acquire);
    if (!flat_load64(from + FLAT_RECORD_CHANGED_EPOCH, &member->changed_epoch)) return false;
    if (!flat_load64(from + FLAT_RECORD_IDENTITY, &again)) return false;
    if (again != identity) continue;
    member->id = (struct flat_id){.index = index, .incarnation = (uint32_t)(identity >> 32)};
    member->is_live = state == FLAT_ENDPOINT_LIVE;
    member->slot = place >> 16;
    member->vector = place & 0xffffu;
    return true;
  }
  return false;
}

bool flat_is_live(const struct flat_region *region, struct flat_id id) {
  if (id.index >= region->endpoint_count) return false;
  uint64_t identity = 0;
  return flat_load64(record(region, id.index) + FLAT_RECORD_IDENTITY, &identity) &&
         identity == ((uint64_t)id.incarnation << 32 | FLAT_ENDPOINT_LIVE);
}

uint32_t flat_high_water(const struct flat_region *region) {
  // Acquire: the records below it are there.
  const uint32_t seen = flat_load(region->base + FLAT_AT_ENDPOINT_HIGH_WATER, memory_order_acquire);
  return seen < region->endpoint_count ? seen : region->endpoint_count;
}

static bool has_name(const struct flat_region *region, uint32_t index, const char *name) {
  const uint8_t *from = record(region, index) + FLAT_RECORD_NAME;
  for (uint32_t i = 0; i < FLAT_NAME_BYTES; ++i) {
    const char seen = (char)flat_load_byte(from + i, memory_order_acquire);
    if (seen != name[i]) return false;
    if (seen == '\0') return true;
  }
  return false;
}

bool flat_find_member(const struct flat_region *region, uint32_t slot, const char *name,
                      struct flat_id *id) {
  const uint32_t count = flat_high_water(region);
  for (uint32_t index = 0; index < count; ++index) {
    struct flat_member member;
    if (!flat_read_member(region, index, &member) || !member.is_live || member.slot != slot) {
      continue;
    }
    if (name != NULL && !has_name(region, index, name)) continue;
    *id = member.id;
    // The name is that member's if it still is there.
    return flat_is_live(region, *id);
  }
  return false;
}

uint32_t flat_directory_extents(const struct flat_region *region) {
  return (region->endpoint_count * 4 + FLAT_EXTENT_BYTES - 1) / FLAT_EXTENT_BYTES;
}

bool flat_find_link(const struct flat_region *region, uint32_t sender, uint32_t receiver,
                    uint32_t *extent) {
  uint64_t directory = 0;
  // Acquire: pairs with the sender's stores; directory and link are formatted.
  if (!flat_load64(flat_line(region, sender) + FLAT_LINE_LINK_DIRECTORY, &directory)) return false;
  const uint32_t length = flat_directory_extents(region);
  if (directory == 0 || directory > region->extent_count ||
      length > region->extent_count - (uint32_t)(directory - 1)) {
    return false;
  }
  const uint8_t *entries = flat_extent(region, (uint32_t)directory - 1);
  const uint32_t entry = flat_load(entries + 4 * receiver, memory_order_acquire);
  if (entry == 0 || entry > region->extent_count) return false;
  *extent = entry - 1;
  return true;
}

uint8_t *flat_extent(const struct flat_region *region, uint32_t extent) {
  return region->base + region->extents + extent * FLAT_EXTENT_BYTES;
}

uint8_t *flat_line(const struct flat_region *region, uint32_t index) {
  return region->base + region->endpoint_lines + index * FLAT_ENDPOINT_LINE_BYTES;
}

uint8_t *flat_counters(const struct flat_region *region, uint32_t index) {
  return region->base + region->counters + index * FLAT_COUNTERS_BYTES;
}

uint8_t *flat_inbox_byte(const struct flat_region *region, uint32_t receiver, uint32_t sender) {
  return region->base + region->inboxes + receiver * region->endpoint_count + sender;
}

uint8_t *flat_extent_word(const struct flat_region *region, uint32_t extent) {
  return region->base + region->extent_map + extent * FLAT_EXTENT_WORD_BYTES;
}

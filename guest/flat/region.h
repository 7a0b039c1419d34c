// The region: where its parts are, computed here from size and limits and compared with the header,
// as everybody does who attaches; and who is a member. Nothing is written.
//
// What it assumes of peers: nothing; any of them can write any byte. Each word is read once,
// checked, and used from the copy. Regions below 4 GiB only. For C and C++, freestanding.
#ifndef TOMBOLO_GUEST_FLAT_REGION_H
#define TOMBOLO_GUEST_FLAT_REGION_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct flat_id {
  uint32_t index;
  uint32_t incarnation;
};

// Offsets are bytes from the base.
struct flat_region {
  uint8_t *base;
  uint32_t bytes;
  uint32_t slot_count;
  uint32_t vector_count;
  uint32_t endpoint_count;
  uint32_t endpoint_records;
  uint32_t endpoint_lines;
  uint32_t counters;
  uint32_t inboxes;
  uint32_t extent_map;
  uint32_t extents;
  uint32_t extent_count;
};

struct flat_member {
  struct flat_id id;
  bool is_live;  // Else it is dead, and its memory not yet given to others.
  uint32_t slot;
  uint32_t vector;
  uint64_t changed_epoch;
};

// False: the header is not that of a region of exactly `bytes` bytes and of layout version 2, or
// not yet complete. `memory` is aligned to 4 KiB.
bool flat_region_attach(struct flat_region *region, void *memory, uint32_t bytes);

// Endpoint `index`, if there is one. False also while its record is being changed.
bool flat_read_member(const struct flat_region *region, uint32_t index, struct flat_member *member);

bool flat_is_live(const struct flat_region *region, struct flat_id id);

// One more than the highest index that was ever used, bounded by the region.
uint32_t flat_high_water(const struct flat_region *region);

// The oldest endpoint of `slot` that lives; with `name` (at most 31 bytes) only one of that name.
bool flat_find_member(const struct flat_region *region, uint32_t slot, const char *name,
                      struct flat_id *id);

// The extent of the link from `sender` to `receiver` as the sender's directory names it; bounded by
// the region, else unchecked. False: there is none.
bool flat_find_link(const struct flat_region *region, uint32_t sender, uint32_t receiver,
                    uint32_t *extent);

uint8_t *flat_extent(const struct flat_region *region, uint32_t extent);
uint8_t *flat_line(const struct flat_region *region, uint32_t index);
uint8_t *flat_counters(const struct flat_region *region, uint32_t index);
uint8_t *flat_inbox_byte(const struct flat_region *region, uint32_t receiver, uint32_t sender);
uint8_t *flat_extent_word(const struct flat_region *region, uint32_t extent);
uint32_t flat_directory_extents(const struct flat_region *region);

#ifdef __cplusplus
}
#endif

#endif

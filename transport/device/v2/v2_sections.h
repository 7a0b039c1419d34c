// V2Sections: where the sections of an ivshmem v2 device lie in its memory, BAR2.
//
//   +-------------+-------------+----------+----------+-----+
//   | state table | R/W section | output 0 | output 1 | ... |
//   +-------------+-------------+----------+----------+-----+
//
// The state table has a word of 32 bits for each peer and is written by the device only. The R/W
// section, which may be empty, is everybody's; output i is written by peer i only and read by all.
// All sizes are multiples of a page.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

namespace tombolo {

inline constexpr uint64_t kV2PageBytes = 4096;
inline constexpr uint32_t kV2LeastPeers = 2;
inline constexpr uint32_t kV2MostPeers = 32;

struct V2Sections {
  uint32_t peer_count = 0;
  uint64_t state_table_bytes = 0;
  uint64_t rw_bytes = 0;
  uint64_t output_bytes = 0;

  uint64_t RwOffset() const { return state_table_bytes; }
  uint64_t OutputOffset(uint32_t peer) const {
    return state_table_bytes + rw_bytes + peer * output_bytes;
  }
  uint64_t TotalBytes() const { return OutputOffset(peer_count); }
};

// InvalidArgument, with what to do, unless `peer_count` is kV2LeastPeers to kV2MostPeers, both
// sizes are multiples of a page, an output section has at least one, and all together is at most 1
// TiB.
absl::StatusOr<V2Sections> MakeV2Sections(uint32_t peer_count, uint64_t rw_bytes,
                                          uint64_t output_bytes);

}  // namespace tombolo

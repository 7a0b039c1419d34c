// EndpointLine: what an endpoint tells strangers about itself. A fixed array, one line per endpoint
// index, never put to another use; the endpoint that holds the index is the only writer.
//
//    0  armed             1: asleep or about to be; ring its doorbell
//    4  incarnation       of the writer; a line of another incarnation is stale
//    8  acked_epoch       it holds no span or link of anybody who was dead at this membership epoch
//                         (all ones: nor will it ever)
//   16  link_directory    its LinkDirectory: 1 + extent index, 0 for none
//   24  heartbeat_ns      its own monotonic clock, for display only
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/base/units.h"
#include "transport/layout/shared_word.h"

namespace tombolo {

struct alignas(kCacheLineBytes) EndpointLine {
  SharedU32 armed;
  SharedU32 incarnation;
  SharedU64 acked_epoch;
  SharedU64 link_directory;
  SharedU64 heartbeat_ns;
  uint64_t reserved[4];
};

static_assert(offsetof(EndpointLine, armed) == 0);
static_assert(offsetof(EndpointLine, incarnation) == 4);
static_assert(offsetof(EndpointLine, acked_epoch) == 8);
static_assert(offsetof(EndpointLine, link_directory) == 16);
static_assert(offsetof(EndpointLine, heartbeat_ns) == 24);
static_assert(sizeof(EndpointLine) == 64);

}  // namespace tombolo

// Which links an endpoint has made: its directory, in extents of its own (transport/layout/link.h).
// Thread safety: all functions. Every number there is the sender's word: read once and checked.
#pragma once

#include <cstdint>
#include <optional>

#include "transport/region/region.h"

namespace tombolo {

// Extents of a directory in a region of `endpoint_count` endpoints.
uint32_t LinkDirectoryExtents(uint32_t endpoint_count);

// The extent of the link from endpoint `sender` to endpoint `receiver`; nothing when the sender has
// made none, or when what stands there makes no sense.
std::optional<uint32_t> FindLinkExtent(const Region& region, uint32_t sender, uint32_t receiver);

}  // namespace tombolo

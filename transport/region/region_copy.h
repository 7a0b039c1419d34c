// Copies between private memory and the region, in the way that the mapping's memory type wants.
//
// Write-back memory is copied as any other. Uncached and write-combining memory is read and written
// in the widest aligned accesses that the processor has, because each of them is a transaction of
// its own. Device memory (arm64) raises SIGBUS at unaligned accesses, which memcpy makes even for
// aligned addresses: there only naturally aligned words and bytes are used.
// Thread safety: all functions.
#pragma once

#include <cstddef>
#include <span>

#include "transport/base/memory_type.h"

namespace tombolo {

// Copies `from`, which lies in the region, to private memory at `to`.
void CopyOut(MemoryType type, std::byte* to, std::span<const std::byte> from);

// Copies `from`, private memory, to `to` in the region.
void CopyIn(MemoryType type, std::byte* to, std::span<const std::byte> from);

// Fills `to` in the region with zeros.
void Zero(MemoryType type, std::span<std::byte> to);

}  // namespace tombolo

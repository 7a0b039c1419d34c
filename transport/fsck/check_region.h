// CheckRegion: proves of a region that every extent is exactly one of free, owned by a living
// endpoint, in quarantine, or owned by a service, and says who owns what.
//
// It works on a dead region and on a live one, whose endpoints claim, free, come and go meanwhile.
// The region is looked at twice, and a violation counts only if both looks found the very same
// words: then there was a moment between the two at which all of them held. What changed meanwhile
// is looked at again, a few times; what never holds still is nobody's fault.
//
// What is allowed, because a claim and a free are not one store:
//   - tails without a head, of an owner that exists (transport/alloc claims from the last word to
//     the first and frees from the first to the last)
//   - links that are in no directory any more: their owner keeps or frees them
// What everybody keeps to, so that nothing else is seen: a word that names extents is stored after
// they were claimed and formatted, and cleared before they are freed.
//
// It only reads, so the mapping may be read-only. It assumes nothing of what it reads: every word
// is read once into a local and checked, nothing is followed out of the region, and all loops are
// bounded by the region's limits. Memory: a few words per endpoint. Thread safety: all of it.
#pragma once

#include "transport/fsck/region_report.h"
#include "transport/region/region.h"

namespace tombolo {

RegionReport CheckRegion(const Region& region);

}  // namespace tombolo

// What CheckRegion() found: every extent in exactly one of five classes, who owns what, and what is
// not as it should be. Plain values without references into the region.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "transport/endpoint/endpoint_id.h"
#include "transport/layout/extent_word.h"

namespace tombolo {

inline constexpr size_t kExtentKinds = 6;  // ExtentKind, kNone included.

enum class OwnerStanding {
  kNobody,      // The record is free: nothing may belong to it.
  kOutOfRange,  // There is no such record.
  kUnknown,     // The record's state is none that this program knows.
  kLive,        // A living endpoint.
  kDead,        // Proven dead; its memory waits until everybody has let go of it.
  kService,     // A service that exists.
};

// One owner and what it holds.
struct OwnerReport {
  uint16_t owner = 0;  // As in the extent map.
  OwnerStanding standing = OwnerStanding::kNobody;
  std::string name;
  uint32_t incarnation = 0;
  uint16_t slot = 0;  // Endpoints only, as pid.
  uint32_t pid = 0;
  EndpointId writer;  // Services only; incarnation 0: nobody.

  std::array<uint64_t, kExtentKinds> extents_by_kind{};
  // Of those, tails without a head: a claim or a free that is going on, or that its owner's death
  // cut off.
  uint64_t unfinished_extents = 0;

  uint64_t Extents() const {
    uint64_t sum = 0;
    for (uint64_t extents : extents_by_kind) sum += extents;
    return sum;
  }
};

enum class ViolationKind {
  kUnknownState,   // An extent's word, or a record, in a state that does not exist.
  kUnknownKind,    // An extent of a kind that does not exist.
  kDirtyFreeWord,  // A free extent whose word says more than its generation.
  kNoSuchOwner,    // An extent whose owner's index is out of range.
  kLeak,           // An extent that belongs to a free record: nobody will ever free it.
  kOverrun,        // A head whose length is 0 or runs over the map's end.
  kBrokenRun,      // A head whose length runs over words that are not its tails.
  kDirectory,      // A link directory that is not the endpoint's own.
  kLink,           // A link that is not the endpoint's own, or says so itself.
  kStaleLine,      // An endpoint's line that a former holder of the index left behind.
  kMember,         // An endpoint of a slot that does not exist.
  kService,        // A service whose writer is no endpoint.
};

// As in "leak", "broken-run": for people and for scripts.
const char* Word(ViolationKind kind);

struct Violation {
  ViolationKind kind = ViolationKind::kUnknownState;
  // Of the extent; of the endpoint for kDirectory to kMember; of the service for kService.
  uint32_t index = 0;
  // How many extents are nobody's because of it.
  uint64_t extents = 0;
  // The words that prove it, hashed. Generations and incarnations are among them, so two equal
  // looks at the region mean that the words held all the time in between.
  uint64_t evidence = 0;
  std::string text;  // A sentence.

  friend bool operator==(const Violation&, const Violation&) = default;
};

// The classes add up to extent_count.
struct RegionReport {
  uint64_t membership_epoch = 0;
  uint64_t extent_count = 0;
  uint64_t free_extents = 0;
  uint64_t owned_extents = 0;       // By living endpoints.
  uint64_t quarantine_extents = 0;  // Lent and freed, or of the dead: free in a while.
  uint64_t service_extents = 0;
  uint64_t lost_extents = 0;      // Violations account for them.
  uint64_t changing_extents = 0;  // Not the same at two looks: somebody is at work there.

  std::vector<OwnerReport> owners;    // Endpoints that are not free, services that exist.
  std::vector<Violation> violations;  // At most kMaxViolations.
  uint64_t violations_left_out = 0;

  bool IsClean() const { return violations.empty(); }
};

// More are only counted: a region full of garbage has one per extent.
inline constexpr size_t kMaxViolations = 1000;

}  // namespace tombolo

// The extent map: one 64-bit word per extent of 4 KiB.
//
//   63    60 59  56 55         40 39              20 19               0
//   | state | kind |    owner    |    generation    |      length      |
//
// A run of extents is owned by its first word (state kHead), which holds its length in extents. The
// other words of a run are kTail and hold the same owner, so that every word tells on its own whose
// it is: freeing what a dead endpoint owned is one scan, wherever it died in a claim. generation
// counts how often this extent was freed; it wraps at 2^20. Zeroed memory is a map of free extents.
#pragma once

#include <cstdint>

namespace tombolo {

enum class ExtentState : uint32_t { kFree = 0, kHead = 1, kTail = 2 };

enum class ExtentKind : uint32_t {
  kNone = 0,
  kLinkDirectory = 1,
  kLink = 2,         // The small lane of a link.
  kPoolSegment = 3,  // Chunks of a bulk pool.
  kMemory = 4,       // Handed to the application.
  kQuarantine = 5,   // The same, freed while it was lent: waits until it is returned.
};

inline constexpr uint64_t kMaxRunExtents = (uint64_t{1} << 20) - 1;
inline constexpr uint32_t kExtentGenerationMask = (1u << 20) - 1;

struct ExtentWord {
  ExtentState state = ExtentState::kFree;
  ExtentKind kind = ExtentKind::kNone;
  uint16_t owner = 0;       // Endpoint index, or ServiceOwner().
  uint32_t generation = 0;  // 20 bits.
  uint32_t length = 0;      // Extents, 20 bits; 0 unless kHead.

  friend constexpr bool operator==(const ExtentWord&, const ExtentWord&) = default;
};

constexpr uint64_t Pack(const ExtentWord& word) {
  return uint64_t{static_cast<uint32_t>(word.state) & 0xf} << 60 |
         uint64_t{static_cast<uint32_t>(word.kind) & 0xf} << 56 | uint64_t{word.owner} << 40 |
         uint64_t{word.generation & kExtentGenerationMask} << 20 | (word.length & kMaxRunExtents);
}

constexpr ExtentWord UnpackExtentWord(uint64_t packed) {
  return ExtentWord{
      .state = static_cast<ExtentState>(packed >> 60),
      .kind = static_cast<ExtentKind>(packed >> 56 & 0xf),
      .owner = static_cast<uint16_t>(packed >> 40),
      .generation = static_cast<uint32_t>(packed >> 20) & kExtentGenerationMask,
      .length = static_cast<uint32_t>(packed & kMaxRunExtents),
  };
}

static_assert(Pack(ExtentWord{}) == 0);
static_assert(UnpackExtentWord(Pack({ExtentState::kHead, ExtentKind::kLink, 0xffff, 0xfffff, 7})) ==
              ExtentWord{ExtentState::kHead, ExtentKind::kLink, 0xffff, 0xfffff, 7});

}  // namespace tombolo

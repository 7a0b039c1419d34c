// Board: what the processes of the torture tell their parent, in memory that they share and that is
// no part of the region.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tombolo::crash {

inline constexpr size_t kSeats = 8;  // Endpoints that are alive at the same time.

enum class Phase : uint32_t {
  kTalk,  // Random messages to random peers.
  kLast,  // Everybody sends everybody one last message, and waits for theirs.
  kLeave,
};

// Counters of all who have sat there.
struct alignas(64) Seat {
  std::atomic<uint64_t> rounds = 0;
  std::atomic<uint64_t> received = 0;
  std::atomic<uint64_t> torn = 0;
  std::atomic<bool> has_all = false;  // The last messages of all others.
};

struct Board {
  std::atomic<Phase> phase = Phase::kTalk;
  std::array<Seat, kSeats> seats;
};

}  // namespace tombolo::crash

// ReceiveBudget: how much memory all streams of a mux may fill with data that nobody has read yet.
//
// A window is a promise to take that many bytes, so it is memory spent. Each stream gets a fair
// share of the whole, never less than the least window (or it could not go on) and never more than
// the largest: receive_bytes + max_streams * least_window_bytes is the most that can ever be held.
// Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "transport/base/units.h"

namespace tombolo {

struct StreamLimits {
  uint64_t least_window_bytes = 16 * kKiB;
  uint64_t largest_window_bytes = 256 * kKiB;
  uint64_t receive_bytes = 64 * kMiB;  // Of all streams.
  size_t max_streams = 8192;           // Of all peers.
  size_t max_streams_per_peer = 4096;  // And per side that opens them.
};

class ReceiveBudget {
 public:
  explicit ReceiveBudget(const StreamLimits& limits) : limits_(limits) {}
  ReceiveBudget(const ReceiveBudget&) = delete;
  ReceiveBudget& operator=(const ReceiveBudget&) = delete;

  void AddStream() { ++streams_; }
  void RemoveStream() { --streams_; }
  size_t StreamCount() const { return streams_; }

  // By how much a stream that holds `held_bytes` of granted and unread window may grow now: 0 while
  // more than half of its share is left, so that grants are worth a message.
  uint64_t Extend(uint64_t held_bytes) {
    const uint64_t share = std::clamp(limits_.receive_bytes / std::max<uint64_t>(1, streams_),
                                      limits_.least_window_bytes, limits_.largest_window_bytes);
    const uint64_t target =
        held_total_bytes_ + share <= limits_.receive_bytes ? share : limits_.least_window_bytes;
    if (held_bytes > target / 2) return 0;
    held_total_bytes_ += target - held_bytes;
    return target - held_bytes;
  }

  // Bytes were read, or will never come.
  void Return(uint64_t bytes) { held_total_bytes_ -= bytes; }

  uint64_t HeldTotalBytes() const { return held_total_bytes_; }

 private:
  const StreamLimits limits_;
  size_t streams_ = 0;
  uint64_t held_total_bytes_ = 0;
};

}  // namespace tombolo

// What `tombolo bench` measures, size by size.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "control/benchmark/echo_client.h"

namespace tombolo::control {

struct SizeFigures {
  size_t bytes = 0;
  uint64_t round_trips = 0;
  // Of a message there: half a round trip, in nanoseconds.
  double min_ns = 0;
  double median_ns = 0;
  double p99_ns = 0;
  // Messages one after the other, in one direction, until the other side has read them.
  double messages_per_second = 0;

  double BytesPerSecond() const { return messages_per_second * static_cast<double>(bytes); }
};

// Takes at least `part_ns` for the latency, and about twice that for the bandwidth. Errors are
// those of the client.
absl::StatusOr<SizeFigures> MeasureSize(EchoClient& client, size_t bytes, int64_t part_ns);

}  // namespace tombolo::control

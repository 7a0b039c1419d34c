#include "control/benchmark/measure.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr int kWarmUpRoundTrips = 3;
constexpr size_t kLeastRoundTrips = 5;
constexpr size_t kMostRoundTrips = 1'000'000;
constexpr uint64_t kMostBatchMessages = uint64_t{1} << 32;

absl::Status MeasureLatency(EchoClient& client, int64_t part_ns, SizeFigures& figures) {
  for (int i = 0; i < kWarmUpRoundTrips; ++i) {
    if (const auto warm = client.RoundTrip(figures.bytes); !warm.ok()) return warm.status();
  }
  std::vector<int64_t> round_trips_ns;
  const int64_t end_ns = MonotonicNs() + part_ns;
  while (round_trips_ns.size() < kLeastRoundTrips ||
         (MonotonicNs() < end_ns && round_trips_ns.size() < kMostRoundTrips)) {
    const absl::StatusOr<int64_t> round_trip_ns = client.RoundTrip(figures.bytes);
    if (!round_trip_ns.ok()) return round_trip_ns.status();
    round_trips_ns.push_back(*round_trip_ns);
  }
  std::sort(round_trips_ns.begin(), round_trips_ns.end());
  const auto half = [&](size_t index) { return static_cast<double>(round_trips_ns[index]) / 2; };
  figures.round_trips = round_trips_ns.size();
  figures.min_ns = half(0);
  figures.median_ns = half(round_trips_ns.size() / 2);
  figures.p99_ns = half(round_trips_ns.size() * 99 / 100);
  return absl::OkStatus();
}

// Batches grow until one takes long enough for its two ends not to matter.
absl::Status MeasureBandwidth(EchoClient& client, int64_t part_ns, SizeFigures& figures) {
  for (uint64_t count = 1;; count *= 2) {
    const absl::StatusOr<int64_t> batch_ns = client.Batch(figures.bytes, count);
    if (!batch_ns.ok()) return batch_ns.status();
    if (*batch_ns < part_ns && count < kMostBatchMessages) continue;
    const double seconds =
        static_cast<double>(std::max<int64_t>(*batch_ns, 1)) / static_cast<double>(kNsPerSecond);
    figures.messages_per_second = static_cast<double>(count) / seconds;
    return absl::OkStatus();
  }
}

}  // namespace

absl::StatusOr<SizeFigures> MeasureSize(EchoClient& client, size_t bytes, int64_t part_ns) {
  SizeFigures figures{.bytes = bytes};
  if (absl::Status status = MeasureLatency(client, part_ns, figures); !status.ok()) return status;
  if (absl::Status status = MeasureBandwidth(client, part_ns, figures); !status.ok()) return status;
  return figures;
}

}  // namespace tombolo::control

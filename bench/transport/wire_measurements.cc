#include "bench/transport/wire_measurements.h"

#include <algorithm>
#include <string>
#include <utility>

#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::bench {
namespace {

constexpr int64_t kRepetitionNs = kNsPerMs;
constexpr int64_t kFewest = 2;
constexpr int64_t kMost = 20'000;
// What moving a byte costs, very roughly; only to choose the length of a repetition.
constexpr double kNsPerByte = 0.1;

// How many messages fill a repetition.
uint64_t CountFor(const Wire& wire, size_t message_bytes) {
  const double each_ns =
      static_cast<double>(wire.TypicalNs()) + kNsPerByte * static_cast<double>(message_bytes);
  const auto count = static_cast<int64_t>(static_cast<double>(kRepetitionNs) / each_ns);
  return static_cast<uint64_t>(std::clamp(count, kFewest, kMost));
}

std::string NameOf(const Wire& wire, const char* what, size_t message_bytes) {
  return wire.Name() + "/" + what + "/" + std::to_string(message_bytes);
}

}  // namespace

WireLatency::WireLatency(std::shared_ptr<Wire> wire, size_t message_bytes)
    : Measurement(NameOf(*wire, "latency", message_bytes), "ns"),
      wire_(std::move(wire)),
      message_(message_bytes, std::byte{1}),
      round_trips_(std::max<uint64_t>(CountFor(*wire_, message_bytes) / 2, 1)) {}

double WireLatency::Lead() {
  const int64_t start_ns = MonotonicNs();
  for (uint64_t i = 0; i < round_trips_; ++i) {
    wire_->Send(message_);
    wire_->Receive(message_, 1);
  }
  return static_cast<double>(MonotonicNs() - start_ns) / (2.0 * static_cast<double>(round_trips_));
}

void WireLatency::Follow() {
  for (uint64_t i = 0; i < round_trips_; ++i) {
    wire_->Receive(message_, 1);
    wire_->Send(message_);
  }
}

WireRate::WireRate(std::shared_ptr<Wire> wire, size_t message_bytes)
    : Measurement(NameOf(*wire, "rate", message_bytes), "/s"),
      wire_(std::move(wire)),
      message_(message_bytes, std::byte{1}),
      receipt_(sizeof(uint64_t)),
      count_(CountFor(*wire_, message_bytes)) {}

double WireRate::Lead() {
  const int64_t start_ns = MonotonicNs();
  for (uint64_t i = 0; i < count_; ++i) wire_->Send(message_);
  wire_->Receive(receipt_, 1);
  return static_cast<double>(count_) * kNsPerSecond / static_cast<double>(MonotonicNs() - start_ns);
}

void WireRate::Follow() {
  wire_->Receive(message_, count_);
  wire_->Send(receipt_);
}

}  // namespace tombolo::bench

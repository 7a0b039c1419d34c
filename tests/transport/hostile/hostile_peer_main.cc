// The parts that scribbler_test.py gives to processes:
//
//   hostile_peer BROKER_SOCKET talk NAME OTHER MILLISECONDS SEED
//     exchanges numbered messages with the endpoint OTHER, whose every word follows from the
//     number. Says "talking" after the first ones. What makes no sense is refused; whoever departs
//     is sought again. At the end: "accepted N refused N departed N".
//   hostile_peer BROKER_SOCKET scribble MILLISECONDS SEED
//     writes into all of the region, and rings every doorbell.
#include <algorithm>
#include <cstring>
#include <iostream>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/device/device.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/membership_view.h"
#include "transport/layout/shared_word.h"
#include "transport/region/geometry.h"

namespace tombolo {
namespace {

constexpr size_t kMostWords = 3000;  // Inline ones and ones in chunks.
constexpr int64_t kPatienceNs = 60 * kNsPerSecond;
constexpr int64_t kNapNs = kNsPerMs;

uint64_t WordOf(uint64_t number, size_t i) {
  return (number + 1) * 0x9e3779b97f4a7c15 + i * 0xbf58476d1ce4e5b9;
}

class Talker final : public ChannelHandler {
 public:
  Talker(Endpoint& endpoint, Channel& channel, std::string other, uint64_t seed)
      : endpoint_(endpoint), channel_(channel), other_(std::move(other)), random_(seed) {}

  // Until both sides have heard of each other. False: it took too long.
  bool Meet() {
    const int64_t end_ns = MonotonicNs() + kPatienceNs;
    while (accepted_ == 0 && MonotonicNs() < end_ns) Turn();
    return accepted_ != 0;
  }

  void TalkFor(int64_t duration_ns) {
    const int64_t end_ns = MonotonicNs() + duration_ns;
    while (MonotonicNs() < end_ns) Turn();
  }

  void Report() const {
    std::cout << "accepted " << accepted_ << " refused " << refused_ << " departed " << departed_
              << std::endl;
  }

 private:
  void Turn() {
    Send();
    if (channel_.Poll(*this) == 0) channel_.Sleep(kNapNs);
  }

  void Send() {
    const std::optional<EndpointInfo> other =
        FindEndpoint(endpoint_.SharedRegion(), static_cast<uint16_t>(endpoint_.Slot()), other_);
    if (!other || !channel_.Open(other->id).ok()) return;
    const size_t words = 2 + random_() % (random_() % 4 == 0 ? kMostWords : 100);
    Claim claim;
    if (!channel_.TryClaim(other->id, words * sizeof(uint64_t), claim)) return;
    std::vector<uint64_t> message(words);
    message[0] = next_;
    message[1] = words;
    for (size_t i = 2; i < words; ++i) message[i] = WordOf(next_, i);
    ++next_;
    memcpy(claim.payload.data(), message.data(), claim.payload.size());
    channel_.Publish(claim, 1, claim.payload.size());
  }

  void OnMessage(EndpointId, uint8_t, std::span<const std::byte> payload) override {
    // Copied once, and then checked: whoever writes meanwhile changes the copy no more.
    std::vector<uint64_t> message(payload.size() / sizeof(uint64_t));
    if (!message.empty()) memcpy(message.data(), payload.data(), message.size() * sizeof(uint64_t));
    ++(IsGood(message) ? accepted_ : refused_);
  }

  static bool IsGood(const std::vector<uint64_t>& message) {
    if (message.size() < 2 || message[1] != message.size()) return false;
    for (size_t i = 2; i < message.size(); ++i) {
      if (message[i] != WordOf(message[0], i)) return false;
    }
    return true;
  }

  void OnDeparted(EndpointId) override { ++departed_; }

  Endpoint& endpoint_;
  Channel& channel_;
  const std::string other_;
  std::mt19937_64 random_;
  uint64_t next_ = 0;
  uint64_t accepted_ = 0;
  uint64_t refused_ = 0;
  uint64_t departed_ = 0;
};

class Scribbler {
 public:
  Scribbler(Endpoint& endpoint, uint64_t seed)
      : endpoint_(endpoint), memory_(endpoint.Doorbells().Memory()), random_(seed) {}

  // Part by part, and at last everywhere: what is hit first leaves no talk that could be hit later.
  void ScribbleFor(int64_t duration_ns) {
    const Geometry& parts = endpoint_.SharedRegion().Parts();
    const uint64_t end = memory_.size();
    const std::pair<uint64_t, uint64_t> ranges[] = {
        {parts.extents.bytes, end},                               // Links, chunks, directories.
        {parts.inboxes.bytes, parts.extent_map.bytes},            // Inboxes.
        {parts.counters.bytes, parts.inboxes.bytes},              // Counters.
        {parts.endpoint_lines.bytes, parts.control_areas.bytes},  // Lines.
        {parts.control_areas.bytes, parts.counters.bytes},        // Control areas.
        {parts.extent_map.bytes, parts.extents.bytes},            // The extent map.
        {parts.slot_records.bytes, parts.endpoint_lines.bytes},   // The member table.
        {0, end},
    };
    const int64_t begin_ns = MonotonicNs();
    for (size_t i = 0; i < std::size(ranges); ++i) {
      const int64_t until_ns = begin_ns + duration_ns * static_cast<int64_t>(i + 1) /
                                              static_cast<int64_t>(std::size(ranges));
      while (MonotonicNs() < until_ns) ScribbleOnce(ranges[i].first, ranges[i].second);
    }
  }

 private:
  void ScribbleOnce(uint64_t begin, uint64_t end) {
    const uint64_t words = (end - begin) / sizeof(uint64_t);
    // SAFETY: aligned to a word and within the mapping.
    auto* word = reinterpret_cast<SharedU64*>(memory_.data() + begin) + random_() % words;
    const auto* other =
        reinterpret_cast<const SharedU64*>(memory_.data() + begin) + random_() % words;
    const uint64_t seen = word->load(std::memory_order_relaxed);
    const uint64_t values[] = {random_(),
                               0,
                               ~uint64_t{0},
                               seen + 1,
                               seen - 1,
                               seen ^ uint64_t{1} << random_() % 64,
                               other->load(std::memory_order_relaxed),
                               random_() % 4096};
    word->store(values[random_() % std::size(values)], std::memory_order_seq_cst);
    if (random_() % 16 == 0) {
      endpoint_.Doorbells().Ring(static_cast<uint16_t>(random_() % 4),
                                 static_cast<uint16_t>(random_() % 16));
    }
  }

  Endpoint& endpoint_;
  const std::span<std::byte> memory_;
  std::mt19937_64 random_;
};

int Fail(std::string_view what) {
  std::cerr << "error: " << what << std::endl;
  return 1;
}

int Talk(Endpoint& endpoint, const std::string& other, int64_t duration_ns, uint64_t seed) {
  auto channel = Channel::Create(endpoint);
  if (!channel.ok()) return Fail(channel.status().ToString());
  Talker talker(endpoint, **channel, other, seed);
  if (!talker.Meet()) return Fail("the other one was never heard of");
  std::cout << "talking" << std::endl;
  talker.TalkFor(duration_ns);
  talker.Report();
  return 0;
}

int Main(std::span<char*> arguments) {
  const bool talks = arguments.size() == 7 && std::string_view(arguments[2]) == "talk";
  const bool scribbles = arguments.size() == 5 && std::string_view(arguments[2]) == "scribble";
  if (!talks && !scribbles) return Fail("see the comment in hostile_peer_main.cc");
  auto endpoint = Endpoint::Attach(arguments[1], talks ? arguments[3] : "scribbler");
  if (!endpoint.ok()) return Fail(endpoint.status().ToString());
  const uint64_t seed = std::stoull(arguments.back());
  const int64_t duration_ns = std::stoll(arguments[arguments.size() - 2]) * kNsPerMs;
  if (talks) return Talk(**endpoint, arguments[4], duration_ns, seed);
  Scribbler(**endpoint, seed).ScribbleFor(duration_ns);
  return 0;
}

}  // namespace
}  // namespace tombolo

int main(int argc, char** argv) { return tombolo::Main({argv, static_cast<size_t>(argc)}); }

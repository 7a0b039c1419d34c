// flat_peer: what a Linux process says to firmware that answers (guest/flat/firmware/echo_main.c),
// and whether the answers are right.
//
//   flat_peer BROKER_SOCKET NAME MESSAGES   sends so many of each kind, then the end
//   flat_peer BROKER_SOCKET NAME await-end  one message; then waits until the endpoint departs
#include <string.h>

#include <cstdint>
#include <deque>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/membership_view.h"
#include "transport/layout/link.h"

namespace tombolo {
namespace {

constexpr uint8_t kTag = 9;
constexpr uint8_t kEndTag = 255;
constexpr int64_t kDeadlineNs = 60 * kNsPerSecond;
constexpr size_t kLentBytes = 20000;

std::string Pattern(size_t size, uint64_t seed) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(seed * 131 + i * 7 + i / 251);
  return text;
}

// What the firmware answers to `text`.
std::string AnswerTo(std::string_view text) {
  if (text.size() <= kMaxInlineBytes) return std::string(text);
  uint32_t summary[2] = {static_cast<uint32_t>(text.size()), 0};
  for (const char c : text) summary[1] += static_cast<uint8_t>(c);
  return {reinterpret_cast<const char*>(summary), sizeof(summary)};
}

class Talk final : public ChannelHandler {
 public:
  Talk(Channel& channel, EndpointId firmware) : channel_(channel), firmware_(firmware) {}

  void Say(const std::string& text, uint8_t tag) {
    Claim claim;
    while (!is_over && !channel_.TryClaim(firmware_, text.size(), claim)) Wait();
    if (is_over) return;
    memcpy(claim.payload.data(), text.data(), text.size());
    channel_.Publish(claim, tag, text.size());
  }

  void SayAndExpect(const std::string& text) {
    expected_.push_back(AnswerTo(text));
    Say(text, kTag);
    channel_.Poll(*this);
  }

  void Lend(const RegionBuffer& buffer, uint64_t length) {
    const std::string_view text(reinterpret_cast<const char*>(buffer.bytes.data()), length);
    expected_.push_back(AnswerTo(text));
    while (!is_over) {
      const auto lent = channel_.TryLend(firmware_, buffer, 0, length, kTag, 0);
      if (lent.ok() && *lent == LendResult::kLent) return;
      Wait();
    }
  }

  // Until all was answered or it is over.
  void Settle() {
    while (!expected_.empty() && !is_over) Wait();
  }

  void Wait() {
    channel_.Wait(*this, kNsPerSecond);
    if (MonotonicNs() > deadline_ns_) Over("no answer for a minute");
  }

  void Over(const char* why) {
    is_over = true;
    reason = why;
  }

  bool is_over = false;
  bool has_departed = false;
  std::string reason;

 private:
  void OnMessage(EndpointId, uint8_t, std::span<const std::byte> payload) override {
    const std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());
    if (expected_.empty() || text != expected_.front()) return Over("a wrong answer");
    expected_.pop_front();
  }
  void OnDeparted(EndpointId) override {
    has_departed = true;
    Over("it has departed");
  }

  Channel& channel_;
  const EndpointId firmware_;
  const int64_t deadline_ns_ = MonotonicNs() + kDeadlineNs;
  std::deque<std::string> expected_;
};

std::optional<EndpointId> Find(const Region& region, std::string_view name) {
  for (const EndpointInfo& info : LiveEndpoints(region)) {
    if (info.name == name) return info.id;
  }
  return std::nullopt;
}

int Exchange(Channel& channel, Talk& talk, uint64_t messages) {
  const absl::StatusOr<RegionBuffer> lent = channel.Allocate(kLentBytes);
  if (!lent.ok()) return 1;
  const std::string content = Pattern(kLentBytes, 99);
  memcpy(lent->bytes.data(), content.data(), content.size());
  for (uint64_t i = 0; i < messages; ++i) {
    talk.SayAndExpect(Pattern(i * 61 % (kMaxInlineBytes + 1), i));
    if (i % 8 == 0) talk.SayAndExpect(Pattern(kMaxInlineBytes + 1 + i * 377 % 30000, i));
    if (i % 8 == 4) talk.Lend(*lent, kLentBytes - i % 1000);
  }
  talk.Settle();
  if (talk.is_over) {
    std::cerr << "error: " << talk.reason << std::endl;
    return 1;
  }
  talk.Say("", kEndTag);
  return 0;
}

int AwaitEnd(Talk& talk) {
  talk.SayAndExpect("are you there?");
  talk.Settle();
  std::cout << (talk.is_over ? talk.reason : "answered") << std::endl;
  while (!talk.is_over) talk.Wait();
  std::cout << talk.reason << std::endl;
  return talk.has_departed ? 0 : 1;
}

int Run(const char* broker_socket, const char* name, const std::string& what) {
  const auto endpoint = Endpoint::Attach(broker_socket, "peer");
  if (!endpoint.ok()) {
    std::cerr << "error: " << endpoint.status() << std::endl;
    return 1;
  }
  const std::optional<EndpointId> firmware = Find((*endpoint)->SharedRegion(), name);
  const auto channel = Channel::Create(**endpoint);
  if (!firmware || !channel.ok() || !(*channel)->Open(*firmware).ok()) {
    std::cerr << "error: no endpoint is named " << name << std::endl;
    return 1;
  }
  Talk talk(**channel, *firmware);
  uint64_t messages = 0;
  if (what == "await-end") return AwaitEnd(talk);
  return absl::SimpleAtoi(what, &messages) ? Exchange(**channel, talk, messages) : 2;
}

}  // namespace
}  // namespace tombolo

int main(int argc, char** argv) {
  if (argc == 4) return tombolo::Run(argv[1], argv[2], argv[3]);
  std::cerr << "usage: flat_peer BROKER_SOCKET NAME MESSAGES|await-end" << std::endl;
  return 2;
}

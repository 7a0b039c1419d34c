#include "control/benchmark/echo_client.h"

#include <string.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "transport/base/clock.h"

namespace tombolo::control {
namespace {

// Failed looks for room between two looks at the clock.
constexpr uint32_t kLooksPerClock = 256;

}  // namespace

EchoClient::EchoClient(Channel& channel, EndpointId server)
    : channel_(channel),
      server_(server),
      sent_(kLargestMessageBytes, std::byte{0x5a}),
      received_(kLargestMessageBytes) {}

absl::StatusOr<int64_t> EchoClient::RoundTrip(size_t bytes) {
  if (absl::Status open = channel_.Open(server_); !open.ok()) return open;
  const int64_t start_ns = MonotonicNs();
  if (absl::Status sent = Send(bytes, BenchmarkTag::kTurn); !sent.ok()) return sent;
  if (absl::Status answer = AwaitAnswer(bytes); !answer.ok()) return answer;
  return MonotonicNs() - start_ns;
}

absl::StatusOr<int64_t> EchoClient::Batch(size_t bytes, uint64_t count) {
  if (absl::Status open = channel_.Open(server_); !open.ok()) return open;
  const int64_t start_ns = MonotonicNs();
  for (uint64_t i = 1; i <= count; ++i) {
    const auto last = i == count ? BenchmarkTag::kMark : BenchmarkTag::kPart;
    if (absl::Status sent = Send(bytes, last); !sent.ok()) return sent;
  }
  if (absl::Status answer = AwaitAnswer(kMarkAnswerBytes); !answer.ok()) return answer;
  return MonotonicNs() - start_ns;
}

absl::Status EchoClient::Send(size_t bytes, BenchmarkTag last) {
  received_bytes_ = 0;
  answered_ = false;
  uint32_t looks = 0;
  int64_t deadline_ns = 0;
  for (size_t at = 0; at < bytes;) {
    const size_t piece = std::min(bytes - at, channel_.MaxPayloadBytes(server_));
    Claim claim;
    if (channel_.TryClaim(server_, piece, claim)) {
      memcpy(claim.payload.data(), sent_.data() + at, piece);
      at += piece;
      channel_.Publish(claim, ToTag(at == bytes ? last : BenchmarkTag::kPart), piece);
      deadline_ns = 0;
      continue;
    }
    channel_.Poll(*this);
    if (departed_) return NoAnswer();
    if (++looks % kLooksPerClock != 0) continue;
    const int64_t now_ns = MonotonicNs();
    if (deadline_ns == 0) deadline_ns = now_ns + kPatienceNs;
    if (now_ns >= deadline_ns) return NoAnswer();
  }
  return absl::OkStatus();
}

absl::Status EchoClient::AwaitAnswer(size_t bytes) {
  const int64_t deadline_ns = MonotonicNs() + kPatienceNs;
  // Also while something comes: nobody needs so long for one answer.
  while (!answered_ && !departed_ && MonotonicNs() < deadline_ns) {
    channel_.Wait(*this, kPatienceNs);
  }
  if (!answered_) return NoAnswer();
  if (received_bytes_ == bytes) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("the bench server answered with ", received_bytes_,
                                          " bytes instead of ", bytes,
                                          "; are both sides of one version?"));
}

absl::Status EchoClient::NoAnswer() const {
  if (departed_) return absl::UnavailableError("the bench server has ended.");
  return absl::DeadlineExceededError(absl::StrCat("the bench server has said nothing for ",
                                                  kPatienceNs / kNsPerSecond,
                                                  " s: is it stopped, or its VM paused?"));
}

void EchoClient::OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) {
  if (source != server_) return;
  // As much as fits, whatever the server says.
  const size_t at = std::min<uint64_t>(received_bytes_, received_.size());
  memcpy(received_.data() + at, payload.data(), std::min(payload.size(), received_.size() - at));
  received_bytes_ += payload.size();
  answered_ |= tag == ToTag(BenchmarkTag::kTurn);
}

void EchoClient::OnDeparted(EndpointId peer) { departed_ |= peer == server_; }

}  // namespace tombolo::control

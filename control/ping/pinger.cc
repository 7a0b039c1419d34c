#include "control/ping/pinger.h"

#include <string.h>

#include "absl/strings/str_cat.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/channel/tags.h"
#include "transport/layout/shared_copy.h"

namespace tombolo::control {
namespace {

// An answer that comes sooner than this is met while polling; otherwise the wake-up is measured.
constexpr int64_t kSpinNs = 50 * kNsPerUs;

}  // namespace

absl::StatusOr<int64_t> Pinger::Ping(int64_t timeout_ns) {
  if (absl::Status open = channel_.Open(peer_); !open.ok()) {
    return absl::IsNotFound(open) ? absl::UnavailableError(open.message()) : open;
  }
  const int64_t start_ns = MonotonicNs();
  const int64_t deadline_ns = start_ns + timeout_ns;
  if (absl::Status asked = Ask(deadline_ns); !asked.ok()) return asked;
  int64_t now_ns = MonotonicNs();
  while (answered_ != asked_ && !departed_ && now_ns < deadline_ns) {
    if (channel_.Poll(*this) == 0 && now_ns - start_ns > kSpinNs) {
      channel_.Sleep(deadline_ns - now_ns);
    }
    now_ns = MonotonicNs();
  }
  if (answered_ != asked_) return NoAnswer();
  return now_ns - start_ns;
}

void Pinger::Idle(int64_t until_ns) {
  for (int64_t now_ns = MonotonicNs(); now_ns < until_ns; now_ns = MonotonicNs()) {
    if (channel_.Poll(*this) == 0) channel_.Sleep(until_ns - now_ns);
  }
}

absl::Status Pinger::Ask(int64_t deadline_ns) {
  const uint64_t number = asked_ + 1;
  Claim claim;
  while (!channel_.TryClaim(peer_, sizeof(number), claim)) {
    if (departed_ || MonotonicNs() >= deadline_ns) return NoAnswer();
    channel_.Poll(*this);
  }
  memcpy(claim.payload.data(), &number, sizeof(number));
  channel_.Publish(claim, ToTag(AgentTag::kPing), sizeof(number));
  asked_ = number;
  return absl::OkStatus();
}

absl::Status Pinger::NoAnswer() const {
  const std::string who =
      absl::StrCat("endpoint ", peer_.index, " (incarnation ", peer_.incarnation, ")");
  if (departed_) return absl::UnavailableError(absl::StrCat(who, " has departed."));
  return absl::DeadlineExceededError(absl::StrCat(who, " has not answered."));
}

void Pinger::OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) {
  if (source != peer_ || tag != ToTag(AgentTag::kPong) || payload.size() != sizeof(uint64_t))
    return;
  const auto number = CopyShared<uint64_t>(payload.data());
  // An answer to a question that was never asked is the peer's invention.
  if (number <= asked_) answered_ = number;
}

void Pinger::OnDeparted(EndpointId peer) { departed_ = departed_ || peer == peer_; }

}  // namespace tombolo::control

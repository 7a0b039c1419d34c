#include "bench/transport/wakeup.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>

#include "bench/transport/require.h"
#include "bench/transport/spin.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::bench {
namespace {

// From the sleeper's last word until it surely sleeps, and its core too.
constexpr int64_t kFallAsleepNs = 60 * kNsPerUs;

}  // namespace

int64_t Wakeup::WakeOnce() {
  ++count_;
  // Acquire: the sleeper has told the time of the wake-up before.
  SpinUntil([&] { return words_->about_to_sleep.load(std::memory_order_acquire) == count_; });
  const int64_t asleep_at_ns = MonotonicNs() + kFallAsleepNs;
  SpinUntil([&] { return MonotonicNs() >= asleep_at_ns; });
  const int64_t start_ns = MonotonicNs();
  Wake();
  SpinUntil([&] { return words_->awake.load(std::memory_order_acquire) == count_; });
  // Relaxed: ordered by `awake`.
  return words_->woken_ns.load(std::memory_order_relaxed) - start_ns;
}

double Wakeup::Lead() {
  std::array<int64_t, kWakeups> each_ns;
  for (int64_t& one_ns : each_ns) one_ns = WakeOnce();
  std::ranges::nth_element(each_ns, each_ns.begin() + kWakeups / 2);
  return static_cast<double>(each_ns[kWakeups / 2]);
}

void Wakeup::Follow() {
  for (uint64_t i = 0; i < kWakeups; ++i) {
    ++count_;
    words_->about_to_sleep.store(count_, std::memory_order_release);
    words_->woken_ns.store(SleepUntilWoken(), std::memory_order_relaxed);
    words_->awake.store(count_, std::memory_order_release);
  }
}

BareWakeup::BareWakeup()
    : Wakeup("bare/wakeup"), eventfd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void BareWakeup::Prepare(Side) {
  epoll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = 0}};
  Require(epoll_ctl(epoll_.Get(), EPOLL_CTL_ADD, eventfd_.Get(), &event) == 0, "epoll_ctl");
}

void BareWakeup::Wake() {
  const uint64_t one = 1;
  Require(write(eventfd_.Get(), &one, sizeof(one)) == sizeof(one), "ringing an eventfd");
}

int64_t BareWakeup::SleepUntilWoken() {
  epoll_event event;
  Require(epoll_wait(epoll_.Get(), &event, 1, -1) == 1, "epoll_wait");
  return MonotonicNs();
}

void LinkWakeup::Wake() {
  Claim claim;
  SpinUntil([&] { return members_.Own().TryClaim(members_.Peer(), sizeof(uint64_t), claim); });
  memset(claim.payload.data(), 1, claim.payload.size());
  members_.Own().Publish(claim, 1, claim.payload.size());
}

int64_t LinkWakeup::SleepUntilWoken() {
  arrived_ns_ = 0;
  while (arrived_ns_ == 0) {
    members_.Own().Sleep(kNsPerSecond);
    members_.Own().Poll(*this);
  }
  return arrived_ns_;
}

void LinkWakeup::OnMessage(EndpointId, uint8_t, std::span<const std::byte>) {
  arrived_ns_ = MonotonicNs();
}

void LinkWakeup::OnDeparted(EndpointId) { Fail("the peer of a link has departed"); }

}  // namespace tombolo::bench

// How long a process sleeps on after it was woken: from just before the waker acts until the
// sleeper has what it waited for. Nanoseconds.
//
// Bare: write() to an eventfd for which the sleeper waits in epoll_wait(). Link: a message to an
// endpoint that sleeps in Channel::Sleep(), until its handler is called.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "bench/transport/measurement.h"
#include "bench/transport/shared_block.h"
#include "bench/transport/two_members.h"
#include "transport/base/unique_fd.h"
#include "transport/channel/channel.h"

namespace tombolo::bench {

// What both have in common: the sleeper says that it is about to sleep, the waker gives it the time
// to do so, and the sleeper tells when it woke.
class Wakeup : public Measurement {
 public:
  explicit Wakeup(std::string name) : Measurement(std::move(name), "ns") {}

  double Lead() final;
  void Follow() final;

 private:
  // Few, because each takes as long as falling asleep; the median of many rounds does the rest.
  static constexpr uint64_t kWakeups = 8;

  struct Words {
    std::atomic<uint64_t> about_to_sleep{0};
    std::atomic<uint64_t> awake{0};
    std::atomic<int64_t> woken_ns{0};
  };

  // In the leading process.
  virtual void Wake() = 0;
  // In the following process: sleeps until the next Wake() has arrived, and gives the time of it.
  virtual int64_t SleepUntilWoken() = 0;

  int64_t WakeOnce();

  SharedBlock<Words> words_;
  uint64_t count_ = 0;
};

class BareWakeup final : public Wakeup {
 public:
  BareWakeup();

  void Prepare(Side side) override;

 private:
  void Wake() override;
  int64_t SleepUntilWoken() override;

  UniqueFd eventfd_;
  UniqueFd epoll_;
};

class LinkWakeup final : public Wakeup, private ChannelHandler {
 public:
  LinkWakeup() : Wakeup("link/wakeup") {}

  void Prepare(Side side) override { members_.Open(side); }

 private:
  void Wake() override;
  int64_t SleepUntilWoken() override;

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnDeparted(EndpointId peer) override;

  TwoMembers members_;
  int64_t arrived_ns_ = 0;
};

}  // namespace tombolo::bench

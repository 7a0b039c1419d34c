// InterruptedMachine: firmware with a simulated ivshmem-flat device: what it writes to the doorbell
// register rings, and vector 0 of its slot interrupts. It answers, and sleeps without a timer.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>

#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"
#include "guest/flat/endpoint.h"
#include "tests/guest/flat/flat_member.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/base/ring_eventfd.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo {

class InterruptedMachine {
 public:
  explicit InterruptedMachine(SimulatedMembers& members) : members_(members) {
    flat_.PlugIn();
    flat_.ClaimMemory();
    EXPECT_EQ(flat_.Join(), FLAT_OK);
    EXPECT_EQ(flat_.endpoint.slot, FlatMember::kOwnSlot);
  }

  // Answers so many messages; sleeps without a timer, and gives how often no interrupt came.
  int Answer(EndpointId to, uint8_t tag, size_t messages) {
    int lost = 0;
    for (size_t answered = 0; answered < messages;) {
      flat_.Poll();
      while (answered < flat_.received.size() &&
             flat_.Send(to, tag, flat_.received[answered].payload) == FLAT_OK) {
        ++answered;
      }
      Ring();
      if (answered == messages) break;  // Nobody would wake us any more.
      const bool may_sleep = flat_prepare_to_sleep(&flat_.endpoint);
      Ring();
      if (!may_sleep) continue;
      if (!Interrupted()) ++lost;
      flat_wake_up(&flat_.endpoint);
    }
    return lost;
  }

  EndpointId Id() const { return flat_.Id(); }

 private:
  static constexpr int kLostMs = 20'000;

  void Ring() {
    const uint32_t doorbell = flat_.TakeDoorbell();
    if (doorbell == 0) return;
    RingEventfd(
        members_.Eventfd(static_cast<uint16_t>(doorbell >> 16), static_cast<uint16_t>(doorbell)));
  }

  bool Interrupted() {
    pollfd vector{.fd = members_.Eventfd(FlatMember::kOwnSlot, 0), .events = POLLIN, .revents = 0};
    eventfd_t rings = 0;
    return poll(&vector, 1, kLostMs) == 1 && eventfd_read(vector.fd, &rings) == 0;
  }

  SimulatedMembers& members_;
  FlatMember flat_{members_, "flat"};
};

}  // namespace tombolo

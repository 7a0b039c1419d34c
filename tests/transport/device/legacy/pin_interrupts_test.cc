// Guests with devices of the 2010 specification: a pin, a mask and a status each.
#include "transport/device/legacy/pin_interrupts.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <vector>

#include "gtest/gtest.h"
#include "transport/base/unique_fd.h"
#include "transport/device/ivshmem_registers.h"
#include "transport/device/legacy/simulated_bus.h"

namespace tombolo {
namespace {

constexpr uint16_t kVectors = 3;

// A guest whose driver has an eventfd for each vector.
class Guest {
 public:
  Guest(SimulatedBus& bus, uint16_t slot) : bus_(bus), slot_(slot) {
    bus.Join(slot);
    pin_.Enable();
  }

  void Ring(uint16_t slot, uint16_t vector) {
    bus_.Registers(slot_).Write(kDoorbellRegister, DoorbellValue(slot, vector));
  }
  bool IsUp() const { return bus_.PinIsUp(slot_); }
  // What the handler of the pin found, vector by vector.
  std::vector<bool> Rung() {
    handled_ = pin_.OnPin();
    std::vector<bool> rung;
    for (const UniqueFd& fd : eventfds_) {
      uint64_t count = 0;
      rung.push_back(read(fd.Get(), &count, sizeof(count)) == ssize_t{sizeof(count)});
    }
    return rung;
  }
  bool Handled() const { return handled_; }
  PinInterrupts& Pin() { return pin_; }

 private:
  std::vector<int> MakeEventfds() {
    std::vector<int> raw;
    for (int i = 0; i < kVectors; ++i) {
      eventfds_.emplace_back(eventfd(0, EFD_NONBLOCK));
      raw.push_back(eventfds_.back().Get());
    }
    return raw;
  }

  SimulatedBus& bus_;
  uint16_t slot_;
  bool handled_ = false;
  std::vector<UniqueFd> eventfds_;
  PinInterrupts pin_{bus_.Registers(slot_), MakeEventfds()};
};

const std::vector<bool> kNobody = {false, false, false};
const std::vector<bool> kEverybody = {true, true, true};
const std::vector<bool> kAllButMembership = {false, true, true};

TEST(PinInterruptsTest, AGuestThatJoinsIsAMembershipChange) {
  SimulatedBus bus(3);
  Guest one(bus, 1);
  EXPECT_FALSE(one.IsUp());
  Guest two(bus, 2);
  ASSERT_TRUE(one.IsUp());
  EXPECT_FALSE(two.IsUp()) << "the newcomer is not told of itself";
  EXPECT_EQ(one.Rung(), kEverybody);
  EXPECT_FALSE(one.IsUp()) << "reading the status has cleared it";
}

TEST(PinInterruptsTest, ADoorbellIsNoMembershipChange) {
  SimulatedBus bus(3);
  Guest one(bus, 1), two(bus, 2);
  one.Rung();
  two.Ring(1, 2);
  ASSERT_TRUE(one.IsUp());
  EXPECT_EQ(one.Rung(), kAllButMembership);
  EXPECT_FALSE(two.IsUp());
}

TEST(PinInterruptsTest, WhatIsNotOfThisDeviceRingsNobody) {
  SimulatedBus bus(3);
  Guest one(bus, 1);
  EXPECT_EQ(one.Rung(), kNobody);
  EXPECT_FALSE(one.Handled()) << "another device of the line may have had it";
}

TEST(PinInterruptsTest, AJoinThatHidesADoorbellRingsForBoth) {
  SimulatedBus bus(4);
  Guest one(bus, 1), two(bus, 2);
  one.Rung();
  two.Ring(1, 1);
  Guest three(bus, 3);
  EXPECT_EQ(one.Rung(), kEverybody);
}

TEST(PinInterruptsTest, WithoutItsMaskThePinIsDown) {
  SimulatedBus bus(3);
  Guest one(bus, 1);
  one.Pin().Disable();
  Guest two(bus, 2);
  EXPECT_FALSE(one.IsUp());
  one.Pin().Enable();
  EXPECT_FALSE(one.IsUp()) << "what came before is forgotten";
  two.Ring(1, 1);
  EXPECT_TRUE(one.IsUp());
}

TEST(PinInterruptsTest, DoorbellsOfNobodyAreLost) {
  SimulatedBus bus(3);
  Guest one(bus, 1);
  one.Ring(2, 1);
  one.Ring(7, 1);
  EXPECT_FALSE(bus.PinIsUp(2));
  EXPECT_EQ(bus.Registers(1).Read(kIvPositionRegister), 1u);
}

}  // namespace
}  // namespace tombolo

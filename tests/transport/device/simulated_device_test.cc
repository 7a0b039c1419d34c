#include "transport/device/simulated_device.h"

#include <unistd.h>

#include "gtest/gtest.h"
#include "transport/base/units.h"

namespace tombolo {
namespace {

TEST(SimulatedDeviceTest, PeersShareMemory) {
  const auto region = SimulatedRegion::Create(kMiB, 2, 2);
  ASSERT_TRUE(region.ok()) << region.status();
  SimulatedDevice one(*region);
  SimulatedDevice other(*region, MemoryType::kUncached);
  one.Memory()[4096] = std::byte{7};
  EXPECT_EQ(other.Memory()[4096], std::byte{7});
  EXPECT_EQ(other.Memory().size(), kMiB);
  EXPECT_EQ(other.Type(), MemoryType::kUncached);
}

TEST(SimulatedDeviceTest, RingReachesThatDoorbellOnly) {
  const auto region = SimulatedRegion::Create(kMiB, 2, 2);
  ASSERT_TRUE(region.ok()) << region.status();
  SimulatedDevice device(*region);
  device.Ring(1, 0);
  uint64_t count = 0;
  EXPECT_EQ(read((*region)->Eventfd(1, 0), &count, sizeof(count)), ssize_t{sizeof(count)});
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(read((*region)->Eventfd(0, 1), &count, sizeof(count)), -1);
  EXPECT_EQ(read((*region)->Eventfd(1, 1), &count, sizeof(count)), -1);
}

TEST(SimulatedDeviceTest, DoorbellsThatDoNotExistAreIgnored) {
  const auto region = SimulatedRegion::Create(kMiB, 2, 2);
  ASSERT_TRUE(region.ok()) << region.status();
  SimulatedDevice device(*region);
  device.Ring(2, 0);
  device.Ring(0, 2);
  EXPECT_EQ((*region)->Eventfd(2, 0), -1);
  EXPECT_EQ((*region)->Eventfd(0, 2), -1);
}

}  // namespace
}  // namespace tombolo

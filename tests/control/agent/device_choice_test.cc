#include "control/agent/device_choice.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace tombolo::control {
namespace {

std::pair<DeviceWay, std::string> Parsed(const char* text) {
  const DeviceChoice choice = ParseDeviceChoice(text);
  return {choice.way, choice.address};
}

TEST(DeviceChoiceTest, NamesAWayAnAddressOrBoth) {
  using Expected = std::pair<DeviceWay, std::string>;
  EXPECT_EQ(Parsed("auto"), Expected(DeviceWay::kAny, "auto"));
  EXPECT_EQ(Parsed("0000:00:05.0"), Expected(DeviceWay::kAny, "0000:00:05.0"));
  EXPECT_EQ(Parsed("vfio:0000:00:05.0"), Expected(DeviceWay::kVfio, "0000:00:05.0"));
  EXPECT_EQ(Parsed("module"), Expected(DeviceWay::kModule, "auto"));
  EXPECT_EQ(Parsed("sysfs"), Expected(DeviceWay::kSysfs, "auto"));
  EXPECT_EQ(Parsed("sysfs:0000:00:05.0"), Expected(DeviceWay::kSysfs, "0000:00:05.0"));
  EXPECT_EQ(Parsed("mem:0000:00:05.0"), Expected(DeviceWay::kDevmem, "0000:00:05.0"));
}

TEST(DeviceChoiceTest, WhatIsNoWayIsAnAddressThatNobodyFinds) {
  EXPECT_EQ(Parsed("sysfs5").second, "sysfs5");
  EXPECT_EQ(Parsed("uio:0000:00:05.0").second, "uio:0000:00:05.0");
  EXPECT_EQ(Parsed("sysfs:").second, "");
}

}  // namespace
}  // namespace tombolo::control

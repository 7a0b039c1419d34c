// How a guest finds its ivshmem v2 device in sysfs, whose configuration is that of the device's
// model, or one that makes no sense.
#include "transport/device/v2/v2_finder.h"

#include <filesystem>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "control/ivshmem_v2/config_space.h"
#include "gtest/gtest.h"
#include "tests/transport/device/vfio/fake_sysfs.h"
#include "transport/device/v2/v2_guest_device.h"
#include "transport/device/v2/v2_sections.h"

namespace tombolo {
namespace {

constexpr char kAddress[] = "0000:00:05.0";

class V2FinderTest : public testing::Test {
 protected:
  void AddV2(const std::string& address) { sysfs_.AddDevice(address, "0x110a", "0x4106", 0x09); }
  void SetConfig(const std::string& config) {
    FakeSysfs::Write(sysfs_.Device(kAddress) / "config", config);
  }
  absl::Status Refusal() { return ReadV2Capability(sysfs_.Paths(), kAddress).status(); }

  FakeSysfs sysfs_;
};

TEST_F(V2FinderTest, TheOnlyOneIsFound) {
  sysfs_.AddIvshmem("0000:00:04.0");
  EXPECT_TRUE(absl::IsNotFound(FindV2Pci(sysfs_.Paths(), "auto").status()));
  AddV2(kAddress);
  EXPECT_EQ(*FindV2Pci(sysfs_.Paths(), "auto"), kAddress);
  AddV2("0000:00:06.0");
  EXPECT_TRUE(absl::IsInvalidArgument(FindV2Pci(sysfs_.Paths(), "auto").status()));
  EXPECT_EQ(*FindV2Pci(sysfs_.Paths(), "0000:00:06.0"), "0000:00:06.0");
}

TEST_F(V2FinderTest, WhatIsNoSuchDeviceIsRefused) {
  sysfs_.AddIvshmem("0000:00:04.0");
  EXPECT_TRUE(absl::IsInvalidArgument(FindV2Pci(sysfs_.Paths(), "0000:00:04.0").status()));
  EXPECT_TRUE(absl::IsNotFound(FindV2Pci(sysfs_.Paths(), "0000:00:09.0").status()));
  EXPECT_TRUE(absl::IsNotFound(FindV2Pci(sysfs_.Paths(), "../devices").status()));
}

TEST_F(V2FinderTest, TheCapabilityTellsTheSectionsOfTheDevice) {
  AddV2(kAddress);
  const V2Sections sections = *MakeV2Sections(3, 2 * kV2PageBytes, 5 * kV2PageBytes);
  std::string config(control::kConfigBytes, '\0');
  control::ConfigSpace(sections, 0, 2).Read(0, std::as_writable_bytes(std::span(config)));
  SetConfig(config);
  const auto told = ReadV2Capability(sysfs_.Paths(), kAddress);
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->state_table_bytes, sections.state_table_bytes);
  EXPECT_EQ(told->rw_bytes, sections.rw_bytes);
  EXPECT_EQ(told->output_bytes, sections.output_bytes);
}

TEST_F(V2FinderTest, TheKernelModuleIsTakenIfItHasTheDevice) {
  AddV2(kAddress);
  const auto why_not = [&] {
    return std::string(V2GuestDevice::Open(sysfs_.Paths(), "auto").status().message());
  };
  EXPECT_NE(why_not().find("vfio-pci"), std::string::npos) << why_not();
  std::filesystem::create_directories(sysfs_.Device(kAddress) / "tombolo/tombolo0");
  FakeSysfs::Write(std::filesystem::path(sysfs_.Paths().dev) / "tombolo0", "");
  EXPECT_NE(why_not().find("ask the kernel module"), std::string::npos) << why_not();
}

TEST_F(V2FinderTest, AConfigurationThatMakesNoSenseIsRefused) {
  AddV2(kAddress);
  SetConfig(std::string(64, '\0'));
  EXPECT_TRUE(absl::IsPermissionDenied(Refusal()));
  SetConfig(std::string(control::kConfigBytes, '\0'));
  EXPECT_TRUE(absl::IsFailedPrecondition(Refusal()));
  SetConfig(std::string(control::kConfigBytes, '\xff'));
  EXPECT_NE(Refusal().message().find("reads as ones"), absl::string_view::npos);
  std::string config(control::kConfigBytes, '\0');
  config[0x34] = 0x40;
  config[0x40] = 0x05;
  config[0x41] = 0x40;  // A list that goes round.
  SetConfig(config);
  EXPECT_TRUE(absl::IsFailedPrecondition(Refusal()));
  config[0x34] = '\xf0';
  config[0xf0] = 0x09;  // Its end is not there.
  SetConfig(config);
  EXPECT_TRUE(absl::IsFailedPrecondition(Refusal()));
}

}  // namespace
}  // namespace tombolo

#include "transport/device/vfio/pci_finder.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/transport/device/vfio/fake_sysfs.h"
#include "transport/base/units.h"

namespace tombolo {
namespace {

using testing::HasSubstr;

constexpr char kAddress[] = "0000:00:05.0";
constexpr char kOther[] = "0000:00:06.0";

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(PciFinderTest, AutoFindsTheOnlyDoorbellDevice) {
  FakeSysfs sysfs;
  sysfs.AddDevice("0000:00:01.0", "0x8086", "0x1110", 0x11);
  sysfs.AddIvshmem(kOther, /*msix=*/false);
  sysfs.AddIvshmem(kAddress);
  const auto found = FindIvshmemPci(sysfs.Paths(), kAnyPciDevice);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(*found, kAddress);
}

TEST(PciFinderTest, WithoutDeviceSaysHowToGetOne) {
  FakeSysfs sysfs;
  const auto found = FindIvshmemPci(sysfs.Paths(), kAnyPciDevice);
  EXPECT_TRUE(absl::IsNotFound(found.status())) << found.status();
  EXPECT_THAT(Message(found.status()), HasSubstr("tombolo vm-args"));
}

TEST(PciFinderTest, PlainDeviceIsRefused) {
  FakeSysfs sysfs;
  sysfs.AddIvshmem(kAddress, /*msix=*/false);
  for (const char* wanted : {"auto", kAddress}) {
    const auto found = FindIvshmemPci(sysfs.Paths(), wanted);
    EXPECT_TRUE(absl::IsFailedPrecondition(found.status())) << found.status();
    EXPECT_THAT(Message(found.status()), HasSubstr("ivshmem-plain"));
  }
}

TEST(PciFinderTest, SeveralDevicesAskForAChoice) {
  FakeSysfs sysfs;
  sysfs.AddIvshmem(kAddress);
  sysfs.AddIvshmem(kOther);
  const auto found = FindIvshmemPci(sysfs.Paths(), kAnyPciDevice);
  EXPECT_TRUE(absl::IsInvalidArgument(found.status())) << found.status();
  EXPECT_THAT(Message(found.status()), HasSubstr("devices: 0000:00:05.0, 0000:00:06.0."));
  EXPECT_THAT(Message(found.status()), HasSubstr("--device"));
  EXPECT_THAT(Message(found.status()), HasSubstr("--runtime-dir"));
  EXPECT_EQ(FindIvshmemPci(sysfs.Paths(), kOther).value(), kOther);
}

TEST(PciFinderTest, UnknownAddressIsNotFound) {
  FakeSysfs sysfs;
  sysfs.AddIvshmem(kAddress);
  for (const char* wanted : {"", "5", "0000:00:1f.0", "../devices/0000:00:05.0"}) {
    EXPECT_TRUE(absl::IsNotFound(FindIvshmemPci(sysfs.Paths(), wanted).status())) << wanted;
  }
}

TEST(PciFinderTest, AnotherKindOfDeviceIsNamed) {
  FakeSysfs sysfs;
  sysfs.AddDevice(kAddress, "0x8086", "0x100e", 0x11);
  const auto found = FindIvshmemPci(sysfs.Paths(), kAddress);
  EXPECT_TRUE(absl::IsInvalidArgument(found.status())) << found.status();
}

TEST(PciFinderTest, ShortConfigurationMeansMissingPermission) {
  FakeSysfs sysfs;
  sysfs.AddIvshmem(kAddress);
  FakeSysfs::Write(sysfs.Device(kAddress) / "config", std::string(64, '\0'));
  const auto found = FindIvshmemPci(sysfs.Paths(), kAddress);
  EXPECT_TRUE(absl::IsPermissionDenied(found.status())) << found.status();
}

TEST(PciFinderTest, CapabilityListThatGoesInCirclesEnds) {
  FakeSysfs sysfs;
  sysfs.AddIvshmem(kAddress, /*msix=*/false);
  std::string config = FakeSysfs::Read(sysfs.Device(kAddress) / "config");
  config[0x41] = 0x40;
  FakeSysfs::Write(sysfs.Device(kAddress) / "config", config);
  EXPECT_FALSE(FindIvshmemPci(sysfs.Paths(), kAddress).ok());
}

TEST(PciFinderTest, MemoryMustBeAPowerOfTwoAndLargeEnough) {
  EXPECT_TRUE(CheckMemoryBytes(kMiB).ok());
  EXPECT_TRUE(CheckMemoryBytes(256 * kMiB).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckMemoryBytes(0)));
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckMemoryBytes(3 * kMiB)));
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckMemoryBytes(kMiB / 2)));
}

}  // namespace
}  // namespace tombolo

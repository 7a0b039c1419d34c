#include "transport/device/vfio/driver_binding.h"

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/transport/device/vfio/fake_sysfs.h"
#include "transport/device/vfio/vfio_group.h"

namespace tombolo {
namespace {

using testing::HasSubstr;

constexpr char kAddress[] = "0000:00:05.0";

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(DriverBindingTest, OverridesThisDeviceOnlyAndBinds) {
  FakeSysfs sysfs;
  sysfs.AddIvshmem(kAddress);
  sysfs.AddGroup(kAddress, "7");
  sysfs.LoadVfio();
  const absl::Status status = BindToVfio(sysfs.Paths(), kAddress);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(FakeSysfs::Read(sysfs.Device(kAddress) / "driver_override"), "vfio-pci");
  EXPECT_EQ(FakeSysfs::Read(sysfs.VfioDriver() / "bind"), kAddress);
  EXPECT_EQ(IommuGroup(sysfs.Paths(), kAddress).value(), "7");
}

TEST(DriverBindingTest, TakesTheDeviceFromAnotherDriver) {
  FakeSysfs sysfs;
  sysfs.AddIvshmem(kAddress);
  sysfs.AddGroup(kAddress, "7");
  sysfs.LoadVfio();
  const auto other = sysfs.VfioDriver().parent_path() / "uio_ivshmem";
  std::filesystem::create_directories(other);
  FakeSysfs::Write(other / "unbind", "");
  std::filesystem::create_directory_symlink(other, sysfs.Device(kAddress) / "driver");
  EXPECT_TRUE(BindToVfio(sysfs.Paths(), kAddress).ok());
  EXPECT_EQ(FakeSysfs::Read(other / "unbind"), kAddress);
}

TEST(DriverBindingTest, LeavesABoundDeviceAlone) {
  FakeSysfs sysfs;
  sysfs.AddIvshmem(kAddress);
  sysfs.LoadVfio();
  std::filesystem::create_directory_symlink(sysfs.VfioDriver(), sysfs.Device(kAddress) / "driver");
  EXPECT_TRUE(BindToVfio(sysfs.Paths(), kAddress).ok());
  EXPECT_EQ(FakeSysfs::Read(sysfs.VfioDriver() / "bind"), "");
}

TEST(DriverBindingTest, WithoutModuleNamesModprobe) {
  FakeSysfs sysfs;
  sysfs.AddIvshmem(kAddress);
  const absl::Status status = BindToVfio(sysfs.Paths(), kAddress);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("modprobe vfio-pci"));
}

TEST(DriverBindingTest, WithoutIommuNamesTheOptions) {
  FakeSysfs sysfs;
  sysfs.AddIvshmem(kAddress);
  sysfs.LoadVfio();
  const absl::Status status = BindToVfio(sysfs.Paths(), kAddress);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("-device intel-iommu,intremap=on"));
  EXPECT_THAT(Message(status), HasSubstr("intel_iommu=on"));
}

TEST(VfioGroupTest, WithoutVfioNamesModprobe) {
  FakeSysfs sysfs;
  const auto opened = OpenVfio(sysfs.Paths(), "7", kAddress);
  EXPECT_TRUE(absl::IsFailedPrecondition(opened.status())) << opened.status();
  EXPECT_THAT(Message(opened.status()), HasSubstr("modprobe -a vfio-pci"));
}

TEST(VfioGroupTest, FileThatIsNoVfioContainerIsRefused) {
  FakeSysfs sysfs;
  FakeSysfs::Write(std::filesystem::path(sysfs.Paths().dev) / "vfio/vfio", "");
  FakeSysfs::Write(std::filesystem::path(sysfs.Paths().dev) / "vfio/7", "");
  const auto opened = OpenVfio(sysfs.Paths(), "7", kAddress);
  EXPECT_TRUE(absl::IsFailedPrecondition(opened.status())) << opened.status();
}

}  // namespace
}  // namespace tombolo

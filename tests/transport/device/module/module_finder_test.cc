// Which device of the kernel module is taken, and what is said when there is none.
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_text.h"
#include "tests/transport/device/vfio/fake_sysfs.h"
#include "transport/device/module/module_pci_device.h"

namespace tombolo {
namespace {

using testing::HasSubstr;

namespace fs = std::filesystem;

constexpr char kAddress[] = "0000:00:05.0";
constexpr char kOther[] = "0000:00:06.0";

class ModuleFinderTest : public testing::Test {
 protected:
  ModuleFinderTest() {
    sysfs_.AddIvshmem(kAddress);
    sysfs_.AddIvshmem(kOther);
    fs::create_directories(Driver());
    FakeSysfs::Write(Driver() / "bind", "");
  }

  fs::path Driver() const { return fs::path(sysfs_.Paths().sys) / "bus/pci/drivers/tombolo"; }

  void Bind(const std::string& address, const std::string& name) {
    fs::create_directory_symlink(sysfs_.Device(address), Driver() / address);
    fs::create_directories(sysfs_.Device(address) / "tombolo" / name);
  }

  FakeSysfs sysfs_;
};

TEST_F(ModuleFinderTest, TakesTheOnlyDeviceOfTheModule) {
  Bind(kOther, "tombolo4");
  EXPECT_EQ(FindModuleAddress(sysfs_.Paths(), "auto").value(), kOther);
  EXPECT_EQ(FindModuleName(sysfs_.Paths(), kOther), "tombolo4");
  EXPECT_EQ(FindModuleName(sysfs_.Paths(), kAddress), "");
}

TEST_F(ModuleFinderTest, SeveralAskForAChoice) {
  Bind(kOther, "tombolo0");
  Bind(kAddress, "tombolo1");
  const auto found = FindModuleAddress(sysfs_.Paths(), "auto");
  EXPECT_TRUE(absl::IsInvalidArgument(found.status())) << found.status();
  EXPECT_THAT(Text(found), HasSubstr("devices: 0000:00:05.0, 0000:00:06.0."));
  EXPECT_EQ(FindModuleAddress(sysfs_.Paths(), kOther).value(), kOther);
}

TEST_F(ModuleFinderTest, AnIvshmemV2DeviceHasNoRegion) {
  constexpr char kV2[] = "0000:00:04.0";
  sysfs_.AddDevice(kV2, "0x110a", "0x4106", 0x09);
  Bind(kV2, "tombolo0");
  EXPECT_THAT(Text(FindModuleAddress(sysfs_.Paths(), "auto")), HasSubstr("no device is bound"));
  Bind(kOther, "tombolo1");
  EXPECT_EQ(FindModuleAddress(sysfs_.Paths(), "auto").value(), kOther);
  EXPECT_THAT(Text(ModulePciDevice::Open(sysfs_.Paths(), kV2).status()), HasSubstr("v2 device"));
}

TEST_F(ModuleFinderTest, WithoutTheModuleSaysHowToGetIt) {
  for (const char* wanted : {"auto", kAddress}) {
    const absl::Status status = ModulePciDevice::Open(sysfs_.Paths(), wanted).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(Text(status), HasSubstr("tombolo-bind start"));
  }
  fs::remove_all(Driver());
  EXPECT_THAT(Text(FindModuleAddress(sysfs_.Paths(), "auto")), HasSubstr("no device is bound"));
}

TEST_F(ModuleFinderTest, AFileThatIsNoneOfTheModulesIsRefused) {
  Bind(kAddress, "tombolo0");
  EXPECT_THAT(Text(ModulePciDevice::Open(sysfs_.Paths(), "auto").status()), HasSubstr("/tombolo0"));
  FakeSysfs::Write(fs::path(sysfs_.Paths().dev) / "tombolo0", "");
  EXPECT_THAT(Text(ModulePciDevice::Open(sysfs_.Paths(), "auto").status()),
              HasSubstr("ask the kernel module"));
}

}  // namespace
}  // namespace tombolo

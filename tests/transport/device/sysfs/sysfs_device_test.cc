// A device without a driver, of files that look as sysfs's do.
#include "transport/device/sysfs/sysfs_device.h"

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_text.h"
#include "tests/transport/device/vfio/fake_sysfs.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"
#include "transport/device/ivshmem_registers.h"
#include "transport/device/sysfs/sysfs_pci_device.h"

namespace tombolo {
namespace {

using testing::HasSubstr;

constexpr char kAddress[] = "0000:00:05.0";
constexpr size_t kRegistersInPage = 0x500;
constexpr uint16_t kSlot = 3;
constexpr uint16_t kVectors = 16;
constexpr uint64_t kMemoryBytes = 2 * kMiB;

class SysfsDeviceTest : public testing::Test {
 protected:
  SysfsDeviceTest() {
    sysfs_.AddIvshmem(kAddress);
    std::string config = FakeSysfs::Read(File("config"));
    config[0x42] = kVectors - 1;
    config[4] = 2;  // It decodes its addresses.
    FakeSysfs::Write(File("config"), config);
    FakeSysfs::Write(File("resource"),
                     "0x00000000febd5500 0x00000000febd55ff 0x0000000000040200\n");
    FakeSysfs::Write(File(kMemoryResource), "");
    std::filesystem::resize_file(File(kMemoryResource), kMemoryBytes);
    std::string page(static_cast<size_t>(sysconf(_SC_PAGESIZE)), '\0');
    page[kRegistersInPage + kIvPositionRegister] = kSlot;
    FakeSysfs::Write(File("resource0"), page);
    FakeSysfs::Write(File("enable"), "");
  }

  std::filesystem::path File(const std::string& name) const {
    return sysfs_.Device(kAddress) / name;
  }

  auto Open() const { return SysfsPciDevice::Open(sysfs_.Paths(), "auto"); }

  FakeSysfs sysfs_;
};

TEST_F(SysfsDeviceTest, FindsRegistersThatDoNotBeginTheirPage) {
  const auto device = Open();
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_EQ((*device)->Slot(), kSlot);
  EXPECT_EQ((*device)->RegistersOffset(), kRegistersInPage);
  EXPECT_EQ((*device)->Memory().size(), kMemoryBytes);
  EXPECT_EQ((*device)->Descriptors().eventfds.size(), kVectors);
  (*device)->Ring(7, 2);
  const std::string page = FakeSysfs::Read(File("resource0"));
  EXPECT_EQ(page.substr(kRegistersInPage + kDoorbellRegister, 4), std::string("\2\0\7\0", 4));
}

TEST_F(SysfsDeviceTest, HasOneOpenerUntilTheLastCopyIsGone) {
  auto first = Open();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(absl::IsUnavailable(Open().status()));
  const SysfsDescriptors& files = (*first)->Descriptors();
  auto endpoint = SysfsDevice::Map({files.memory.Get(), files.registers.Get()}, kMemoryBytes,
                                   (*first)->RegistersOffset());
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  first->reset();
  EXPECT_TRUE(absl::IsUnavailable(Open().status())) << "an endpoint still has it";
  endpoint->reset();
  EXPECT_TRUE(Open().ok());
}

TEST_F(SysfsDeviceTest, IsAdoptedFromItsDescriptorsAlone) {
  const auto first = Open();
  ASSERT_TRUE(first.ok()) << first.status();
  const SysfsDescriptors& files = (*first)->Descriptors();
  SysfsDescriptors copies;
  copies.memory = UniqueFd(dup(files.memory.Get()));
  copies.registers = UniqueFd(dup(files.registers.Get()));
  const auto second = SysfsPciDevice::Adopt(std::move(copies));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ((*second)->Slot(), kSlot);
  EXPECT_FALSE(SysfsPciDevice::Adopt({}).ok());
}

TEST_F(SysfsDeviceTest, IsNotAdoptedOnceItIsUnplugged) {
  const auto first = Open();
  ASSERT_TRUE(first.ok()) << first.status();
  SysfsDescriptors copies;
  copies.memory = UniqueFd(dup((*first)->Descriptors().memory.Get()));
  copies.registers = UniqueFd(dup((*first)->Descriptors().registers.Get()));
  std::filesystem::remove_all(sysfs_.Device(kAddress));
  const absl::Status status = SysfsPciDevice::Adopt(std::move(copies)).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(Text(status), HasSubstr("was unplugged"));
}

TEST_F(SysfsDeviceTest, ADeviceThatIsOffIsTurnedOn) {
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(FakeSysfs::Read(File("enable")), "");
  std::string config = FakeSysfs::Read(File("config"));
  config[4] = 0;
  FakeSysfs::Write(File("config"), config);
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(FakeSysfs::Read(File("enable")), "1");
}

TEST_F(SysfsDeviceTest, ADriverThatHoldsTheDeviceIsNamed) {
  std::filesystem::create_directories(sysfs_.VfioDriver());
  std::filesystem::create_directory_symlink(sysfs_.VfioDriver(), File("driver"));
  const absl::Status status = Open().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Text(status), HasSubstr("held by the driver vfio-pci"));
  EXPECT_THAT(Text(status), HasSubstr("driver/unbind"));
}

TEST_F(SysfsDeviceTest, WhatSysfsShowsOtherwiseIsSaid) {
  FakeSysfs::Write(File("resource"), "nonsense\n");
  EXPECT_THAT(Text(Open().status()), HasSubstr("begins with 'nonsense'"));
  FakeSysfs::Write(File("resource"), "0xfebd5f80 0xfebd607f 0x40200\n");
  EXPECT_THAT(Text(Open().status()), HasSubstr("lie at 3968 of their page"));
  std::filesystem::resize_file(File(kMemoryResource), 4096);
  EXPECT_THAT(Text(Open().status()), HasSubstr("has 4096 bytes"));
  std::filesystem::remove(File("resource0"));
  EXPECT_THAT(Text(Open().status()), HasSubstr("resource0"));
}

}  // namespace
}  // namespace tombolo

// A device in /dev/mem, which here is a file with the device's two BARs at their addresses.
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
#include "transport/device/devmem/devmem_pci_device.h"
#include "transport/device/ivshmem_registers.h"
#include "transport/device/sysfs/sysfs_device.h"

namespace tombolo {
namespace {

using testing::HasSubstr;

constexpr char kAddress[] = "0000:00:05.0";
constexpr char kBars[] =
    "0x0000000000101500 0x00000000001015ff 0x0000000000040200\n"
    "0x0000000000102000 0x0000000000102fff 0x0000000000040200\n"
    "0x0000000000400000 0x00000000005fffff 0x000000000014220c\n";
constexpr uint64_t kRegisters = 0x101500;
constexpr uint64_t kMemory = 0x400000;
constexpr uint64_t kMemoryBytes = 2 * kMiB;
constexpr uint16_t kSlot = 3;
constexpr uint16_t kVectors = 16;

class DevmemDeviceTest : public testing::Test {
 protected:
  DevmemDeviceTest() {
    sysfs_.AddIvshmem(kAddress);
    std::string config = FakeSysfs::Read(File("config"));
    config[0x42] = kVectors - 1;
    config[4] = 2;  // It decodes its addresses.
    FakeSysfs::Write(File("config"), config);
    FakeSysfs::Write(File("resource"), kBars);
    FakeSysfs::Write(File(kMemoryResource), "");
    std::string memory(kMemory + kMemoryBytes, '\0');
    memory[kRegisters + kIvPositionRegister] = kSlot;
    memory[kMemory + 7] = 'x';
    FakeSysfs::Write(Devmem(), memory);
  }

  std::filesystem::path File(const std::string& name) const {
    return sysfs_.Device(kAddress) / name;
  }
  std::filesystem::path Devmem() const { return std::filesystem::path(sysfs_.Paths().dev) / "mem"; }
  auto Open() const { return DevmemPciDevice::Open(sysfs_.Paths(), "auto"); }

  FakeSysfs sysfs_;
};

TEST_F(DevmemDeviceTest, FindsTheRegionAndTheRegistersAtTheirAddresses) {
  const auto device = Open();
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_EQ((*device)->Slot(), kSlot);
  EXPECT_EQ((*device)->Memory().size(), kMemoryBytes);
  EXPECT_EQ((*device)->Memory()[7], std::byte{'x'});
  EXPECT_EQ((*device)->Descriptors().eventfds.size(), kVectors);
  (*device)->Ring(7, 2);
  const std::string memory = FakeSysfs::Read(Devmem());
  EXPECT_EQ(memory.substr(kRegisters + kDoorbellRegister, 4), std::string("\2\0\7\0", 4));
}

TEST_F(DevmemDeviceTest, HasOneOpener) {
  auto first = Open();
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::Status second = Open().status();
  EXPECT_TRUE(absl::IsUnavailable(second)) << second;
  EXPECT_THAT(Text(second), HasSubstr("/dev/mem"));
  first->reset();
  EXPECT_TRUE(Open().ok());
}

TEST_F(DevmemDeviceTest, IsAdoptedFromItsDescriptorsUnlessItIsUnplugged) {
  const auto first = Open();
  ASSERT_TRUE(first.ok()) << first.status();
  const auto copies = [&first] {
    DevmemDescriptors made;
    made.memory = UniqueFd(dup((*first)->Descriptors().memory.Get()));
    made.lock = UniqueFd(dup((*first)->Descriptors().lock.Get()));
    return made;
  };
  const auto second = DevmemPciDevice::Adopt(copies());
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ((*second)->Slot(), kSlot);
  EXPECT_FALSE(DevmemPciDevice::Adopt({}).ok());
  std::filesystem::remove_all(sysfs_.Device(kAddress));
  EXPECT_TRUE(absl::IsNotFound(DevmemPciDevice::Adopt(copies()).status()));
}

TEST_F(DevmemDeviceTest, ADriverThatHoldsTheDeviceIsNamed) {
  std::filesystem::create_directories(sysfs_.VfioDriver());
  std::filesystem::create_directory_symlink(sysfs_.VfioDriver(), File("driver"));
  const absl::Status status = Open().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Text(status), HasSubstr("held by the driver vfio-pci"));
}

TEST_F(DevmemDeviceTest, AKernelWithoutDevmemIsToldOf) {
  std::filesystem::remove(Devmem());
  const absl::Status status = Open().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Text(status), HasSubstr("CONFIG_DEVMEM"));
}

TEST_F(DevmemDeviceTest, AddressesThatMakeNoSenseAreSaid) {
  FakeSysfs::Write(File("resource"), "nonsense\n");
  EXPECT_THAT(Text(Open().status()), HasSubstr("has 'nonsense"));
  FakeSysfs::Write(File("resource"), "0x101500 0x1015ff 0x40200\n0x0 0x0 0x0\n0x0 0x0 0x0\n");
  EXPECT_THAT(Text(Open().status()), HasSubstr("for BAR2"));
  FakeSysfs::Write(File("resource"),
                   "0x101500 0x1015ff 0x40200\n0x0 0x0 0x0\n0x400000 0x400fff 0x0\n");
  EXPECT_THAT(Text(Open().status()), HasSubstr("has 4096 bytes"));
}

}  // namespace
}  // namespace tombolo

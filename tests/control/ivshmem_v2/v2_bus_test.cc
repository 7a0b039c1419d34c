// The registers, configuration and sections of ivshmem v2 devices, used as a driver does and as one
// would who means harm.
#include "control/ivshmem_v2/v2_bus.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "control/ivshmem_v2/config_space.h"
#include "gtest/gtest.h"
#include "tests/control/ivshmem_v2/v2_machines.h"
#include "transport/device/v2/v2_registers.h"
#include "transport/device/v2/v2_sections.h"

namespace tombolo::control {
namespace {

using Interrupts = V2Machines::Interrupts;

constexpr uint32_t kOnes = 0xffffffff;
constexpr uint64_t kRw = kV2PageBytes;
constexpr uint64_t kOutput0 = kRw + V2Machines::kRwBytes;
constexpr uint64_t kOutput1 = kOutput0 + V2Machines::kOutputBytes;
constexpr uint64_t kEnd = kOutput0 + 3 * V2Machines::kOutputBytes;

// Registers.

TEST(V2BusTest, EachPeerReadsItsIdAndHowManyThereMayBe) {
  V2Machines machines;
  for (uint32_t peer = 0; peer < V2Machines::kPeers; ++peer) {
    EXPECT_EQ(machines.Register(peer, kV2IdRegister), peer);
    EXPECT_EQ(machines.Register(peer, kV2MaxPeersRegister), V2Machines::kPeers);
  }
}

TEST(V2BusTest, WritesToReadOnlyRegistersChangeNothing) {
  V2Machines machines;
  for (const uint64_t offset : {kV2IdRegister, kV2MaxPeersRegister}) {
    machines.SetRegister(1, offset, 77);
  }
  EXPECT_EQ(machines.Register(1, kV2IdRegister), 1u);
  EXPECT_EQ(machines.Register(1, kV2MaxPeersRegister), V2Machines::kPeers);
}

TEST(V2BusTest, TheDoorbellReadsZero) {
  V2Machines machines;
  machines.SetRegister(0, kV2DoorbellRegister, kOnes);
  EXPECT_EQ(machines.Register(0, kV2DoorbellRegister), 0u);
}

TEST(V2BusTest, OnlyTheEnableBitOfInterruptControlStays) {
  V2Machines machines;
  machines.SetRegister(0, kV2InterruptControlRegister, kOnes);
  EXPECT_EQ(machines.Register(0, kV2InterruptControlRegister), kV2InterruptEnable);
  machines.SetRegister(0, kV2InterruptControlRegister, 0xfffffffe);
  EXPECT_EQ(machines.Register(0, kV2InterruptControlRegister), 0u);
}

TEST(V2BusTest, RegistersThatAreNotThereReadZero) {
  V2Machines machines;
  for (uint64_t offset = 0x14; offset < kRegisterBarBytes; offset += 4) {
    machines.SetRegister(0, offset, kOnes);
    EXPECT_EQ(machines.Register(0, offset), 0u) << offset;
  }
  EXPECT_EQ(machines.Register(0, uint64_t{1} << 60), 0u);
}

TEST(V2BusTest, AccessesOfAnotherSizeOrAlignmentReadZeroAndChangeNothing) {
  V2Machines machines;
  machines.SetRegister(0, kV2StateRegister, 0x01010101);
  machines.Write<uint8_t>(0, V2Space::kRegisters, kV2StateRegister, 9);
  machines.Write<uint16_t>(0, V2Space::kRegisters, kV2StateRegister, 9);
  machines.Write<uint64_t>(0, V2Space::kRegisters, kV2StateRegister, 9);
  machines.Write<uint32_t>(0, V2Space::kRegisters, kV2StateRegister + 2, 9);
  EXPECT_EQ(machines.Register(0, kV2StateRegister), 0x01010101u);
  EXPECT_EQ(machines.Read<uint8_t>(0, V2Space::kRegisters, kV2StateRegister), 0u);
  EXPECT_EQ(machines.Read<uint64_t>(0, V2Space::kRegisters, kV2MaxPeersRegister), 0u);
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kRegisters, kV2StateRegister - 1), 0u);
}

// Doorbells and interrupts.

TEST(V2BusTest, ADoorbellInterruptsThePeerAndVectorThatItNames) {
  V2Machines machines;
  for (uint32_t peer = 0; peer < 3; ++peer) machines.EnableInterrupts(peer);
  machines.SetRegister(0, kV2DoorbellRegister, V2DoorbellValue(2, 3));
  EXPECT_EQ(machines.Taken(), (Interrupts{{2, 3}}));
  machines.SetRegister(0, kV2DoorbellRegister, V2DoorbellValue(0, 1));
  EXPECT_EQ(machines.Taken(), (Interrupts{{0, 1}})) << "a peer may ring itself";
}

TEST(V2BusTest, DoorbellsOfNobodyAreLost) {
  V2Machines machines;
  for (uint32_t peer = 0; peer < 3; ++peer) machines.EnableInterrupts(peer);
  machines.Bus().Disconnect(2);
  machines.Taken();
  machines.SetRegister(0, kV2DoorbellRegister, V2DoorbellValue(2, 1));
  machines.SetRegister(0, kV2DoorbellRegister, V2DoorbellValue(3, 1));
  machines.SetRegister(0, kV2DoorbellRegister, V2DoorbellValue(1, V2Machines::kVectors));
  machines.SetRegister(0, kV2DoorbellRegister, kOnes);
  EXPECT_EQ(machines.Taken(), Interrupts{});
}

TEST(V2BusTest, WhoHasNotEnabledInterruptsGetsNone) {
  V2Machines machines;
  machines.SetRegister(0, kV2DoorbellRegister, V2DoorbellValue(1, 1));
  EXPECT_EQ(machines.Taken(), Interrupts{});
  machines.EnableInterrupts(1);
  EXPECT_EQ(machines.Taken(), Interrupts{}) << "what came before is not kept";
}

TEST(V2BusTest, InOneShotModeAnInterruptDisablesTheNext) {
  V2Machines machines;
  machines.SetOneShot(1);
  machines.EnableInterrupts(1);
  for (int i = 0; i < 3; ++i) {
    machines.SetRegister(0, kV2DoorbellRegister, V2DoorbellValue(1, 2));
  }
  EXPECT_EQ(machines.Taken(), (Interrupts{{1, 2}}));
  EXPECT_EQ(machines.Register(1, kV2InterruptControlRegister), 0u);
  machines.EnableInterrupts(1);
  machines.SetRegister(0, kV2DoorbellRegister, V2DoorbellValue(1, 2));
  EXPECT_EQ(machines.Taken(), (Interrupts{{1, 2}}));
}

TEST(V2BusTest, WithoutOneShotInterruptsGoOn) {
  V2Machines machines;
  machines.EnableInterrupts(1);
  for (int i = 0; i < 3; ++i) {
    machines.SetRegister(0, kV2DoorbellRegister, V2DoorbellValue(1, 2));
  }
  EXPECT_EQ(machines.Taken(), (Interrupts{{1, 2}, {1, 2}, {1, 2}}));
}

// States.

TEST(V2BusTest, AChangedStateIsInTheTableAndInterruptsTheOthers) {
  V2Machines machines;
  for (uint32_t peer = 0; peer < 3; ++peer) machines.EnableInterrupts(peer);
  machines.SetRegister(1, kV2StateRegister, kV2StateReady);
  EXPECT_EQ(machines.Taken(), (Interrupts{{0, 0}, {2, 0}}));
  for (uint32_t peer = 0; peer < 3; ++peer) {
    EXPECT_EQ(machines.Read<uint32_t>(peer, V2Space::kMemory, 4), kV2StateReady);
  }
  machines.SetRegister(1, kV2StateRegister, kV2StateReady);
  EXPECT_EQ(machines.Taken(), Interrupts{}) << "nothing has changed";
}

TEST(V2BusTest, TheStateTableIsWrittenByTheDeviceOnly) {
  V2Machines machines;
  machines.SetRegister(1, kV2StateRegister, kV2StateRun);
  machines.Write<uint32_t>(1, V2Space::kMemory, 4, 99);
  machines.Write<uint32_t>(0, V2Space::kMemory, 4, 99);
  EXPECT_EQ(machines.Read<uint32_t>(2, V2Space::kMemory, 4), kV2StateRun);
  EXPECT_EQ(machines.Register(1, kV2StateRegister), kV2StateRun);
}

TEST(V2BusTest, APeerThatIsGoneIsInStateResetAndTheOthersAreTold) {
  V2Machines machines;
  machines.SetRegister(1, kV2StateRegister, kV2StateRun);
  machines.EnableInterrupts(0);
  machines.Bus().Disconnect(1);
  EXPECT_EQ(machines.Taken(), (Interrupts{{0, 0}}));
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kMemory, 4), kV2StateReset);
  machines.Bus().Connect(1);
  EXPECT_EQ(machines.Register(1, kV2StateRegister), kV2StateReset);
}

TEST(V2BusTest, AResetForgetsStateInterruptsAndConfiguration) {
  V2Machines machines;
  machines.SetOneShot(1);
  machines.EnableInterrupts(1);
  machines.SetRegister(1, kV2StateRegister, kV2StateRun);
  machines.Write<uint32_t>(1, V2Space::kMsix, 12, 1);
  machines.EnableInterrupts(0);
  machines.Bus().Reset(1);
  EXPECT_EQ(machines.Taken(), (Interrupts{{0, 0}}));
  EXPECT_EQ(machines.Register(1, kV2StateRegister), kV2StateReset);
  EXPECT_EQ(machines.Register(1, kV2InterruptControlRegister), 0u);
  EXPECT_EQ(machines.Read<uint8_t>(1, V2Space::kConfig, V2Machines::kVendorCapability + 3), 0u);
  EXPECT_EQ(machines.Read<uint32_t>(1, V2Space::kMsix, 12), 0u);
  EXPECT_TRUE(machines.Bus().IsConnected(1));
}

TEST(V2BusTest, AResetLeavesTheSectionAsItWas) {
  V2Machines machines;
  machines.Write<uint32_t>(1, V2Space::kMemory, kOutput1, 7);
  machines.Bus().Reset(1);
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kMemory, kOutput1), 7u);
}

TEST(V2BusTest, ABrokenDeviceReadsAsOnesAndDoesNothing) {
  V2Machines machines;
  machines.EnableInterrupts(0);
  machines.Bus().Break(1);
  machines.SetRegister(1, kV2DoorbellRegister, V2DoorbellValue(0, 1));
  machines.SetRegister(1, kV2StateRegister, kV2StateRun);
  EXPECT_EQ(machines.Taken(), Interrupts{});
  EXPECT_EQ(machines.Register(1, kV2IdRegister), kOnes);
  EXPECT_EQ(machines.Read<uint16_t>(1, V2Space::kConfig, 0), 0xffffu);
}

// Sections.

TEST(V2BusTest, EverybodyWritesTheSharedSection) {
  V2Machines machines;
  machines.Write<uint64_t>(0, V2Space::kMemory, kRw, 1);
  machines.Write<uint64_t>(2, V2Space::kMemory, kRw + V2Machines::kRwBytes - 8, 2);
  EXPECT_EQ(machines.Read<uint64_t>(1, V2Space::kMemory, kRw), 1u);
  EXPECT_EQ(machines.Read<uint64_t>(1, V2Space::kMemory, kRw + V2Machines::kRwBytes - 8), 2u);
}

TEST(V2BusTest, AnOutputSectionIsWrittenByItsPeerOnlyAndReadByAll) {
  V2Machines machines;
  machines.Write<uint32_t>(1, V2Space::kMemory, kOutput1, 5);
  machines.Write<uint32_t>(0, V2Space::kMemory, kOutput1, 6);
  machines.Write<uint32_t>(2, V2Space::kMemory, kOutput1, 6);
  for (uint32_t peer = 0; peer < 3; ++peer) {
    EXPECT_EQ(machines.Read<uint32_t>(peer, V2Space::kMemory, kOutput1), 5u);
  }
}

TEST(V2BusTest, AWriteThatLeavesItsSectionChangesNothing) {
  V2Machines machines;
  machines.Write<uint64_t>(0, V2Space::kMemory, kOutput1 - 4,
                           ~uint64_t{0});                                 // Into that of peer 1.
  machines.Write<uint64_t>(2, V2Space::kMemory, kEnd - 4, ~uint64_t{0});  // Beyond the end.
  machines.Write<uint64_t>(0, V2Space::kMemory, kRw - 4, ~uint64_t{0});   // Begins in the table.
  machines.Write<uint64_t>(0, V2Space::kMemory, ~uint64_t{0} - 3, ~uint64_t{0});
  EXPECT_TRUE(std::ranges::all_of(machines.Memory(), [](std::byte b) { return b == std::byte{}; }));
}

TEST(V2BusTest, WhatIsBeyondTheSectionsReadsZero) {
  V2Machines machines;
  machines.Write<uint32_t>(2, V2Space::kMemory, kEnd - 4, kOnes);
  EXPECT_EQ(machines.Read<uint64_t>(0, V2Space::kMemory, kEnd - 4), uint64_t{kOnes});
  EXPECT_EQ(machines.Read<uint64_t>(0, V2Space::kMemory, kEnd), 0u);
  EXPECT_EQ(machines.Read<uint64_t>(0, V2Space::kMemory, ~uint64_t{0}), 0u);
}

TEST(V2BusTest, AccessesThatAreNoWordsAreCopiedWhole) {
  V2Machines machines;
  const std::array<uint8_t, 7> written = {1, 2, 3, 4, 5, 6, 7};
  machines.Write(0, V2Space::kMemory, kRw + 3, written);
  EXPECT_EQ((machines.Read<std::array<uint8_t, 7>>(1, V2Space::kMemory, kRw + 3)), written);
}

// Configuration.

TEST(V2BusTest, TheConfigurationTellsIdentityProtocolAndSections) {
  V2Machines machines;
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kConfig, 0), 0x4106110au);
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kConfig, 8), 0xff400100u);
  EXPECT_EQ(machines.Read<uint8_t>(0, V2Space::kConfig, 0x34), 0x40);
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kConfig, 0x40), 0x00186009u);
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kConfig, 0x44), kV2PageBytes);
  EXPECT_EQ(machines.Read<uint64_t>(0, V2Space::kConfig, 0x48), V2Machines::kRwBytes);
  EXPECT_EQ(machines.Read<uint64_t>(0, V2Space::kConfig, 0x50), V2Machines::kOutputBytes);
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kConfig, 0x60), 0x00030011u) << "4 vectors";
}

// As virtio's ends have to: the front end's driver must not take the back end's device.
TEST(V2BusTest, EachPeerTellsItsOwnProtocolAndThoseBeyondTheListTheLast) {
  V2Machines machines;
  const std::array expected = {V2Machines::kProtocol, V2Machines::kOthersProtocol,
                               V2Machines::kOthersProtocol};
  for (uint32_t peer = 0; peer < V2Machines::kPeers; ++peer) {
    const auto revision_and_class = machines.Read<uint32_t>(peer, V2Space::kConfig, 8);
    EXPECT_EQ(revision_and_class >> 8 & 0xffff, expected[peer]) << peer;
  }
}

TEST(V2BusTest, OnesWrittenToABarTellItsSize) {
  V2Machines machines;
  for (const uint64_t bar : {0x10u, 0x14u, 0x18u, 0x1cu}) {
    machines.Write<uint32_t>(0, V2Space::kConfig, bar, kOnes);
  }
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kConfig, 0x10), 0xfffff000u);
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kConfig, 0x14), 0xfffff000u);
  EXPECT_EQ(machines.Read<uint64_t>(0, V2Space::kConfig, 0x18), 0xffffffffffff800cu)
      << "64 bits, prefetchable, six pages rounded up to a power of two";
}

TEST(V2BusTest, OfTheConfigurationOnlyWhatSoftwareOwnsChanges) {
  V2Machines machines;
  const auto fresh = machines.Read<std::array<uint8_t, kConfigBytes>>(0, V2Space::kConfig, 0);
  std::array<uint8_t, kConfigBytes> ones;
  ones.fill(0xff);
  machines.Write(0, V2Space::kConfig, 0, ones);
  const auto written = machines.Read<std::array<uint8_t, kConfigBytes>>(0, V2Space::kConfig, 0);
  for (size_t i = 0; i < kConfigBytes; ++i) {
    const bool is_bar = i >= 0x10 && i < 0x20;
    const bool is_owned = is_bar || i == 4 || i == 5 || i == 0x43 || i == 0x63;
    if (is_owned) continue;
    EXPECT_EQ(written[i], fresh[i]) << i;
  }
  EXPECT_EQ(written[4] | written[5] << 8, 0x0406);
  EXPECT_EQ(written[0x43], 1);
}

TEST(V2BusTest, BeyondTheConfigurationThereAreOnes) {
  V2Machines machines;
  machines.Write<uint64_t>(0, V2Space::kConfig, kConfigBytes - 2, 0);
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kConfig, kConfigBytes - 2), 0xffff0000u);
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kConfig, ~uint64_t{0}), kOnes);
}

// MSI-X.

TEST(V2BusTest, TheVectorTableIsSoftwaresAndThePendingBitsAreNot) {
  V2Machines machines;
  const uint64_t table_end = V2Machines::kVectors * kMsixEntryBytes;
  machines.Write<uint32_t>(0, V2Space::kMsix, table_end - 4, 1);
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kMsix, table_end - 4), 1u);
  for (const uint64_t offset : {table_end - 2, kMsixPendingOffset, kMsixBarBytes, ~uint64_t{0}}) {
    machines.Write<uint32_t>(0, V2Space::kMsix, offset, kOnes);
  }
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kMsix, table_end - 4), 1u);
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kMsix, kMsixPendingOffset), 0u);
  EXPECT_EQ(machines.Read<uint32_t>(0, V2Space::kMsix, kMsixBarBytes - 2), 0u);
}

// Sizes.

TEST(V2SectionsTest, SizesThatNoDeviceCanHaveAreRefused) {
  EXPECT_TRUE(MakeV2Sections(2, 0, kV2PageBytes).ok());
  EXPECT_FALSE(MakeV2Sections(1, 0, kV2PageBytes).ok());
  EXPECT_FALSE(MakeV2Sections(kV2MostPeers + 1, 0, kV2PageBytes).ok());
  EXPECT_FALSE(MakeV2Sections(2, 100, kV2PageBytes).ok());
  EXPECT_FALSE(MakeV2Sections(2, 0, 0).ok());
  EXPECT_FALSE(MakeV2Sections(2, 0, uint64_t{1} << 63).ok());
}

}  // namespace
}  // namespace tombolo::control

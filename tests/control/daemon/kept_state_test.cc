// The daemon's state as bytes, whoever wrote them, and the memory in which they are kept.
#include "control/daemon/kept_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "control/daemon/state_memory.h"
#include "control/registry/registry.h"
#include "transport/base/unique_fd.h"
#include "transport/device/mapping.h"

namespace tombolo::control {
namespace {

using ::testing::HasSubstr;

constexpr RegionLimits kLimits{
    .region_bytes = uint64_t{4} << 20, .slot_count = 4, .vector_count = 3, .endpoint_count = 64};

// With a machine, a dying endpoint, and two services, one of which is going.
KeptState SomeState() {
  Registry registry(RegistryLimitsFor(kLimits));
  EXPECT_TRUE(registry.OccupySlot(kHostSlot, PeerKind::kHost, 1).ok());
  EXPECT_TRUE(registry.BrokerReady(kHostSlot, "11111111-1111-4111-8111-111111111111").ok());
  EXPECT_TRUE(registry.OccupySlot(2, PeerKind::kVm, 2).ok());
  const auto attach = [&registry](const std::string& name) {
    return registry.AttachEndpoint({.name = name, .pid = 99, .now_unix_ns = 3}).value();
  };
  const EndpointId writer = attach(std::string(31, 'w'));
  const EndpointId dead = attach("d");
  EXPECT_TRUE(registry.OpenService("cache", writer).ok());
  EXPECT_TRUE(registry.OpenService("old", dead).ok());
  EXPECT_TRUE(registry.EndpointGone(dead).ok());
  EXPECT_TRUE(registry.CloseService("old").ok());
  return {.limits = kLimits, .uuid = {1, 2, 3}, .registry = registry.State()};
}

TEST(KeptStateTest, IsReadAsItWasWritten) {
  const KeptState state = SomeState();
  const std::vector<std::byte> bytes = ToBytes(state);
  EXPECT_LE(bytes.size(), MostStateBytes(kLimits));
  const auto read = ParseKeptState(bytes);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->registry, state.registry);
  EXPECT_EQ(read->uuid, state.uuid);
  EXPECT_EQ(read->limits.region_bytes, kLimits.region_bytes);
  EXPECT_EQ(read->limits.vector_count, kLimits.vector_count);
}

TEST(KeptStateTest, BytesThatAreTooManyOrTooFewAreRefused) {
  const std::vector<std::byte> bytes = ToBytes(SomeState());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_TRUE(absl::IsFailedPrecondition(ParseKeptState(std::span(bytes).first(size)).status()));
  }
  std::vector<std::byte> more = bytes;
  more.push_back({});
  EXPECT_TRUE(absl::IsFailedPrecondition(ParseKeptState(more).status()));
}

TEST(KeptStateTest, AnyOtherByteIsRefusedOrMeansJustThat) {
  const std::vector<std::byte> bytes = ToBytes(SomeState());
  int refused = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const char value : {'\0', '\1', '\2', ' ', 'w', '\x7f', '\xff'}) {
      std::vector<std::byte> other = bytes;
      other[at] = static_cast<std::byte>(value);
      const auto read = ParseKeptState(other);
      if (read.ok()) {
        EXPECT_EQ(ToBytes(*read), other) << "byte " << at;
      } else {
        EXPECT_TRUE(absl::IsFailedPrecondition(read.status()));
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(KeptStateTest, OfAnotherVersionItSaysWhichOne) {
  std::vector<std::byte> bytes = ToBytes(SomeState());
  bytes[8] = std::byte{77};
  EXPECT_THAT(std::string(ParseKeptState(bytes).status().message()), HasSubstr("version 77"));
}

TEST(KeptStateTest, OfARegionWithAnotherLayoutItIsRefused) {
  std::vector<std::byte> bytes = ToBytes(SomeState());
  bytes[12] = std::byte{77};
  EXPECT_THAT(std::string(ParseKeptState(bytes).status().message()),
              HasSubstr("layout version 77"));
}

class StateMemoryTest : public ::testing::Test {
 protected:
  StateMemoryTest() : memory_(StateMemory::Create(kMost).value()) {}

  static std::vector<std::byte> Bytes(size_t size, uint8_t value) {
    return std::vector<std::byte>(size, std::byte{value});
  }

  absl::StatusOr<StateMemory> Successor() const {
    return StateMemory::Adopt(UniqueFd(dup(memory_.Fd())));
  }

  // The memory's words, as somebody who scribbles sees them.
  Mapping View() const {
    return Mapping::Map(memory_.Fd(), 0, FileBytes(memory_.Fd()).value()).value();
  }

  static constexpr size_t kMost = 10'000;
  StateMemory memory_;
};

TEST_F(StateMemoryTest, ASuccessorFindsWhatWasSavedLast) {
  EXPECT_GE(memory_.MostBytes(), kMost);
  for (uint8_t round = 1; round <= 5; ++round) {
    memory_.Save(Bytes(kMost - round, round));
    const auto successor = Successor();
    ASSERT_TRUE(successor.ok()) << successor.status();
    EXPECT_EQ(successor->Load().value(), Bytes(kMost - round, round));
  }
}

TEST_F(StateMemoryTest, BeforeTheFirstSaveThereIsNothing) {
  EXPECT_TRUE(absl::IsFailedPrecondition(Successor()->Load().status()));
}

// As if it had been killed at any byte of the next state, before the word that makes it hold.
TEST_F(StateMemoryTest, AnUnfinishedSaveLeavesTheOneBefore) {
  memory_.Save(Bytes(100, 1));
  memory_.Save(Bytes(100, 2));
  const Mapping view = View();
  const size_t bank_bytes = (view.Bytes().size() - 4096) / 2;
  for (size_t i = 0; i < 200; ++i) {
    view.Bytes()[4096 + i] = std::byte{0xee};
    EXPECT_EQ(Successor()->Load().value(), Bytes(100, 2));
  }
  view.Bytes()[4096 + bank_bytes + 50] = std::byte{0xee};
  EXPECT_THAT(std::string(Successor()->Load().status().message()), HasSubstr("checksum"));
}

TEST_F(StateMemoryTest, WordsThatMakeNoSenseAreRefused) {
  memory_.Save(Bytes(100, 1));
  const Mapping view = View();
  const std::byte size = std::exchange(view.Bytes()[4096 + 3], std::byte{0xff});
  EXPECT_THAT(std::string(Successor()->Load().status().message()), HasSubstr("expected at most"));
  view.Bytes()[4096 + 3] = size;
  view.Bytes()[8] = std::byte{3};
  EXPECT_THAT(std::string(Successor()->Load().status().message()), HasSubstr("bank 3"));
  view.Bytes()[0] = std::byte{9};
  EXPECT_TRUE(absl::IsFailedPrecondition(Successor().status()));
}

TEST_F(StateMemoryTest, FilesThatAreNoneOfItsOwnAreRefused) {
  const auto adopt = [](uint64_t bytes) {
    UniqueFd file(memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_EQ(ftruncate(file.Get(), static_cast<off_t>(bytes)), 0);
    return StateMemory::Adopt(std::move(file)).status();
  };
  EXPECT_THAT(std::string(adopt(0).message()), HasSubstr("it has 0 bytes"));
  EXPECT_THAT(std::string(adopt(4096).message()), HasSubstr("it has 4096 bytes"));
  EXPECT_THAT(std::string(adopt(uint64_t{1} << 40).message()), HasSubstr("bytes; expected"));
  // It could shrink below us.
  EXPECT_THAT(std::string(adopt(3 * 4096).message()), HasSubstr("not sealed"));
}

}  // namespace
}  // namespace tombolo::control

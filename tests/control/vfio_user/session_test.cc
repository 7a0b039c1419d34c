// What a vfio-user session answers: to QEMU's requests, and to what no QEMU would say.
#include "control/vfio_user/session.h"

#include <errno.h>
#include <sys/eventfd.h>

#include <array>
#include <utility>
#include <vector>

#include "control/vfio_user/wire.h"
#include "gtest/gtest.h"
#include "tests/control/vfio_user/fake_device.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control::vfio_user {
namespace {

constexpr size_t kPayload = sizeof(Header);
constexpr int kMemoryFd = 99;  // Never used but as a number.

std::vector<UniqueFd> Eventfds(int count) {
  std::vector<UniqueFd> fds;
  for (int i = 0; i < count; ++i) fds.emplace_back(eventfd(0, EFD_CLOEXEC));
  return fds;
}

SetIrqs Trigger(uint32_t data, uint32_t start, uint32_t count) {
  return {.argument_bytes = sizeof(SetIrqs),
          .flags = data | kIrqActionTrigger,
          .index = kMsixIrq,
          .start = start,
          .count = count};
}

RegionAccess Access(uint64_t offset, uint32_t region, uint32_t size_bytes) {
  return {.offset = offset, .region = region, .size_bytes = size_bytes};
}

RegionInfo AskAbout(uint32_t region, uint32_t room_bytes = sizeof(RegionInfo)) {
  RegionInfo asked{};
  asked.argument_bytes = room_bytes;
  asked.index = region;
  return asked;
}

IrqInfo AskAboutIrq(uint32_t index) {
  IrqInfo asked{};
  asked.index = index;
  return asked;
}

class SessionTest : public testing::Test {
 protected:
  SessionTest() { EXPECT_TRUE(session_.Handle(VersionRequest(), {}).ok()); }

  // The answer; empty when the session is over.
  Answer Ask(const std::vector<std::byte>& request, std::vector<UniqueFd> fds = {}) {
    auto answer = session_.Handle(request, std::move(fds));
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *std::move(answer) : Answer{};
  }
  template <typename T>
  uint32_t ErrorOf(uint16_t command, const T& payload) {
    return At<Header>(Ask(Request(command, payload)).bytes, 0).error;
  }

  FakeDevice device_{kMemoryFd};
  Session session_{device_};
};

TEST_F(SessionTest, TheVersionIsAnsweredWithCapabilitiesThatEndInAZero) {
  Session session(device_);
  const auto answer = session.Handle(VersionRequest(), {});
  ASSERT_TRUE(answer.ok());
  const auto header = At<Header>(answer->bytes, 0);
  EXPECT_EQ(header.message_id, 7);
  EXPECT_EQ(header.flags, kTypeReply);
  EXPECT_EQ(header.size_bytes, answer->bytes.size());
  EXPECT_EQ(At<Version>(answer->bytes, kPayload).minor, 0);
  EXPECT_EQ(answer->bytes.back(), std::byte{0});
}

TEST_F(SessionTest, WhatComesBeforeTheVersionEndsTheSession) {
  Session session(device_);
  EXPECT_FALSE(session.Handle(Request(kDeviceReset, Version{}), {}).ok());
  EXPECT_EQ(device_.resets, 0);
}

TEST_F(SessionTest, AnotherMajorVersionEndsTheSession) {
  Session session(device_);
  EXPECT_FALSE(session.Handle(Request(kVersion, Version{.major = 1, .minor = 0}), {}).ok());
}

TEST_F(SessionTest, ASecondVersionIsRefused) {
  EXPECT_EQ(At<Header>(Ask(VersionRequest()).bytes, 0).error, uint32_t{EINVAL});
}

TEST_F(SessionTest, AnUnknownCommandIsNotSupported) {
  EXPECT_EQ(ErrorOf(11, DmaMap{}), uint32_t{ENOTSUP});
}

TEST_F(SessionTest, TheDeviceIsPciAndCanBeReset) {
  const Answer answer = Ask(Request(kDeviceInfo, DeviceInfo{}));
  const auto info = At<DeviceInfo>(answer.bytes, kPayload);
  EXPECT_EQ(info.flags, kDeviceCanReset | kDeviceIsPci);
  EXPECT_EQ(info.region_count, kRegionCount);
  EXPECT_EQ(info.irq_count, kIrqCount);
  Ask(Request(kDeviceReset, Version{}));
  EXPECT_EQ(device_.resets, 1);
}

TEST_F(SessionTest, WhoHasNoRoomForTheAreasLearnsHowMuchTheyTake) {
  const Answer answer = Ask(Request(kRegionInfo, AskAbout(FakeDevice::kMappedBar)));
  EXPECT_EQ(At<RegionInfo>(answer.bytes, kPayload).argument_bytes, 32u + 16u + 2 * 16u);
  EXPECT_EQ(At<RegionInfo>(answer.bytes, kPayload).capability_offset, 32u) << "or QEMU gives up";
  EXPECT_EQ(answer.bytes.size(), kPayload + 32u);
}

TEST_F(SessionTest, ARegionThatCanBeMappedComesWithItsAreasAndDescriptor) {
  const Answer answer = Ask(Request(kRegionInfo, AskAbout(FakeDevice::kMappedBar, 80)));
  const auto info = At<RegionInfo>(answer.bytes, kPayload);
  EXPECT_EQ(info.size_bytes, FakeDevice::kBarBytes);
  EXPECT_EQ(info.flags, 15u);
  EXPECT_EQ(info.capability_offset, 32u);
  EXPECT_EQ(At<SparseAreas>(answer.bytes, kPayload + 32).area_count, 2u);
  EXPECT_EQ(At<Area>(answer.bytes, kPayload + 48).offset, 1024u);
  EXPECT_EQ(At<Area>(answer.bytes, kPayload + 64).size_bytes, 64u);
  EXPECT_EQ(answer.fd, kMemoryFd);
}

TEST_F(SessionTest, OtherRegionsHaveNoDescriptor) {
  const Answer plain = Ask(Request(kRegionInfo, AskAbout(FakeDevice::kPlainBar)));
  EXPECT_EQ(At<RegionInfo>(plain.bytes, kPayload).flags, kRegionReadable | kRegionWritable);
  EXPECT_EQ(plain.fd, -1);
  const Answer absent = Ask(Request(kRegionInfo, AskAbout(5)));
  EXPECT_EQ(At<RegionInfo>(absent.bytes, kPayload).size_bytes, 0u);
  EXPECT_EQ(ErrorOf(kRegionInfo, AskAbout(kRegionCount)), uint32_t{EINVAL});
}

TEST_F(SessionTest, WhatIsWrittenIsRead) {
  const uint32_t value = 0x12345678;
  Ask(Request(kRegionWrite, Access(8, 0, 4), std::as_bytes(std::span(&value, 1))));
  const Answer answer = Ask(Request(kRegionRead, Access(8, 0, 4)));
  EXPECT_EQ(At<RegionAccess>(answer.bytes, kPayload).offset, 8u);
  EXPECT_EQ(At<uint32_t>(answer.bytes, kPayload + sizeof(RegionAccess)), value);
}

TEST_F(SessionTest, AWriteThatWantsNoAnswerGetsNone) {
  const uint32_t value = 5;
  const auto data = std::as_bytes(std::span(&value, 1));
  EXPECT_TRUE(Ask(Request(kRegionWrite, Access(0, 0, 4), data, kNoReply)).bytes.empty());
  EXPECT_EQ(device_.bars[0][0], std::byte{5});
}

TEST_F(SessionTest, AccessesBeyondARegionAreRefused) {
  for (const RegionAccess& access :
       {Access(FakeDevice::kBarBytes, 0, 1), Access(FakeDevice::kBarBytes - 3, 0, 4),
        Access(~uint64_t{0}, 0, 4), Access(0, 1, 1), Access(0, kRegionCount, 1),
        Access(0, 0, kMostDataBytes + 1), Access(0, 0, ~uint32_t{0})}) {
    EXPECT_EQ(ErrorOf(kRegionRead, access), uint32_t{EINVAL}) << access.offset;
  }
}

TEST_F(SessionTest, AWriteWithMoreOrLessDataThanItSaysIsRefused) {
  const std::array<std::byte, 5> data{std::byte{1}};
  for (const size_t size_bytes : {size_t{0}, size_t{3}, size_t{5}}) {
    const auto request = Request(kRegionWrite, Access(0, 0, 4), std::span(data).first(size_bytes));
    EXPECT_EQ(At<Header>(Ask(request).bytes, 0).error, uint32_t{EINVAL}) << size_bytes;
  }
  EXPECT_EQ(device_.bars[0][0], std::byte{0});
}

TEST_F(SessionTest, APayloadThatIsTooShortIsRefused) {
  for (const uint16_t command :
       {kDmaMap, kDmaUnmap, kDeviceInfo, kRegionInfo, kIrqInfo, kSetIrqs, kRegionRead}) {
    EXPECT_EQ(ErrorOf(command, Version{}), uint32_t{EINVAL}) << command;
  }
}

TEST_F(SessionTest, GuestMemoryIsAcceptedAndItsDescriptorClosed) {
  std::vector<UniqueFd> fds = Eventfds(1);
  const int fd = fds[0].Get();
  EXPECT_EQ(At<Header>(Ask(Request(kDmaMap, DmaMap{}), std::move(fds)).bytes, 0).error, 0u);
  EXPECT_EQ(eventfd_write(fd, 1), -1);
  DmaUnmap unmap{};
  unmap.size_bytes = 8192;
  EXPECT_EQ(At<DmaUnmap>(Ask(Request(kDmaUnmap, unmap)).bytes, kPayload).size_bytes, 8192u);
}

TEST_F(SessionTest, OnlyMsixHasVectors) {
  for (uint32_t index = 0; index < kIrqCount; ++index) {
    const Answer answer = Ask(Request(kIrqInfo, AskAboutIrq(index)));
    EXPECT_EQ(At<IrqInfo>(answer.bytes, kPayload).count,
              index == kMsixIrq ? FakeDevice::kVectors : 0u);
  }
  EXPECT_EQ(ErrorOf(kIrqInfo, AskAboutIrq(kIrqCount)), uint32_t{EINVAL});
}

TEST_F(SessionTest, VectorsGetTheirEventfdsInTurn) {
  Ask(Request(kSetIrqs, Trigger(kIrqDataEventfd, 1, 2)), Eventfds(2));
  EXPECT_FALSE(device_.vectors[0].IsOpen());
  EXPECT_TRUE(device_.vectors[1].IsOpen());
  EXPECT_TRUE(device_.vectors[2].IsOpen());
  Ask(Request(kSetIrqs, Trigger(kIrqDataEventfd, 1, 1)));
  EXPECT_FALSE(device_.vectors[1].IsOpen()) << "without a descriptor nobody listens";
  EXPECT_TRUE(device_.vectors[2].IsOpen());
  Ask(Request(kSetIrqs, Trigger(kIrqDataNone, 0, 0)));
  EXPECT_FALSE(device_.vectors[2].IsOpen()) << "this is the end of all";
}

TEST_F(SessionTest, VectorsThatAreNotThereAreRefused) {
  EXPECT_EQ(ErrorOf(kSetIrqs, Trigger(kIrqDataEventfd, 0, FakeDevice::kVectors + 1)),
            uint32_t{EINVAL});
  EXPECT_EQ(ErrorOf(kSetIrqs, Trigger(kIrqDataEventfd, ~uint32_t{0}, 2)), uint32_t{EINVAL});
  SetIrqs pin = Trigger(kIrqDataEventfd, 0, 1);
  pin.index = 0;
  EXPECT_EQ(ErrorOf(kSetIrqs, pin), uint32_t{EINVAL});
  const Answer answer = Ask(Request(kSetIrqs, Trigger(kIrqDataEventfd, 0, 1)), Eventfds(2));
  EXPECT_EQ(At<Header>(answer.bytes, 0).error, uint32_t{EINVAL}) << "more descriptors than vectors";
}

TEST(MessageBytesTest, HeadersThatMakeTheStreamUnreadableAreRefused) {
  Header header{};
  for (const uint32_t size_bytes : {0u, 15u, kMostMessageBytes + 1, ~uint32_t{0}}) {
    header.size_bytes = size_bytes;
    EXPECT_FALSE(MessageBytes(header).ok()) << size_bytes;
  }
  header.size_bytes = sizeof(Header);
  EXPECT_EQ(*MessageBytes(header), sizeof(Header));
  header.flags = kTypeReply;
  EXPECT_FALSE(MessageBytes(header).ok());
}

}  // namespace
}  // namespace tombolo::control::vfio_user

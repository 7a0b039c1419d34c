// What a process says when the broker, or what it hands out, is not what it should be: one
// sentence, and no crash.
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/file_modes.h"
#include "tests/support/status_text.h"
#include "tests/support/temp_dir.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"
#include "transport/base/unix_socket.h"
#include "transport/device/mapping.h"
#include "transport/endpoint/broker_protocol.h"
#include "transport/endpoint/endpoint.h"
#include "transport/layout/region_header.h"
#include "transport/region/geometry.h"
#include "transport/region/region.h"

namespace tombolo {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kRegionBytes = 4 * kMiB;
constexpr RegionLimits kLimits{
    .region_bytes = kRegionBytes, .slot_count = 4, .vector_count = 4, .endpoint_count = 64};

class AttachTest : public testing::Test {
 protected:
  AttachTest() {
    memory_fd_ = UniqueFd(memfd_create("region", MFD_CLOEXEC));
    EXPECT_EQ(ftruncate(memory_fd_.Get(), kRegionBytes), 0);
    memory_ = std::make_unique<Mapping>(*Mapping::Map(memory_fd_.Get(), 0, kRegionBytes));
    EXPECT_TRUE(Region::Format(memory_->Bytes(), kLimits, RegionUuid{1}, CacheSizes{}).ok());
    reply_.endpoint_incarnation = 1;
    reply_.memory_bytes = kRegionBytes;
  }

  // SAFETY: the mapping is page-aligned and larger than the header.
  RegionHeader& Header() { return *reinterpret_cast<RegionHeader*>(memory_->Bytes().data()); }

  std::string SocketPath() const { return dir_.File("broker.sock"); }

  // What Attach says to a broker that answers with the first `reply_bytes` of reply_.
  absl::Status AttachStatus(size_t reply_bytes = sizeof(BrokerReply)) {
    const auto listener = ListenUnix(SocketPath(), SOCK_SEQPACKET, 0600);
    if (!listener.ok()) return listener.status();
    const std::jthread broker([&] { AnswerOne(listener->Get(), reply_bytes); });
    return Endpoint::Attach(SocketPath(), "test").status();
  }

  // The same to one that closes `cuts` connections before it answers, as if it was killed.
  absl::Status AttachStatusAfter(int cuts) {
    const auto listener = ListenUnix(SocketPath(), SOCK_SEQPACKET, 0600);
    if (!listener.ok()) return listener.status();
    const std::jthread broker([&] {
      for (int i = 0; i < cuts; ++i) UniqueFd(accept(listener->Get(), nullptr, nullptr));
      AnswerOne(listener->Get(), sizeof(BrokerReply));
    });
    absl::Status status = Endpoint::Attach(SocketPath(), "test").status();
    // So that the broker ends also then.
    if (!status.ok()) ConnectUnix(SocketPath(), SOCK_SEQPACKET).status().IgnoreError();
    return status;
  }

  BrokerReply reply_;
  UniqueFd memory_fd_;
  UniqueFd registers_fd_;
  std::unique_ptr<Mapping> memory_;

 private:
  void AnswerOne(int listener, size_t reply_bytes) const {
    const UniqueFd client(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    BrokerRequest request;
    if (!ReceiveMessage(client.Get(), std::as_writable_bytes(std::span(&request, 1))).ok()) return;
    const UniqueFd wake(eventfd(0, EFD_CLOEXEC));
    const int fds[] = {memory_fd_.Get(), wake.Get(), registers_fd_.Get()};
    SendMessage(client.Get(), std::as_bytes(std::span(&reply_, 1)).first(reply_bytes),
                std::span(fds).first(registers_fd_.IsOpen() ? 3 : 2));
  }

  TempDir dir_;
};

TEST_F(AttachTest, AGoodBrokerIsEnough) {
  const absl::Status status = AttachStatus();
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(AttachTest, ABrokerThatIsKilledMeanwhileIsAskedAgain) {
  const absl::Status status = AttachStatusAfter(3);
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(AttachTest, ABrokerThatIsKilledEachTimeIsNotAskedForEver) {
  const absl::Status status = AttachStatusAfter(4);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(Text(status), HasSubstr("closed the connection 4 times"));
}

// A look behind the end of the file would be a SIGBUS.
TEST_F(AttachTest, ATruncatedRegionIsRefusedWithBothSizes) {
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{4096}, kRegionBytes - 4096}) {
    ASSERT_EQ(ftruncate(memory_fd_.Get(), static_cast<off_t>(bytes)), 0);
    const absl::Status status = AttachStatus();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(Text(status), HasSubstr("have 4194304 bytes, but its file has " +
                                        std::to_string(bytes) + ": it was truncated"));
  }
}

TEST_F(AttachTest, AnotherMagicOrLayoutVersionIsRefused) {
  Header().layout_version.store(kLayoutVersion + 1, std::memory_order_relaxed);
  EXPECT_THAT(Text(AttachStatus()), HasSubstr("Install the same release"));
  Header().magic.store(7, std::memory_order_relaxed);
  EXPECT_THAT(Text(AttachStatus()), HasSubstr("starts with 0x7"));
}

TEST_F(AttachTest, AnEndpointThatTheRegionDoesNotHaveIsRefused) {
  reply_.endpoint_index = kLimits.endpoint_count;
  const absl::Status status = AttachStatus();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Text(status), HasSubstr("is the broker of another region?"));
}

TEST_F(AttachTest, MemoryOfAKindThatNobodyKnowsIsRefused) {
  reply_.memory = BrokerMemory{9};
  EXPECT_THAT(Text(AttachStatus()), HasSubstr("memory of kind 9"));
}

TEST_F(AttachTest, ADeviceOfTwoFilesNeedsBoth) {
  reply_.memory = BrokerMemory::kSysfs;
  EXPECT_THAT(Text(AttachStatus()), HasSubstr("sent 2 descriptors, expected 3"));
  registers_fd_ = UniqueFd(memfd_create("registers", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(registers_fd_.Get(), 4096), 0);
  const absl::Status status = AttachStatus();
  EXPECT_TRUE(status.ok()) << status;
  reply_.registers_offset = 3968;
  EXPECT_THAT(Text(AttachStatus()), HasSubstr("lie at 3968 of their page"));
}

TEST_F(AttachTest, AnotherProgramOrReleaseAtTheSocketIsRefused) {
  EXPECT_THAT(Text(AttachStatus(11)), HasSubstr("sent 11 bytes, expected 248"));
  reply_.version = kBrokerVersion + 1;
  EXPECT_THAT(Text(AttachStatus()), HasSubstr("speaks another protocol"));
  reply_.magic = 1;
  EXPECT_THAT(Text(AttachStatus()), HasSubstr("magic 0x1"));
}

// A broker that may not be asked is there: to start one would not help.
TEST_F(AttachTest, AMissingPermissionIsSaidAndNotTakenForAMissingBroker) {
  const auto listener = ListenUnix(SocketPath(), SOCK_SEQPACKET, 0);
  ASSERT_TRUE(listener.ok()) << listener.status();
  SetModesBindUs(true);
  const absl::Status status = Endpoint::Attach(SocketPath(), "test").status();
  SetModesBindUs(false);
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(Text(status), HasSubstr("this user may not open"));
  EXPECT_THAT(Text(status), Not(HasSubstr("Start tombolod")));
}

TEST_F(AttachTest, WithoutABrokerItSaysWhatToStart) {
  const absl::Status status = Endpoint::Attach(SocketPath(), "test").status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(Text(status), HasSubstr("Start tombolod on the host or tombolo-agent in this guest"));
}

}  // namespace
}  // namespace tombolo

// The server of ivshmem v2 devices and its sockets: QEMUs that come, use their device, say what
// they should not, and are killed.
#include "control/ivshmem_v2/v2_server.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "control/event_loop/event_loop.h"
#include "control/vfio_user/session.h"
#include "control/vfio_user/wire.h"
#include "gtest/gtest.h"
#include "tests/control/vfio_user/fake_device.h"
#include "tests/support/temp_dir.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"
#include "transport/device/mapping.h"
#include "transport/device/v2/v2_registers.h"
#include "transport/device/v2/v2_sections.h"

namespace tombolo::control {
namespace {

using vfio_user::At;
using vfio_user::Header;
using vfio_user::RegionAccess;
using vfio_user::Request;
using Bytes = std::vector<std::byte>;

constexpr uint32_t kRegisterBar = 0, kMemoryBar = 2;
constexpr uint64_t kOutput0 = 2 * kV2PageBytes;
constexpr int kTurns = 20;

// What QEMU does with its end.
class Qemu {
 public:
  Qemu(EventLoop& loop, const std::string& folder, uint32_t peer)
      : loop_(&loop),
        socket_(*ConnectUnix(V2Server::SocketPath(folder, peer), SOCK_STREAM | SOCK_NONBLOCK)) {}

  // The answer, and what came with it in Fds(); empty when there is none.
  Bytes Ask(const Bytes& request, std::span<const int> fds = {}) {
    if (SendMessage(socket_.Get(), request, fds) != 0) return {};
    return Answer();
  }
  Bytes Answer() {
    for (int turn = 0; turn < kTurns; ++turn) loop_->Poll();
    Bytes buffer(vfio_user::kRegionCount * 1024);
    auto received = ReceiveMessage(socket_.Get(), buffer);
    has_hung_up_ = received.ok() && received->size_bytes == 0;
    if (!received.ok()) return {};
    fds_ = std::move(received->fds);
    buffer.resize(received->size_bytes);
    return buffer;
  }
  bool Greet() { return !Ask(vfio_user::VersionRequest()).empty(); }
  bool HasHungUp() {
    Answer();
    return has_hung_up_;
  }
  void Die() {
    socket_.Reset();
    for (int turn = 0; turn < kTurns; ++turn) loop_->Poll();
  }

  uint32_t Read(uint32_t region, uint64_t offset) {
    const RegionAccess access{.offset = offset, .region = region, .size_bytes = 4};
    return At<uint32_t>(Ask(Request(vfio_user::kRegionRead, access)),
                        sizeof(Header) + sizeof(RegionAccess));
  }
  void Write(uint32_t region, uint64_t offset, uint32_t value) {
    const RegionAccess access{.offset = offset, .region = region, .size_bytes = 4};
    Ask(Request(vfio_user::kRegionWrite, access, std::as_bytes(std::span(&value, 1))));
  }
  // Enables interrupts of `vector`.
  void Listen(uint32_t vector, int fd) {
    const vfio_user::SetIrqs set{.argument_bytes = sizeof(vfio_user::SetIrqs),
                                 .flags = vfio_user::kIrqDataEventfd | vfio_user::kIrqActionTrigger,
                                 .index = vfio_user::kMsixIrq,
                                 .start = vector,
                                 .count = 1};
    Ask(Request(vfio_user::kSetIrqs, set), std::span(&fd, 1));
    Write(kRegisterBar, kV2InterruptControlRegister, kV2InterruptEnable);
  }

  int Socket() const { return socket_.Get(); }
  std::vector<UniqueFd>& Fds() { return fds_; }

 private:
  EventLoop* loop_;
  UniqueFd socket_;
  std::vector<UniqueFd> fds_;
  bool has_hung_up_ = false;
};

class V2ServerTest : public testing::Test {
 protected:
  V2ServerTest() {
    std::filesystem::create_directory(folder_);
    server_ = *V2Server::Start(*loop_, {.folder = folder_,
                                        .sections = *MakeV2Sections(2, kV2PageBytes, kV2PageBytes),
                                        .vectors = 2});
  }

  Qemu Come(uint32_t peer) {
    Qemu qemu(*loop_, folder_, peer);
    EXPECT_TRUE(qemu.Greet());
    return qemu;
  }
  static bool IsRung(const UniqueFd& fd) {
    eventfd_t count = 0;
    return eventfd_read(fd.Get(), &count) == 0;
  }

  const TempDir temp_dir_;
  const std::string folder_ = temp_dir_.File("sockets");
  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  std::unique_ptr<V2Server> server_;
  const UniqueFd bell_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

TEST_F(V2ServerTest, EachSocketIsAnotherPeer) {
  Qemu zero = Come(0), one = Come(1);
  EXPECT_EQ(zero.Read(kRegisterBar, kV2IdRegister), 0u);
  EXPECT_EQ(one.Read(kRegisterBar, kV2IdRegister), 1u);
  EXPECT_EQ(one.Read(vfio_user::kConfigRegion, 0), 0x4106110au);
}

TEST_F(V2ServerTest, ADoorbellRingsTheEventfdOfItsVectorOnly) {
  Qemu zero = Come(0), one = Come(1);
  const UniqueFd state_bell(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  zero.Listen(0, state_bell.Get());
  zero.Listen(1, bell_.Get());
  one.Write(kRegisterBar, kV2DoorbellRegister, V2DoorbellValue(0, 1));
  EXPECT_TRUE(IsRung(bell_));
  EXPECT_FALSE(IsRung(state_bell));
}

TEST_F(V2ServerTest, AKilledQemuIsInStateResetAndTheOthersAreTold) {
  Qemu zero = Come(0);
  Qemu one = Come(1);
  one.Write(kRegisterBar, kV2StateRegister, kV2StateRun);
  zero.Listen(0, bell_.Get());
  one.Die();
  EXPECT_TRUE(IsRung(bell_));
  EXPECT_EQ(zero.Read(kMemoryBar, 4), kV2StateReset);
  EXPECT_EQ(zero.Read(kRegisterBar, kV2MaxPeersRegister), 2u) << "the others go on";
  EXPECT_EQ(Come(1).Read(kRegisterBar, kV2StateRegister), kV2StateReset) << "and a next one comes";
}

TEST_F(V2ServerTest, WhoSendsWhatIsNoMessageIsHungUpOnAlone) {
  Qemu zero = Come(0), one = Come(1);
  one.Write(kRegisterBar, kV2StateRegister, kV2StateRun);
  SendMessage(one.Socket(), Bytes(sizeof(Header), std::byte{0xff}), {});
  EXPECT_TRUE(one.HasHungUp());
  EXPECT_EQ(server_->Bus().State(1), kV2StateReset);
  EXPECT_EQ(zero.Read(kRegisterBar, kV2MaxPeersRegister), 2u);
}

TEST_F(V2ServerTest, WhoSendsTooManyDescriptorsIsHungUpOn) {
  Qemu zero = Come(0);
  const std::vector<int> fds(vfio_user::kMostFds + 1, bell_.Get());
  zero.Ask(vfio_user::VersionRequest(), fds);
  EXPECT_TRUE(zero.HasHungUp());
}

TEST_F(V2ServerTest, AMessageMayComeByteByByte) {
  Qemu zero(*loop_, folder_, 0);
  for (const std::byte byte : vfio_user::VersionRequest()) {
    ASSERT_EQ(SendMessage(zero.Socket(), std::span(&byte, 1), {}), 0);
    loop_->Poll();
  }
  EXPECT_FALSE(zero.Answer().empty());
}

TEST_F(V2ServerTest, ASecondQemuIsSentAway) {
  Qemu first = Come(0);
  Qemu second(*loop_, folder_, 0);
  EXPECT_TRUE(second.HasHungUp());
  EXPECT_EQ(first.Read(kRegisterBar, kV2MaxPeersRegister), 2u);
}

TEST_F(V2ServerTest, ASuccessorMayComeInTheTurnInWhichTheFirstDied) {
  {
    Qemu first = Come(0);
    first.Write(kRegisterBar, kV2StateRegister, kV2StateRun);
  }
  Qemu second(*loop_, folder_, 0);
  EXPECT_TRUE(second.Greet());
  EXPECT_EQ(second.Read(kRegisterBar, kV2StateRegister), kV2StateReset);
}

TEST_F(V2ServerTest, APeerMapsWhatItMayWriteAndOthersReadItThere) {
  Qemu zero = Come(0), one = Come(1);
  vfio_user::RegionInfo asked{};
  asked.argument_bytes = 256;
  asked.index = kMemoryBar;
  const Bytes answer = zero.Ask(Request(vfio_user::kRegionInfo, asked));
  const size_t areas = sizeof(Header) + sizeof(vfio_user::RegionInfo);
  ASSERT_EQ(At<vfio_user::SparseAreas>(answer, areas).area_count, 2u);
  const size_t second = areas + sizeof(vfio_user::SparseAreas) + sizeof(vfio_user::Area);
  ASSERT_EQ(At<vfio_user::Area>(answer, second).offset, kOutput0);
  ASSERT_EQ(At<vfio_user::Area>(answer, second).size_bytes, kV2PageBytes);
  ASSERT_EQ(zero.Fds().size(), 1u);
  const auto mapped = Mapping::Map(zero.Fds()[0].Get(), kOutput0, kV2PageBytes);
  ASSERT_TRUE(mapped.ok());
  const uint32_t value = 0xabcd;
  memcpy(mapped->Bytes().data(), &value, sizeof(value));
  EXPECT_EQ(one.Read(kMemoryBar, kOutput0), value);
  one.Write(kMemoryBar, kOutput0, 1);
  EXPECT_EQ(one.Read(kMemoryBar, kOutput0), value) << "it is not peer 1's";
}

TEST_F(V2ServerTest, WhatIsNoEventfdIsNeverWritten) {
  Qemu zero = Come(0);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd out(ends[0]), in(ends[1]);
  zero.Listen(1, in.Get());
  zero.Write(kRegisterBar, kV2DoorbellRegister, V2DoorbellValue(0, 1));
  char byte;
  EXPECT_EQ(read(out.Get(), &byte, 1), -1);
  EXPECT_EQ(zero.Read(kRegisterBar, kV2MaxPeersRegister), 2u);
}

TEST_F(V2ServerTest, AResetOfTheMachineIsOneOfItsDevice) {
  Qemu zero = Come(0), one = Come(1);
  one.Write(kRegisterBar, kV2StateRegister, kV2StateRun);
  one.Ask(Request(vfio_user::kDeviceReset, vfio_user::Version{}));
  EXPECT_EQ(zero.Read(kMemoryBar, 4), kV2StateReset);
}

TEST_F(V2ServerTest, WhoDoesNotReadAnswersIsNotListenedTo) {
  Qemu zero = Come(0), one = Come(1);
  const RegionAccess access{.offset = 0, .region = kMemoryBar, .size_bytes = 4096};
  const Bytes request = Request(vfio_user::kRegionRead, access);
  int sent = 0;
  while (SendMessage(zero.Socket(), request, {}) == 0 && sent < 100000) {
    ++sent;
    loop_->Poll();
  }
  EXPECT_LT(sent, 100000) << "the answers are heaped up somewhere";
  EXPECT_EQ(one.Read(kRegisterBar, kV2IdRegister), 1u);
}

}  // namespace
}  // namespace tombolo::control

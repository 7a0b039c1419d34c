// Messages over a pair of sockets, and the descriptors that travel with them.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "tests/support/status_text.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"

namespace tombolo {
namespace {

std::span<const std::byte> Bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

class UnixMessageTest : public testing::Test {
 protected:
  void SetUp() override { MakePair(SOCK_SEQPACKET | SOCK_NONBLOCK); }

  void MakePair(int type) {
    auto pair = UnixSocketPair(type);
    ASSERT_TRUE(pair.ok()) << Text(pair);
    std::tie(ours_, theirs_) = *std::move(pair);
  }

  absl::StatusOr<ReceivedMessage> Receive() { return ReceiveMessage(theirs_.Get(), buffer_); }

  std::string Received(size_t size) {
    return {reinterpret_cast<const char*>(buffer_.data()), size};
  }

  UniqueFd ours_, theirs_;
  std::array<std::byte, 64> buffer_{};
};

TEST_F(UnixMessageTest, BytesArriveAsOneMessage) {
  ASSERT_EQ(SendMessage(ours_.Get(), Bytes("one"), {}), 0);
  ASSERT_EQ(SendMessage(ours_.Get(), Bytes("two"), {}), 0);
  const auto message = Receive();
  ASSERT_TRUE(message.ok()) << Text(message);
  EXPECT_EQ(Received(message->size_bytes), "one");
  EXPECT_TRUE(message->fds.empty());
}

TEST_F(UnixMessageTest, DescriptorsTravelInOrderAndAreCloseOnExec) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const UniqueFd read_end(pipe_ends[0]);
  const UniqueFd write_end(pipe_ends[1]);
  ASSERT_EQ(SendMessage(ours_.Get(), Bytes("fds"), pipe_ends), 0);
  const auto message = Receive();
  ASSERT_TRUE(message.ok()) << Text(message);
  ASSERT_EQ(message->fds.size(), 2u);
  ASSERT_EQ(write(message->fds[1].Get(), "x", 1), 1);
  char seen = 0;
  ASSERT_EQ(read(message->fds[0].Get(), &seen, 1), 1);
  EXPECT_EQ(seen, 'x');
  EXPECT_TRUE(fcntl(message->fds[0].Get(), F_GETFD) & FD_CLOEXEC);
  EXPECT_TRUE(fcntl(message->fds[1].Get(), F_GETFD) & FD_CLOEXEC);
}

TEST_F(UnixMessageTest, AsManyDescriptorsAsLinuxAllowsTravelAtOnce) {
  const std::vector<int> most(kMaxFdsPerMessage, ours_.Get());
  ASSERT_EQ(SendMessage(ours_.Get(), Bytes("many"), most), 0);
  const auto message = Receive();
  ASSERT_TRUE(message.ok()) << Text(message);
  EXPECT_EQ(message->fds.size(), kMaxFdsPerMessage);
}

TEST_F(UnixMessageTest, OneDescriptorTooManyIsRefused) {
  const std::vector<int> too_many(kMaxFdsPerMessage + 1, ours_.Get());
  EXPECT_EQ(SendMessage(ours_.Get(), Bytes("many"), too_many), EINVAL);
}

TEST_F(UnixMessageTest, AMessageLargerThanTheBufferIsDataLoss) {
  ASSERT_EQ(SendMessage(ours_.Get(), Bytes(std::string(buffer_.size() + 1, 'x')), {}), 0);
  const auto message = Receive();
  EXPECT_TRUE(absl::IsDataLoss(message.status())) << Text(message);
}

// Closes what did arrive, too: otherwise a peer could fill our table of descriptors.
TEST_F(UnixMessageTest, DescriptorsThatDoNotFitAreDataLossAndLeakNothing) {
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  const int next_free = dup(ours_.Get());
  close(next_free);
  const std::vector<int> fds(8, ours_.Get());
  ASSERT_EQ(SendMessage(ours_.Get(), Bytes("many"), fds), 0);
  rlimit tight = old;
  tight.rlim_cur = static_cast<rlim_t>(next_free) + 4;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  const auto message = Receive();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_TRUE(absl::IsDataLoss(message.status())) << Text(message);
  const UniqueFd probe(dup(ours_.Get()));
  EXPECT_EQ(probe.Get(), next_free);
}

TEST_F(UnixMessageTest, NothingThereIsUnavailable) {
  EXPECT_TRUE(absl::IsUnavailable(Receive().status()));
}

TEST_F(UnixMessageTest, AClosedPeerIsAMessageOfNoBytes) {
  ours_.Reset();
  const auto message = Receive();
  ASSERT_TRUE(message.ok()) << Text(message);
  EXPECT_EQ(message->size_bytes, 0u);
}

TEST_F(UnixMessageTest, APeerThatClosedWithUnreadMessagesCountsAsClosed) {
  MakePair(SOCK_STREAM);
  ASSERT_EQ(SendMessage(theirs_.Get(), Bytes("never read"), {}), 0);
  ours_.Reset();
  const auto message = Receive();  // ECONNRESET in the kernel.
  ASSERT_TRUE(message.ok()) << Text(message);
  EXPECT_EQ(message->size_bytes, 0u);
}

TEST_F(UnixMessageTest, SendingToAClosedPeerIsAnAnswerAndNoSignal) {
  theirs_.Reset();
  EXPECT_EQ(SendMessage(ours_.Get(), Bytes("late"), {}), EPIPE);
}

TEST_F(UnixMessageTest, SendingIntoAFullSocketIsEagain) {
  int error = 0;
  for (int i = 0; i < 100000 && error == 0; ++i) {
    error = SendMessage(ours_.Get(), Bytes("more"), {});
  }
  EXPECT_EQ(error, EAGAIN);
}

TEST_F(UnixMessageTest, CredentialsAreThoseOfThePeer) {
  const auto credentials = PeerCredentials(ours_.Get());
  ASSERT_TRUE(credentials.ok()) << Text(credentials);
  EXPECT_EQ(credentials->pid, getpid());
  EXPECT_EQ(credentials->uid, geteuid());
}

}  // namespace
}  // namespace tombolo

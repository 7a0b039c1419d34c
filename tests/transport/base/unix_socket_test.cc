// Listening and connecting: what lies at the path already, and what an error says.
#include "transport/base/unix_socket.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/file_modes.h"
#include "tests/support/status_text.h"
#include "tests/support/temp_dir.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo {
namespace {

using testing::HasSubstr;

constexpr unsigned kMode = 0600;

class UnixSocketTest : public testing::Test {
 protected:
  TempDir dir_;
  const std::string path_ = dir_.File("a.sock");
};

TEST_F(UnixSocketTest, AClientConnectsToAListener) {
  const auto listener = ListenUnix(path_, SOCK_SEQPACKET, kMode);
  ASSERT_TRUE(listener.ok()) << Text(listener);
  const auto client = ConnectUnix(path_, SOCK_SEQPACKET);
  ASSERT_TRUE(client.ok()) << Text(client);
  EXPECT_TRUE(UniqueFd(accept(listener->Get(), nullptr, nullptr)).IsOpen());
}

TEST_F(UnixSocketTest, TheSocketFileHasTheModeThatWasAskedFor) {
  const auto listener = ListenUnix(path_, SOCK_STREAM, 0640);
  ASSERT_TRUE(listener.ok()) << Text(listener);
  struct stat info;
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST_F(UnixSocketTest, DescriptorsAreCloseOnExec) {
  const auto listener = ListenUnix(path_, SOCK_STREAM, kMode);
  const auto client = ConnectUnix(path_, SOCK_STREAM);
  EXPECT_TRUE(fcntl(listener->Get(), F_GETFD) & FD_CLOEXEC);
  EXPECT_TRUE(fcntl(client->Get(), F_GETFD) & FD_CLOEXEC);
}

TEST_F(UnixSocketTest, AStaleSocketIsReplaced) {
  // The listener's descriptor is closed, its file stays, as after a kill -9.
  { ASSERT_TRUE(ListenUnix(path_, SOCK_STREAM, kMode).ok()); }
  ASSERT_TRUE(absl::IsUnavailable(ConnectUnix(path_, SOCK_STREAM).status()));
  const auto successor = ListenUnix(path_, SOCK_STREAM, kMode);
  ASSERT_TRUE(successor.ok()) << Text(successor);
  EXPECT_TRUE(ConnectUnix(path_, SOCK_STREAM).ok());
}

TEST_F(UnixSocketTest, ALiveSocketIsRefusedAndGoesOnServing) {
  const auto first = ListenUnix(path_, SOCK_STREAM, kMode);
  const auto second = ListenUnix(path_, SOCK_STREAM, kMode);
  EXPECT_TRUE(absl::IsAlreadyExists(second.status())) << Text(second);
  EXPECT_THAT(Text(second), HasSubstr("another process serves"));
  EXPECT_TRUE(ConnectUnix(path_, SOCK_STREAM).ok());
}

TEST_F(UnixSocketTest, ALiveSocketOfAnotherTypeIsRefusedToo) {
  const auto first = ListenUnix(path_, SOCK_STREAM, kMode);
  const auto second = ListenUnix(path_, SOCK_SEQPACKET, kMode);
  EXPECT_TRUE(absl::IsAlreadyExists(second.status())) << Text(second);
}

// A listener with the smallest queue, and that is full: to connect is to wait.
class FullListener {
 public:
  explicit FullListener(const std::string& path)
      : listening_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (bind(listening_.Get(), generic, sizeof(address)) != 0) abort();
    if (listen(listening_.Get(), 0) != 0) abort();
    for (;;) {
      auto client = ConnectUnix(path, SOCK_STREAM | SOCK_NONBLOCK);
      if (!client.ok()) break;
      waiting_.push_back(*std::move(client));
    }
  }

  void AcceptAll() {
    for (size_t i = 0; i < waiting_.size(); ++i) {
      UniqueFd(accept(listening_.Get(), nullptr, nullptr)).Reset();
    }
  }

 private:
  UniqueFd listening_;
  std::vector<UniqueFd> waiting_;
};

TEST_F(UnixSocketTest, WhoMeetsAFullQueueWaitsUntilTheTimeOut) {
  const FullListener listener(path_);
  const absl::Status status = ConnectUnix(path_, SOCK_STREAM, kNsPerMs).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
}

TEST_F(UnixSocketTest, WhoWaitsIsTheNextWhenTheQueueMoves) {
  FullListener listener(path_);
  std::atomic<bool> is_connected = false;
  std::thread client([&] {
    const auto socket = ConnectUnix(path_, SOCK_STREAM, 30 * kNsPerSecond);
    EXPECT_TRUE(socket.ok()) << Text(socket);
    is_connected = true;
  });
  EXPECT_FALSE(is_connected);
  listener.AcceptAll();
  client.join();
}

TEST_F(UnixSocketTest, ALiveSocketThatAcceptsNobodyIsRefusedAtOnce) {
  const FullListener listener(path_);
  const auto second = ListenUnix(path_, SOCK_STREAM, kMode);
  EXPECT_TRUE(absl::IsAlreadyExists(second.status())) << Text(second);
  struct stat info;
  EXPECT_EQ(stat(path_.c_str(), &info), 0);
}

TEST_F(UnixSocketTest, ASocketThatWeMayNotAskIsLeftAlone) {
  const auto first = ListenUnix(path_, SOCK_STREAM, 0);
  SetModesBindUs(true);
  const auto second = ListenUnix(path_, SOCK_STREAM, kMode);
  SetModesBindUs(false);
  EXPECT_TRUE(absl::IsPermissionDenied(second.status())) << Text(second);
  struct stat info;
  EXPECT_EQ(stat(path_.c_str(), &info), 0);
}

TEST_F(UnixSocketTest, ARegularFileIsRefusedAndKept) {
  std::ofstream(path_) << "precious";
  const auto listener = ListenUnix(path_, SOCK_STREAM, kMode);
  EXPECT_TRUE(absl::IsAlreadyExists(listener.status())) << Text(listener);
  EXPECT_THAT(Text(listener), HasSubstr("not a socket"));
  std::string content;
  std::ifstream(path_) >> content;
  EXPECT_EQ(content, "precious");
}

TEST_F(UnixSocketTest, ConnectingToARegularFileSaysThatItIsNoSocket) {
  std::ofstream(path_) << "precious";
  const auto client = ConnectUnix(path_, SOCK_STREAM);
  EXPECT_TRUE(absl::IsFailedPrecondition(client.status())) << Text(client);
  EXPECT_THAT(Text(client), HasSubstr("not a socket"));
}

TEST_F(UnixSocketTest, ConnectingWithAnotherTypeSaysSo) {
  const auto listener = ListenUnix(path_, SOCK_STREAM, kMode);
  const auto client = ConnectUnix(path_, SOCK_SEQPACKET);
  EXPECT_TRUE(absl::IsFailedPrecondition(client.status())) << Text(client);
  EXPECT_THAT(Text(client), HasSubstr("another type"));
}

TEST_F(UnixSocketTest, ConnectingToNothingIsNotFound) {
  const auto client = ConnectUnix(path_, SOCK_STREAM);
  EXPECT_TRUE(absl::IsNotFound(client.status())) << Text(client);
  EXPECT_THAT(Text(client), HasSubstr(path_));
}

TEST_F(UnixSocketTest, ConnectingBelowAFileIsNotFound) {
  std::ofstream(path_) << "precious";
  const auto client = ConnectUnix(path_ + "/a.sock", SOCK_STREAM);
  EXPECT_TRUE(absl::IsNotFound(client.status())) << Text(client);
}

TEST_F(UnixSocketTest, ConnectingWithoutPermissionSaysWhatToDo) {
  const auto listener = ListenUnix(path_, SOCK_STREAM, 0);
  SetModesBindUs(true);
  const auto client = ConnectUnix(path_, SOCK_STREAM);
  SetModesBindUs(false);
  EXPECT_TRUE(absl::IsPermissionDenied(client.status())) << Text(client);
  EXPECT_THAT(Text(client), HasSubstr("join the group that owns it (ls -l " + path_));
}

TEST_F(UnixSocketTest, APathThatIsTooLongIsRefusedWithItsLength) {
  const std::string longest = dir_.File(std::string(107 - dir_.File("").size(), 'x'));
  EXPECT_TRUE(ListenUnix(longest, SOCK_STREAM, kMode).ok());
  for (const auto& result :
       {ListenUnix(longest + "x", SOCK_STREAM, kMode).status(),
        ConnectUnix(longest + "x", SOCK_STREAM).status(), ConnectUnix("", SOCK_STREAM).status()}) {
    EXPECT_TRUE(absl::IsInvalidArgument(result)) << result;
    EXPECT_THAT(Text(result), HasSubstr("1 to 107"));
  }
}

TEST_F(UnixSocketTest, AFolderThatIsNotThereIsAnErrorThatNamesThePath) {
  const auto listener = ListenUnix(dir_.File("missing/a.sock"), SOCK_STREAM, kMode);
  EXPECT_TRUE(absl::IsNotFound(listener.status())) << Text(listener);
  EXPECT_THAT(Text(listener), HasSubstr("missing/a.sock"));
}

}  // namespace
}  // namespace tombolo

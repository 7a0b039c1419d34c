#include "control/service/acceptor.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/service/live_sockets.h"
#include "tests/support/spin.h"
#include "tests/support/temp_dir.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

TEST(LiveSocketsTest, CountsThoseThatAreStillOpen) {
  LiveSockets sockets;
  auto first = UnixSocketPair(SOCK_STREAM).value();
  auto second = UnixSocketPair(SOCK_STREAM).value();
  sockets.Add(first.first.Get());
  sockets.Add(second.first.Get());
  EXPECT_EQ(sockets.Count(), 2u);
  first.first.Reset();
  EXPECT_EQ(sockets.Count(), 1u);
}

TEST(LiveSocketsTest, NumberThatWasGivenToAnotherSocketIsNoSurvivor) {
  LiveSockets sockets;
  auto pair = UnixSocketPair(SOCK_STREAM).value();
  const int number = pair.first.Get();
  sockets.Add(number);
  pair.first.Reset();
  const UniqueFd other(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(other.Get(), number);
  EXPECT_EQ(sockets.Count(), 0u);
}

class AcceptorTest : public ::testing::Test {
 protected:
  void Start(const LiveSockets::Limits& limits) {
    std::vector<Acceptor::Listener> listeners;
    listeners.push_back(
        {ListenUnix(path_, SOCK_STREAM | SOCK_NONBLOCK, 0600).value(), limits, [this](int fd) {
           const std::lock_guard<std::mutex> lock(mutex_);
           adopted_.emplace_back(fd);
         }});
    acceptor_ = Acceptor::Start(std::move(listeners)).value();
  }

  UniqueFd Connect() { return ConnectUnix(path_, SOCK_STREAM).value(); }

  size_t Adopted() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return adopted_.size();
  }

  void CloseAdopted() {
    const std::lock_guard<std::mutex> lock(mutex_);
    adopted_.clear();
  }

  TempDir folder_;
  const std::string path_ = folder_.File("a.sock");
  std::mutex mutex_;
  std::vector<UniqueFd> adopted_;
  std::unique_ptr<Acceptor> acceptor_;
};

// Blocks until the other side closes, which is what it waits for.
bool IsClosedByPeer(const UniqueFd& fd) {
  char byte;
  return recv(fd.Get(), &byte, 1, 0) == 0;
}

TEST_F(AcceptorTest, HandsConnectionsOn) {
  Start({8, 2});
  const UniqueFd one = Connect();
  const UniqueFd two = Connect();
  EXPECT_TRUE(SpinUntil([this] { return Adopted() == 2; }));
}

TEST_F(AcceptorTest, ClosesWhatIsAboveTheLimitUntilOneEnds) {
  Start({1, 1});
  const UniqueFd first = Connect();
  const UniqueFd refused = Connect();
  EXPECT_TRUE(IsClosedByPeer(refused));
  CloseAdopted();
  const UniqueFd next = Connect();
  EXPECT_TRUE(SpinUntil([this] { return Adopted() == 1; }));
}

// A process that connects when it is told to.
class OtherProcess {
 public:
  explicit OtherProcess(const std::string& path) {
    auto [far, near] = UnixSocketPair(SOCK_STREAM).value();
    pid_ = fork();
    if (pid_ == 0) {
      char byte;
      (void)!read(far.Get(), &byte, 1);
      const absl::StatusOr<UniqueFd> connected = ConnectUnix(path, SOCK_STREAM);
      (void)!read(far.Get(), &byte, 1);
      _exit(0);
    }
    order_ = std::move(near);
  }
  ~OtherProcess() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  void Connect() { ASSERT_EQ(write(order_.Get(), "", 1), 1); }

 private:
  pid_t pid_;
  UniqueFd order_;
};

TEST_F(AcceptorTest, OneProcessLeavesRoomForOthers) {
  OtherProcess other(path_);
  Start({8, 2});
  const UniqueFd one = Connect();
  const UniqueFd two = Connect();
  const UniqueFd refused = Connect();
  EXPECT_TRUE(IsClosedByPeer(refused));
  other.Connect();
  EXPECT_TRUE(SpinUntil([this] { return Adopted() == 3; }));
}

TEST_F(AcceptorTest, GoesOnAfterDescriptorsHadRunOut) {
  Start({8, 2});
  const UniqueFd early = Connect();
  ASSERT_TRUE(SpinUntil([this] { return Adopted() == 1; }));
  const UniqueFd client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  rlimit none = old;
  none.rlim_cur = 3;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  // This connection waits in the queue: there is no descriptor for it.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(connect(client.Get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(Adopted(), 1u);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_TRUE(SpinUntil([this] { return Adopted() == 2; }));
}

TEST_F(AcceptorTest, NobodyListensWhenItHasEnded) {
  Start({1, 1});
  acceptor_.reset();
  EXPECT_TRUE(absl::IsUnavailable(ConnectUnix(path_, SOCK_STREAM).status()));
}

}  // namespace
}  // namespace tombolo::control

// Listener and Connector where the system says no.
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "control/event_loop/event_loop.h"
#include "control/tunnel/connector.h"
#include "control/tunnel/listener.h"
#include "gtest/gtest.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

// No more descriptors than there are now, while it lives.
class DescriptorDrought {
 public:
  DescriptorDrought() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const UniqueFd next(dup(0));
    const rlimit none{.rlim_cur = static_cast<rlim_t>(next.Get()), .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~DescriptorDrought() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

std::string TempPath(std::string_view name) {
  return absl::StrCat("/tmp/tombolo-sockets-", getpid(), "-",
                      absl::string_view(name.data(), name.size()));
}

class SocketsTest : public testing::Test {
 protected:
  std::unique_ptr<EventLoop> loop_ = EventLoop::Create().value();
};

TEST_F(SocketsTest, ConnectionsWaitWhileThereAreNoDescriptorsLeft) {
  std::vector<UniqueFd> accepted;
  const auto listener =
      Listener::Create(*loop_, SocketAddress::Parse("127.0.0.1:0").value(), 0600,
                       [&](UniqueFd socket) { accepted.push_back(std::move(socket)); });
  ASSERT_TRUE(listener.ok());
  const auto address = SocketAddress::Parse(absl::StrCat("127.0.0.1:", (*listener)->Port()));
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(address->StartConnect().value());
  {
    const DescriptorDrought drought;
    loop_->RunOnce();
    loop_->Poll();
    EXPECT_TRUE(accepted.empty());
  }
  while (accepted.size() < 5) loop_->RunOnce();
}

TEST_F(SocketsTest, AnAddressInUseIsAnError) {
  const auto first =
      Listener::Create(*loop_, SocketAddress::Parse("127.0.0.1:0").value(), 0600, [](UniqueFd) {});
  const auto address = SocketAddress::Parse(absl::StrCat("127.0.0.1:", (*first)->Port()));
  EXPECT_FALSE(Listener::Create(*loop_, *address, 0600, [](UniqueFd) {}).ok());
}

class ConnectorTest : public SocketsTest {
 protected:
  // Connects, and runs the loop until the outcome is there.
  absl::StatusOr<UniqueFd> Connect(
      const std::string& text, const EventLoop::Callback& meanwhile = [] {}) {
    const SocketAddress target = SocketAddress::Parse(text).value();
    std::optional<absl::StatusOr<UniqueFd>> outcome;
    Connector connector(*loop_, target,
                        [&](absl::StatusOr<UniqueFd> socket) { outcome = std::move(socket); });
    if (absl::Status status = connector.Start(); !status.ok()) return status;
    loop_->Poll();
    meanwhile();
    while (!outcome) loop_->RunOnce();
    return *std::move(outcome);
  }
};

TEST_F(ConnectorTest, ATargetThatNobodyListensAtFails) {
  const uint16_t port = LocalPort(SocketAddress::Parse("127.0.0.1:0")->Listen(0)->Get());
  EXPECT_FALSE(Connect(absl::StrCat("127.0.0.1:", port)).ok());
  EXPECT_EQ(Connect("unix:" + TempPath("missing")).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ConnectorTest, AUnixSocketWithAFullQueueIsTriedAgain) {
  const std::string path = TempPath("full");
  const UniqueFd listener = ListenUnix(path, SOCK_STREAM, 0600).value();
  ASSERT_EQ(listen(listener.Get(), 1), 0);
  const SocketAddress address = SocketAddress::Parse("unix:" + path).value();
  std::vector<UniqueFd> queue;
  do {
    queue.push_back(address.StartConnect().value());
  } while (queue.back().IsOpen());
  const auto connected = Connect("unix:" + path, [&] {
    for (size_t i = 0; i + 1 < queue.size(); ++i) {
      UniqueFd(accept4(listener.Get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
  });
  ASSERT_TRUE(connected.ok()) << connected.status();
  EXPECT_TRUE(connected->IsOpen());
  unlink(path.c_str());
}

}  // namespace
}  // namespace tombolo::control

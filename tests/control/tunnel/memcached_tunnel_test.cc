// A stock memcached behind a tunnel, with the conformance suite of its clients' library.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/control/tunnel/socket_peer.h"
#include "tests/control/tunnel/tunnel_fixture.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr uint64_t kRegionBytes = 32 * kMiB;
constexpr int kCapabilityTests = 54;

// memcached at a TCP port and nothing else; ended with the object.
class Memcached {
 public:
  Memcached() {
    const uint16_t port = LocalPort(SocketAddress::Parse("127.0.0.1:0")->Listen(0)->Get());
    address_ = absl::StrCat("127.0.0.1:", port);
    pid_ = fork();
    if (pid_ == 0) {
      // As root it wants to be told whom to run as, and in a sandbox there is nobody else.
      execlp("memcached", "memcached", "-u", "root", "-l", "127.0.0.1", "-p",
             absl::StrCat(port).c_str(), "-U", "0", "-m", "256", nullptr);
      _exit(127);
    }
  }
  ~Memcached() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  // False when it does not come up.
  bool IsUp() const {
    const int64_t deadline_ns = MonotonicNs() + 10 * kNsPerSecond;
    while (MonotonicNs() < deadline_ns) {
      if (waitpid(pid_, nullptr, WNOHANG) != 0) return false;
      if (ConnectBlocking(address_).IsOpen()) return true;
    }
    return false;
  }

  const std::string& Address() const { return address_; }

 private:
  std::string address_;
  pid_t pid_;
};

std::string OutputOf(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "";
  std::string output;
  char buffer[4096];
  while (const size_t bytes = fread(buffer, 1, sizeof(buffer), pipe)) output.append(buffer, bytes);
  pclose(pipe);
  return output;
}

int CountPassed(const std::string& output) {
  int count = 0;
  for (size_t at = output.find("[pass]"); at != std::string::npos;
       at = output.find("[pass]", at + 1)) {
    ++count;
  }
  return count;
}

class MemcachedTunnelTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(memcached_.IsUp()) << "is Debian's memcached installed?"; }

  Memcached memcached_;
  SimulatedMembers members_{kRegionBytes};
  RunningTunnel far_{members_, FarOptions({"memcached=" + memcached_.Address()})};
  RunningTunnel near_{members_, NearOptions({"127.0.0.1:0=memcached"})};
};

TEST_F(MemcachedTunnelTest, PassesTheConformanceSuiteAsItDoesDirectly) {
  const std::string output = OutputOf(
      absl::StrCat("timeout 60 memccapable -h 127.0.0.1 -p ", near_->ForwardPort(0), " 2>&1"));
  EXPECT_EQ(CountPassed(output), kCapabilityTests) << output;
  EXPECT_EQ(output.find("[FAIL]"), std::string::npos) << output;
}

// A client that stores values of 1 MiB and reads them back.
void UseLargeValues(const std::string& address, int client, int rounds) {
  // One byte less than what makes an item too large for memcached's default limit.
  const std::string value(kMiB - 512, static_cast<char>('a' + client));
  const UniqueFd fd = ConnectBlocking(address);
  ASSERT_TRUE(fd.IsOpen());
  for (int round = 0; round < rounds; ++round) {
    const std::string key = absl::StrCat("key-", client, "-", round);
    ASSERT_TRUE(
        SendAll(fd.Get(), absl::StrCat("set ", key, " 0 0 ", value.size(), "\r\n", value, "\r\n")));
    ASSERT_EQ(ReceiveExactly(fd.Get(), 8), "STORED\r\n");
    ASSERT_TRUE(SendAll(fd.Get(), absl::StrCat("get ", key, "\r\n")));
    const std::string expected =
        absl::StrCat("VALUE ", key, " 0 ", value.size(), "\r\n", value, "\r\nEND\r\n");
    ASSERT_TRUE(ReceiveExactly(fd.Get(), expected.size()) == expected);
  }
}

TEST_F(MemcachedTunnelTest, ServesEightConnectionsAtOnceWithValuesOfOneMebibyte) {
  const std::string address = absl::StrCat("127.0.0.1:", near_->ForwardPort(0));
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) clients.emplace_back([&, i] { UseLargeValues(address, i, 20); });
  for (std::thread& client : clients) client.join();
}

}  // namespace
}  // namespace tombolo::control

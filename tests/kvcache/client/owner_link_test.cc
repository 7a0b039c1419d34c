// A client of what says that it is the owner of a cache, and is none, or a slow one.
#include "kvcache/client/owner_link.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "kvcache/client/client.h"
#include "kvcache/client/owner_address.h"
#include "kvcache/remote/owner_session.h"
#include "kvcache/remote/owner_wire.h"
#include "tests/support/status_text.h"
#include "tests/support/temp_dir.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"
#include "transport/base/unix_socket.h"

namespace tombolo::kvcache {
namespace {

constexpr int64_t kPatienceNs = 30 * kNsPerSecond;
constexpr int64_t kLittlePatienceNs = 200 * kNsPerMs;
constexpr int kTrickleMs = 20;

bool Has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// Says what it is told to, whatever it is asked, to everybody who comes; then, if it trickles, a
// byte every few milliseconds, without end.
class Liar {
 public:
  explicit Liar(std::string says, bool trickles = false)
      : says_(std::move(says)), trickles_(trickles) {
    thread_ = std::thread([this] {
      for (;;) {
        const UniqueFd socket(accept(listening_.Get(), nullptr, nullptr));
        if (!socket.IsOpen()) return;
        char byte;
        if (recv(socket.Get(), &byte, 1, 0) <= 0) continue;
        send(socket.Get(), says_.data(), says_.size(), MSG_NOSIGNAL);
        if (trickles_) Trickle(socket.Get());
        // Until the client has gone.
        while (recv(socket.Get(), &byte, 1, 0) > 0) continue;
      }
    });
  }
  ~Liar() {
    shutdown(listening_.Get(), SHUT_RDWR);
    thread_.join();
  }

  std::string Socket() const { return path_; }

 private:
  // Until the client has gone.
  static void Trickle(int socket) {
    pollfd gone{.fd = socket, .events = 0, .revents = 0};
    while (poll(&gone, 1, kTrickleMs) == 0) send(socket, "", 1, MSG_NOSIGNAL);
  }

  TempDir folder_;
  std::string path_ = folder_.File("liar.sock");
  UniqueFd listening_ = *ListenUnix(path_, SOCK_STREAM, 0600);
  std::string says_;
  bool trickles_;
  std::thread thread_;
};

template <typename Struct>
std::string Raw(const Struct& one) {
  return {reinterpret_cast<const char*>(&one), sizeof(one)};
}

std::string Hello(OwnerHelloReply hello) {
  return Raw(OwnerReplyHeader{.result = static_cast<uint8_t>(StoreResult::kDone),
                              .value_bytes = sizeof(hello),
                              .number = 1}) +
         Raw(hello);
}

TEST(OwnerLinkTest, WhatIsNoOwnerIsNotBelieved) {
  const OwnerHelloReply good{
      .magic = kOwnerProtocolMagic, .version = kOwnerProtocolVersion, .item_max_bytes = 1000};
  OwnerHelloReply no_magic = good, no_version = good, too_large = good;
  no_magic.magic = 7;
  no_version.version = 7;
  too_large.item_max_bytes = UINT32_MAX;
  const OwnerReplyHeader of_second{.result = static_cast<uint8_t>(StoreResult::kDone), .number = 2};
  OwnerReplyHeader long_value = of_second;
  long_value.value_bytes = long_value.item_value_bytes = 1001;
  const std::pair<std::string, const char*> lies[] = {
      {std::string(1000, 'x'), "makes no sense"},
      {Raw(OwnerReplyHeader{}), "makes no sense"},
      {Raw(OwnerReplyHeader{.number = 1}), "answered a hello by result 0"},
      {Hello(no_magic), "is no owner of a cache"},
      {Hello(no_version), "is no owner of a cache"},
      {Hello(too_large), "is no owner of a cache"},
      {Hello(good) + Raw(OwnerReplyHeader{.number = 9}), "the number of another request"},
      {Hello(good) + Raw(long_value), "a size that was not asked for"},
      {OwnerRefusal("go away."), "refuses: go away."},
  };
  for (const auto& [lie, expected] : lies) {
    const Liar liar(lie);
    auto client = Client::Open({.owner = liar.Socket(), .link = {.timeout_ns = kPatienceNs}});
    ASSERT_TRUE(client.ok());
    StoredValue item;
    const std::string said = Text(client->Get("key", item));
    EXPECT_TRUE(Has(said, expected)) << expected << ", but: " << said;
  }
}

TEST(OwnerAddressTest, WhatIsNoAddressIsRefusedAtOnce) {
  for (const std::string& good :
       {std::string("/run/owner.sock"), std::string("unix:owner.sock"), std::string("127.0.0.1:1"),
        std::string("[::1]:65535"), "/" + std::string(106, 'x'), std::string("region:kvcache"),
        std::string("region:kvcache@/tmp/broker.sock"), "region:" + std::string(31, 'x')}) {
    EXPECT_TRUE(OwnerAddress::Parse(good).ok()) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("unix:"), std::string("127.0.0.1"), std::string("127.0.0.1:"),
        std::string("127.0.0.1:0"), std::string("127.0.0.1:65536"), std::string("127.0.0.1:-1"),
        std::string("127.0.0.1:+1"), std::string("127.0.0.1:http"), std::string(":11300"),
        std::string("localhost:11300"), "/" + std::string(107, 'x'), std::string("region:"),
        std::string("region:@/tmp/broker.sock"), std::string("region:kvcache@"),
        "region:" + std::string(32, 'x')}) {
    EXPECT_TRUE(absl::IsInvalidArgument(OwnerAddress::Parse(bad).status())) << bad;
  }
}

// As the near end of a tunnel is.
TEST(OwnerAddressTest, ATcpAddressIsConnectedTo) {
  const UniqueFd listening(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(listening.Get(), generic, bytes), 0);
  ASSERT_EQ(listen(listening.Get(), 1), 0);
  ASSERT_EQ(getsockname(listening.Get(), generic, &bytes), 0);
  const std::string text = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const auto parsed = OwnerAddress::Parse(text);
  ASSERT_TRUE(parsed.ok()) << Text(parsed);
  EXPECT_TRUE(parsed->Connect(kPatienceNs).ok());
}

TEST(OwnerAddressTest, AFullQueueIsATimeOut) {
  TempDir dir;
  const std::string path = dir.File("owner.sock");
  const auto listening = ListenUnix(path, SOCK_STREAM, 0600);
  ASSERT_TRUE(listening.ok()) << Text(listening);
  std::vector<UniqueFd> waiting;
  const auto parsed = OwnerAddress::Parse(path);
  ASSERT_TRUE(parsed.ok()) << Text(parsed);
  for (;;) {
    auto socket = parsed->Connect(kNsPerMs);
    if (!socket.ok()) {
      EXPECT_TRUE(absl::IsDeadlineExceeded(socket.status())) << Text(socket);
      break;
    }
    waiting.push_back(*std::move(socket));
  }
}

// Each byte comes within the time-out; with a deadline of its own for each, this lasts for ever.
TEST(OwnerLinkTest, BytesThatTrickleDoNotProlongTheTimeOut) {
  const OwnerHelloReply hello{
      .magic = kOwnerProtocolMagic, .version = kOwnerProtocolVersion, .item_max_bytes = 1 << 20};
  const OwnerReplyHeader of_second{.result = static_cast<uint8_t>(StoreResult::kDone),
                                   .value_bytes = 1 << 20,
                                   .number = 2,
                                   .item_value_bytes = 1 << 20};
  for (const std::string& said : {std::string(), Hello(hello), Hello(hello) + Raw(of_second)}) {
    const Liar liar(said, /*trickles=*/true);
    auto client = Client::Open({.owner = liar.Socket(), .link = {.timeout_ns = kLittlePatienceNs}});
    ASSERT_TRUE(client.ok());
    StoredValue item;
    EXPECT_TRUE(absl::IsDeadlineExceeded(client->Get("key", item).status())) << said.size();
  }
}

}  // namespace
}  // namespace tombolo::kvcache

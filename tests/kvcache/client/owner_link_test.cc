// A client of what says that it is the owner of a cache, and is none, or a slow one.
#include "kvcache/client/owner_link.h"

#include <sys/socket.h>

#include <string>
#include <thread>
#include <utility>

#include "gtest/gtest.h"
#include "kvcache/client/client.h"
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

bool Has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// Says what it is told to, whatever it is asked, to everybody who comes.
class Liar {
 public:
  explicit Liar(std::string says) : says_(std::move(says)) {
    thread_ = std::thread([this] {
      for (;;) {
        const UniqueFd socket(accept(listening_.Get(), nullptr, nullptr));
        if (!socket.IsOpen()) return;
        char byte;
        if (recv(socket.Get(), &byte, 1, 0) <= 0) continue;
        send(socket.Get(), says_.data(), says_.size(), MSG_NOSIGNAL);
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
  TempDir folder_;
  std::string path_ = folder_.File("liar.sock");
  UniqueFd listening_ = *ListenUnix(path_, SOCK_STREAM, 0600);
  std::string says_;
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

}  // namespace
}  // namespace tombolo::kvcache

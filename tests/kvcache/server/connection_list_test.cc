// Which connections there are, and what they are called.
#include "kvcache/server/connection_list.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <list>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "kvcache/server/socket_name.h"
#include "transport/base/unique_fd.h"

namespace tombolo::kvcache {
namespace {

using State = ConnectionList::State;

constexpr int kNoSocket = 1'000'000;  // A number that no descriptor has, and those after it.

TEST(ConnectionListTest, ThoseThatLiveAreToldInTheOrderOfTheirDescriptors) {
  ConnectionList list;
  const ConnectionList::Entry second(list, kNoSocket + 1, State::kListening);
  ConnectionList::Entry first(list, kNoSocket);
  first.SetState(State::kWatching);
  {
    const ConnectionList::Entry gone(list, kNoSocket + 2);
    EXPECT_EQ(list.All().size(), 3u);
  }
  const auto all = list.All();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].socket, kNoSocket);
  EXPECT_STREQ(all[0].state, "conn_watch");
  EXPECT_FALSE(all[0].listen_address.empty());
  EXPECT_STREQ(all[1].state, "conn_listening");
  EXPECT_TRUE(all[1].listen_address.empty());
}

TEST(ConnectionListTest, SecondsSinceTheLastCommandAreTold) {
  ConnectionList list;
  ConnectionList::Entry entry(list, kNoSocket);
  entry.CommandsRun(ConnectionList::NowS() - 100);
  EXPECT_GE(list.All()[0].idle_s, 100u);
  entry.CommandsRun(ConnectionList::NowS() + 100);
  EXPECT_EQ(list.All()[0].idle_s, 0u);
}

TEST(ConnectionListTest, NoMoreAreToldThanItsBound) {
  ConnectionList list;
  std::list<ConnectionList::Entry> entries;
  for (int i = 0; i < static_cast<int>(ConnectionList::kMostTold) + 10; ++i) {
    entries.emplace_back(list, kNoSocket + i);
  }
  EXPECT_EQ(list.All().size(), ConnectionList::kMostTold);
}

TEST(ConnectionListTest, TheyMayComeAndGoWhileOthersAsk) {
  constexpr int kTimes = 2000;
  ConnectionList list;
  std::atomic<bool> is_done = false;
  std::thread worker([&list, &is_done] {
    for (int i = 0; i < kTimes; ++i) {
      ConnectionList::Entry entry(list, kNoSocket);
      entry.CommandsRun(ConnectionList::NowS());
      entry.SetState(State::kSending);
    }
    is_done = true;
  });
  while (!is_done) EXPECT_LE(list.All().size(), 1u);
  worker.join();
  EXPECT_TRUE(list.All().empty());
}

// A socket that listens at the loopback of `family`, at a port of the kernel's choice.
UniqueFd Listen(int family) {
  UniqueFd listening(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 six = {};
  six.sin6_family = AF_INET6;
  six.sin6_addr = in6addr_loopback;
  sockaddr_in four = {};
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool is_six = family == AF_INET6;
  const auto* address =
      is_six ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four);
  const socklen_t bytes = is_six ? sizeof(six) : sizeof(four);
  if (bind(listening.Get(), address, bytes) != 0 || listen(listening.Get(), 1) != 0) return {};
  return listening;
}

TEST(SocketNameTest, AreMemcacheds) {
  const UniqueFd four = Listen(AF_INET);
  ASSERT_TRUE(four.IsOpen());
  const SocketName name = LocalNameOf(four.Get());
  EXPECT_EQ(name.text, "tcp:127.0.0.1:" + std::to_string(name.port));
  EXPECT_EQ(name.host, "127.0.0.1");
  EXPECT_STREQ(name.transport, "tcp");
  EXPECT_NE(name.port, 0);
  // Not every machine has it.
  if (const UniqueFd six = Listen(AF_INET6); six.IsOpen()) {
    const SocketName of_six = LocalNameOf(six.Get());
    EXPECT_EQ(of_six.text, "tcp6:[::1]:" + std::to_string(of_six.port));
    EXPECT_EQ(of_six.host, "::1");
  }
}

TEST(SocketNameTest, AUnixSocketWithoutANameIsLocal) {
  int pair[2] = {-1, -1};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const UniqueFd one(pair[0]);
  const UniqueFd other(pair[1]);
  const SocketName name = PeerNameOf(one.Get());
  EXPECT_EQ(name.text, "?:<AF 0>");
  EXPECT_EQ(name.host, "unix");
  EXPECT_STREQ(name.transport, "local");
  EXPECT_EQ(name.port, 0);
}

}  // namespace
}  // namespace tombolo::kvcache

// The command `watch`, and the log behind it.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "kvcache/protocol/session.h"
#include "kvcache/protocol/watch_log.h"
#include "tests/kvcache/protocol/session_fixture.h"
#include "tests/kvcache/protocol/stock_memcached.h"

namespace tombolo::kvcache {
namespace {

class WatchTest : public testing::Test {
 protected:
  WatchTest() {
    world_.server.watch_log = &log_;
    world_.server.ring = [this] { ++rings_; };
    world_.server.served_fd = 7;
  }

  std::string Ask(std::string_view input) { return Ask(client_, input); }
  static std::string Ask(Session& session, std::string_view input) {
    return Talk(session, input, std::max<size_t>(input.size(), 1));
  }

  // What a watcher is sent until there is nothing more, its times and numbers taken out.
  std::string News(Session& watcher) {
    std::string news;
    while (watcher.TakeNews()) {
      news += watcher.Unsent();
      watcher.Drained(watcher.Unsent().size());
    }
    return std::regex_replace(news, std::regex(R"(ts=\d+\.\d{6} gid=\d+ )"), "");
  }

  WatchLog log_;
  SessionWorld world_;
  Session client_{world_.server};
  int rings_ = 0;
};

TEST_F(WatchTest, ErrorsAreThoseOfStockMemcached) {
  const StockMemcached stock;
  for (const std::string script : {
           "watch nonsense\r\n",
           "watch fetchers nonsense\r\n",
           "watch FETCHERS\r\n",
           "watch deletions\r\n",
           "watch noreply\r\nmn\r\n",
           "version\r\nwatch\r\n",
           "bogus\r\nwatch nonsense\r\n",
           "watch nonsense\r\nwatch fetchers\r\n",
           "get a\r\nversion\r\nwatch\r\n",
           "set a 0 0 1\r\n1\r\nwatch\r\n",
           "mg a v\r\nwatch\r\n",
           "delete a\r\nwatch\r\n",
           "get a\r\nwatch nonsense\r\n",
           "gat 0 a\r\nwatch nonsense\r\n",
           "mn\r\nwatch nonsense\r\n",
       }) {
    Session session(world_.server);
    EXPECT_EQ(Ask(session, script), stock.Talk(script)) << script;
    EXPECT_FALSE(session.IsWatching());
  }
}

TEST_F(WatchTest, AllOfMemcachedsKindsAreTaken) {
  for (const char* script :
       {"watch\r\n", "watch fetchers\r\n", "watch fetchers mutations evictions connevents\r\n",
        "watch rawcmds sysevents proxyreqs proxyevents proxyuser\r\n"}) {
    Session session(world_.server);
    EXPECT_EQ(Ask(session, script), "OK\r\n");
    EXPECT_TRUE(session.IsWatching());
  }
  Session behind_get(world_.server);
  EXPECT_EQ(Ask(behind_get, "get a\r\nwatch\r\n"), "END\r\nOK\r\n");
}

TEST_F(WatchTest, NobodyMayWatchWithoutALog) {
  world_.server.watch_log = nullptr;
  EXPECT_EQ(Ask("watch nonsense\r\n"), "CLIENT_ERROR watch commands not allowed\r\n");
  EXPECT_EQ(Ask("mn\r\n"), "MN\r\n");
}

TEST_F(WatchTest, WhoWatchesIsServedNothingElse) {
  Session watcher(world_.server);
  EXPECT_EQ(Ask(watcher, "watch\r\nmn\r\nset a 0 0 1\r\n1\r\nquit\r\n"), "OK\r\n");
  EXPECT_EQ(Ask(watcher, "mn\r\n"), "");
  EXPECT_FALSE(watcher.IsClosed());
  EXPECT_EQ(News(watcher), "");
}

TEST_F(WatchTest, FetchesAreTold) {
  Session watcher(world_.server);
  Ask(watcher, "watch fetchers\r\n");
  Ask("set a 0 0 3\r\nabc\r\nget a nothing\r\nmg a\r\ntouch a 0\r\ngat 0 a\r\n");
  const std::string found = "type=item_get key=a status=found clsid=1 cfd=7 size=3\n";
  EXPECT_EQ(News(watcher), "type=item_get key=a status=not_found clsid=0 cfd=7 size=0\n" + found +
                               "type=item_get key=nothing status=not_found clsid=0 cfd=7 size=0\n" +
                               found + found + found);
}

TEST_F(WatchTest, StoresAreTold) {
  Session watcher(world_.server);
  Ask(watcher, "watch mutations\r\n");
  Ask("set a 0 100 3\r\nabc\r\nappend a 0 0 2\r\nde\r\nadd a 0 0 1\r\n1\r\n"
      "set large 0 0 9999\r\n");
  EXPECT_EQ(News(watcher),
            "type=item_store key=a status=stored cmd=set ttl=100 clsid=1 cfd=7 size=3\n"
            "type=item_store key=a status=stored cmd=append ttl=100 clsid=1 cfd=7 size=5\n"
            "type=item_store key=a status=not_stored cmd=add ttl=0 clsid=1 cfd=7 size=1\n"
            "type=item_store key=large status=too_large cmd=set ttl=0 clsid=1 cfd=7 size=9999\n");
}

TEST_F(WatchTest, AKeyIsOneWord) {
  Session watcher(world_.server);
  Ask(watcher, "watch\r\n");
  Ask("get a%b=\xe4-._~\n");
  EXPECT_EQ(News(watcher),
            "type=item_get key=a%25b%3D%E4-._~ status=not_found clsid=0 cfd=7 size=0\n");
}

TEST_F(WatchTest, TwentyMayWatch) {
  std::vector<std::unique_ptr<Session>> watchers;
  for (size_t i = 0; i < WatchLog::kMostWatchers; ++i) {
    watchers.push_back(std::make_unique<Session>(world_.server));
    EXPECT_EQ(Ask(*watchers.back(), "watch\r\n"), "OK\r\n");
  }
  EXPECT_EQ(Ask("watch\r\n"), "WATCHER_TOO_MANY log watcher limit reached\r\n");
  EXPECT_EQ(Ask("mn\r\n"), "MN\r\n");
  watchers.pop_back();
  EXPECT_EQ(Ask("watch\r\n"), "OK\r\n");
}

TEST_F(WatchTest, NothingIsWantedOnceTheLastWatcherIsGone) {
  EXPECT_FALSE(log_.Wants(kWatchFetchers));
  {
    Session watcher(world_.server);
    Ask(watcher, "watch fetchers\r\n");
    EXPECT_TRUE(log_.Wants(kWatchFetchers));
    EXPECT_FALSE(log_.Wants(kWatchMutations));
  }
  EXPECT_FALSE(log_.Wants(kWatchFetchers));
  Ask("get a\r\n");
}

TEST_F(WatchTest, ItRingsOnceForWhatIsNotTaken) {
  Session watcher(world_.server);
  Ask(watcher, "watch\r\n");
  Ask("get a\r\nget b\r\n");
  EXPECT_EQ(rings_, 1);
  EXPECT_TRUE(watcher.TakeNews());
  watcher.Drained(watcher.Unsent().size());
  Ask("get c\r\n");
  EXPECT_EQ(rings_, 1) << "it has not heard yet that there is nothing more";
  News(watcher);
  Ask("get d\r\n");
  EXPECT_EQ(rings_, 2);
}

// Who does not read costs so much memory, and hears how many lines were lost.
TEST_F(WatchTest, WhatASlowWatcherMissesIsCounted) {
  const std::unique_ptr<Watcher> watcher = log_.Add(kWatchFetchers, {});
  const std::string text(1000, 'x');
  constexpr size_t kLines = 2000;
  for (size_t i = 0; i < kLines; ++i) log_.Tell(kWatchFetchers, text);
  const std::string lines = watcher->Take();
  EXPECT_LE(lines.size(), WatchLog::kMostBytesOfWatcher + 32);
  const auto told = static_cast<size_t>(std::count(lines.begin(), lines.end(), '\n')) - 1;
  EXPECT_GT(told, 200u);
  EXPECT_TRUE(lines.ends_with("\nskipped=" + std::to_string(kLines - told) + "\n"))
      << lines.substr(lines.size() - 100);
  EXPECT_EQ(watcher->Take(), "");
  log_.Tell(kWatchFetchers, "on");
  EXPECT_TRUE(watcher->Take().ends_with(" on\n"));
}

// Session by session: what is unsent is bounded too.
TEST_F(WatchTest, NothingIsTakenWhileSomethingIsUnsent) {
  Session watcher(world_.server);
  Ask(watcher, "watch\r\n");
  Ask("get a\r\n");
  EXPECT_TRUE(watcher.TakeNews());
  const size_t unsent = watcher.Unsent().size();
  Ask("get b\r\n");
  EXPECT_TRUE(watcher.TakeNews());
  EXPECT_EQ(watcher.Unsent().size(), unsent);
}

// Numbers in a text, each after `name`.
std::vector<uint64_t> NumbersAfter(const std::string& name, const std::string& text) {
  std::vector<uint64_t> numbers;
  for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    numbers.push_back(strtoull(text.c_str() + at + name.size(), nullptr, 10));
  }
  return numbers;
}

TEST(WatchLogTest, ThreadsThatTellAndOneThatTakesAndOthersThatComeAndGo) {
  constexpr uint64_t kLines = 20'000;
  WatchLog log;
  std::atomic<int> rings = 0;
  const std::unique_ptr<Watcher> watcher = log.Add(kWatchFetchers, [&rings] { ++rings; });
  std::atomic<int> telling = 2;
  const auto tell = [&log, &telling] {
    for (uint64_t i = 0; i < kLines; ++i) {
      if (log.Wants(kWatchFetchers)) log.Tell(kWatchFetchers, "type=item_get");
    }
    --telling;
  };
  std::thread first(tell);
  std::thread second(tell);
  std::string lines;
  while (telling != 0) {
    const std::unique_ptr<Watcher> other = log.Add(kWatchMutations | kWatchFetchers, {});
    lines += watcher->Take();
    other->Take();
  }
  first.join();
  second.join();
  lines += watcher->Take();
  const std::vector<uint64_t> numbers = NumbersAfter("gid=", lines);
  uint64_t skipped = 0;
  for (const uint64_t one : NumbersAfter("skipped=", lines)) skipped += one;
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  EXPECT_EQ(numbers.size() + skipped, 2 * kLines);
  EXPECT_GT(rings, 0);
}

}  // namespace
}  // namespace tombolo::kvcache

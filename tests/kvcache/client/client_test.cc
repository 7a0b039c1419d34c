// A client of a cache that somebody else owns, who may be killed, stuck, or lie.
#include "kvcache/client/client.h"

#include <sys/mman.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/kvcache/client/test_owner.h"
#include "tests/support/status_text.h"
#include "tests/support/temp_dir.h"
#include "transport/base/clock.h"

namespace tombolo::kvcache {
namespace {

// By which heartbeats are judged. It stands still, so that no owner is taken for dead because this
// test is held up.
std::atomic<int64_t> reader_time_ns = 0;
int64_t ReaderTimeNs() { return reader_time_ns.load(std::memory_order_relaxed); }

constexpr int64_t kPatienceNs = 30 * kNsPerSecond;
constexpr int64_t kLittlePatienceNs = 500 * kNsPerMs;

bool Has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

class ClientTest : public testing::Test {
 protected:
  static Client Open(const TestOwner& owner, bool with_window = true, bool with_owner = true,
                     int64_t timeout_ns = kPatienceNs) {
    auto client = Client::Open({.window = with_window ? owner.Window() : "",
                                .owner = with_owner ? owner.Socket() : "",
                                .link = {.timeout_ns = timeout_ns},
                                .clock = ReaderTimeNs});
    EXPECT_TRUE(client.ok()) << Text(client);
    return *std::move(client);
  }

  // "(miss)", or what went wrong.
  static std::string Get(Client& client, std::string_view key) {
    StoredValue item;
    const auto is_hit = client.Get(key, item);
    if (!is_hit.ok()) return Text(is_hit);
    return *is_hit ? item.value : "(miss)";
  }

  static StoreResult Result(const absl::StatusOr<StoreAnswer>& answer) {
    EXPECT_TRUE(answer.ok()) << Text(answer);
    return answer.ok() ? answer->result : StoreResult::kNoMemory;
  }
};

TEST_F(ClientTest, DoesWhatAStoreDoes) {
  TestOwner owner({.shards = 4});
  Client client = Open(owner);
  StoredValue item;
  EXPECT_EQ(Result(client.Set("key", "1", 7)), StoreResult::kStored);
  EXPECT_EQ(Result(client.Add("key", "2")), StoreResult::kNotStored);
  EXPECT_EQ(Result(client.Replace("key", "40")), StoreResult::kStored);
  EXPECT_EQ(client.Incr("key", 2)->number, 42u);
  EXPECT_EQ(client.Decr("key", 1)->number, 41u);
  ASSERT_TRUE(*client.Get("key", item));
  EXPECT_EQ(item.value, "41");
  EXPECT_EQ(Result(client.Cas("key", "x", item.cas + 1)), StoreResult::kExists);
  EXPECT_EQ(Result(client.Cas("key", "x", item.cas)), StoreResult::kStored);
  EXPECT_EQ(Result(client.Append("key", "y")), StoreResult::kStored);
  EXPECT_EQ(Result(client.Prepend("key", "w")), StoreResult::kStored);
  EXPECT_EQ(Result(client.Touch("key", 1000)), StoreResult::kDone);
  EXPECT_EQ(Result(client.Gat("key", 2000, item)), StoreResult::kDone);
  EXPECT_EQ(item.value, "wxy");
  EXPECT_NEAR(item.expiry_s, client.NowS() + 1000, 10);
  ASSERT_TRUE(*client.Describe("key", item));
  EXPECT_EQ(item.value, "");
  EXPECT_EQ(item.value_bytes, 3u);
  EXPECT_NEAR(item.expiry_s, client.NowS() + 2000, 10);
  EXPECT_EQ(client.Facts()->items, 1u);
  EXPECT_EQ(Result(client.Delete("key")), StoreResult::kDone);
  EXPECT_EQ(Get(client, "key"), "(miss)");
  client.Set("key", "1").IgnoreError();
  EXPECT_TRUE(client.FlushAll(0).ok());
  EXPECT_EQ(Get(client, "key"), "(miss)");
}

TEST_F(ClientTest, HitsAndMissesAreAnsweredByMemory) {
  TestOwner owner;
  Client client = Open(owner);
  client.Set("key", "value").IgnoreError();
  const uint64_t asked = client.Counters().asked;
  for (int i = 0; i < 100; ++i) ASSERT_EQ(Get(client, "key"), "value");
  EXPECT_EQ(Get(client, "nothing"), "(miss)");
  EXPECT_EQ(client.Counters().asked, asked);
  EXPECT_EQ(client.Counters().window_hits, 100u);
  EXPECT_EQ(client.Counters().window_misses, 1u);
}

TEST_F(ClientTest, WithoutAWindowEverythingIsAskedAndWithoutAnOwnerNothing) {
  TestOwner owner;
  Client asking = Open(owner, /*with_window=*/false);
  Client reading = Open(owner, /*with_window=*/true, /*with_owner=*/false);
  asking.Set("key", "value").IgnoreError();
  EXPECT_EQ(Get(asking, "key"), "value");
  EXPECT_EQ(Get(asking, "nothing"), "(miss)");
  EXPECT_EQ(asking.Counters().window_hits, 0u);
  EXPECT_TRUE(Has(Get(reading, "key"), "only the owner")) << "does it live?";
  owner.Shards().Tick();
  EXPECT_EQ(Get(reading, "key"), "value");
  EXPECT_TRUE(absl::IsUnavailable(reading.Set("key", "other").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Client::Open({}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Client::Open({.owner = "nonsense"}).status()));
}

TEST_F(ClientTest, ManyKeysAreReadAtOnce) {
  TestOwner owner({.shards = 4});
  for (const bool with_window : {true, false}) {
    Client client = Open(owner, with_window);
    std::vector<std::string> names;
    for (int i = 0; i < 50; ++i) names.push_back("key" + std::to_string(i));
    for (size_t i = 0; i < names.size(); i += 2) client.Set(names[i], names[i]).IgnoreError();
    const std::vector<std::string_view> keys(names.begin(), names.end());
    std::vector<ManyAnswer> answers(keys.size());
    ASSERT_TRUE(client.GetMany(keys, answers).ok());
    for (size_t i = 0; i < keys.size(); ++i) {
      const bool is_there = i % 2 == 0;
      EXPECT_EQ(answers[i].result, is_there ? ReadResult::kHit : ReadResult::kMiss) << i;
      EXPECT_EQ(answers[i].value, is_there ? names[i] : "");
    }
  }
}

TEST_F(ClientTest, ABufferThatIsTooSmallIsToldHowMuchThereIs) {
  TestOwner owner;
  for (const bool with_window : {true, false}) {
    Client client = Open(owner, with_window);
    client.Set("key", "value").IgnoreError();
    std::byte buffer[5] = {};
    StoredValue item;
    EXPECT_TRUE(*client.GetInto("key", std::span(buffer).first(4), item));
    EXPECT_EQ(item.value_bytes, 5u);
    EXPECT_TRUE(*client.GetInto("key", buffer, item));
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(buffer), 5), "value");
  }
}

TEST_F(ClientTest, ItemsUpToTheLargestGoThrough) {
  TestOwner owner({.file_bytes = 48 * kMiB, .segment_bytes = 8 * kMiB, .item_max_bytes = 8 * kMiB});
  Client client = Open(owner);
  Client asking = Open(owner, /*with_window=*/false);
  const std::string value(7 * kMiB, 'x');
  EXPECT_EQ(Result(client.Set("key", value)), StoreResult::kStored);
  EXPECT_EQ(Get(client, "key"), value);
  EXPECT_EQ(Get(asking, "key"), value);
  EXPECT_EQ(Result(client.Set("key", std::string(8 * kMiB, 'x'))), StoreResult::kTooLarge);
  EXPECT_EQ(Get(client, "key"), "(miss)") << "nobody goes on reading what it was to replace";
  EXPECT_EQ(client.ItemMaxBytes(), 8 * kMiB);
}

TEST_F(ClientTest, WhatNoRequestCanSayIsTooLargeToo) {
  TestOwner owner;
  Client client = Open(owner);
  client.Set("key", "old").IgnoreError();
  const size_t bytes = 4 * kGiB;
  // Nobody looks into it.
  void* memory =
      mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const std::string_view value(static_cast<const char*>(memory), bytes);
  EXPECT_EQ(Result(client.Add("key", value)), StoreResult::kTooLarge);
  EXPECT_EQ(Get(client, "key"), "old");
  EXPECT_EQ(Result(client.Set("key", value)), StoreResult::kTooLarge);
  EXPECT_EQ(Get(client, "key"), "(miss)");
  munmap(memory, bytes);
}

TEST_F(ClientTest, ALongKeyIsAMissAndCannotBeStored) {
  TestOwner owner;
  Client client = Open(owner);
  const std::string key(251, 'k');
  Client asking = Open(owner, /*with_window=*/false);
  EXPECT_EQ(Get(client, key), "(miss)");
  EXPECT_EQ(Get(asking, key), "(miss)");
  EXPECT_TRUE(absl::IsInvalidArgument(client.Set(key, "value").status()));
  EXPECT_EQ(Result(client.Set(key.substr(1), "value")), StoreResult::kStored);
}

TEST_F(ClientTest, TheOwnerMayBeStartedAnewBetweenTwoRequests) {
  TestOwner owner;
  Client client = Open(owner);
  client.Set("key", "before").IgnoreError();
  owner.Kill();
  owner.Start();
  EXPECT_EQ(Result(client.Append("key", " and after")), StoreResult::kStored);
  EXPECT_EQ(Get(client, "key"), "before and after");
}

TEST_F(ClientTest, WithoutItsOwnerACacheCanBeReadForAWhileAndThenNoMore) {
  TestOwner owner;
  Client client = Open(owner);
  client.Set("key", "value").IgnoreError();
  owner.Kill();
  EXPECT_EQ(Get(client, "key"), "value");
  EXPECT_TRUE(absl::IsUnavailable(client.Set("key", "other").status()));
  reader_time_ns += 2 * kOwnerStaleNs;
  EXPECT_TRUE(Has(Get(client, "key"), "there is no socket") ||
              Has(Get(client, "key"), "nobody listens"))
      << Get(client, "key");
  owner.Start();
  EXPECT_EQ(Get(client, "key"), "value");
  EXPECT_EQ(Result(client.Set("key", "other")), StoreResult::kStored);
  EXPECT_EQ(Get(client, "key"), "other");
}

TEST_F(ClientTest, AnOwnerWhoseHeartbeatIsLateIsAsked) {
  TestOwner owner;
  Client client = Open(owner);
  client.Set("key", "value").IgnoreError();
  Get(client, "key");
  const uint64_t asked = client.Counters().asked;
  reader_time_ns += 2 * kOwnerStaleNs;
  EXPECT_EQ(Get(client, "key"), "value");
  EXPECT_EQ(client.Counters().asked, asked + 1);
  owner.Shards().Tick();
  EXPECT_EQ(Get(client, "key"), "value");
  EXPECT_EQ(client.Counters().asked, asked + 1);
}

TEST_F(ClientTest, AfterAPauseTheOwnerIsAskedOnce) {
  TestOwner owner;
  Client client = Open(owner);
  client.Set("key", "value").IgnoreError();
  const uint64_t asked = client.Counters().asked;
  owner.Shards().Tick();
  reader_time_ns += 2 * kOwnerStaleNs;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get(client, "key"), "value");
  EXPECT_EQ(client.Counters().asked, asked + 1);
}

TEST_F(ClientTest, OfAReplyThatIsLostItIsSaidThatNobodyKnows) {
  TestOwner owner;
  Client client = Open(owner);
  client.Set("key", "1").IgnoreError();
  owner.swallowed = 1;
  const auto answer = client.Incr("key", 1);
  EXPECT_TRUE(absl::IsUnavailable(answer.status()));
  EXPECT_TRUE(Has(Text(answer), "is not known")) << Text(answer);
  EXPECT_EQ(Get(client, "key"), "2") << "it was done, and once";
}

TEST_F(ClientTest, WhatMayRunTwiceIsAskedAgain) {
  TestOwner owner;
  Client client = Open(owner, /*with_window=*/false);
  client.Set("key", "1").IgnoreError();
  owner.swallowed = 1;
  EXPECT_EQ(Get(client, "key"), "1");
}

TEST_F(ClientTest, AStuckOwnerIsWaitedForOnce) {
  TestOwner owner;
  Client client = Open(owner, true, true, kLittlePatienceNs);
  client.Set("key", "1").IgnoreError();
  owner.is_stuck = true;
  EXPECT_TRUE(absl::IsDeadlineExceeded(client.Set("key", "2").status()));
  const int accepted = owner.Accepted();
  EXPECT_TRUE(absl::IsDeadlineExceeded(client.Set("key", "2").status()));
  EXPECT_EQ(Get(client, "key"), "1");
  owner.is_stuck = false;
  EXPECT_EQ(owner.Accepted(), accepted) << "the second one did not even connect";
}

TEST_F(ClientTest, ManyClientsAtOnceLoseNoCount) {
  constexpr int kClients = 4;
  constexpr int kRounds = 200;
  TestOwner owner;
  Client first = Open(owner);
  first.Set("count", "0").IgnoreError();
  std::atomic<int> won = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    threads.emplace_back([&] {
      Client client = Open(owner);
      StoredValue seen;
      for (int round = 0; round < kRounds; ++round) {
        client.Incr("count", 1).IgnoreError();
        const auto made = client.Visit({.key = "won" + std::to_string(round), .makes = 0}, seen);
        if (made.ok() && made->is_won) ++won;
        Get(client, "count");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Get(first, "count"), std::to_string(kClients * kRounds));
  EXPECT_EQ(won, kRounds);
}

TEST_F(ClientTest, HitsKeepItemsFromEviction) {
  TestOwner owner;
  Client client = Open(owner);
  const std::string value(1000, 'v');
  client.Set("wanted", value).IgnoreError();
  for (int i = 0; i < 12'000; ++i) {
    client.Set("unwanted:" + std::to_string(i), value).IgnoreError();
    for (int hits = 0; hits < 8; ++hits) Get(client, "wanted");
  }
  EXPECT_EQ(Get(client, "wanted"), value);
  EXPECT_GT(client.Facts()->evicted_items, 2'000u);
}

TEST_F(ClientTest, OnlyHitsThatCountAreSampled) {
  TestOwner owner;
  Client client = Open(owner);
  client.Set("key", "value").IgnoreError();
  for (const GetUse use : {GetUse::kPeeks, GetUse::kCounts}) {
    StoredValue item;
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(*client.Get("key", item, use));
    const uint64_t requests = owner.Requests();
    EXPECT_TRUE(client.Facts().ok());
    EXPECT_EQ(owner.Requests() - requests, use == GetUse::kCounts ? 2u : 1u);
  }
}

TEST_F(ClientTest, AnotherCacheAtTheSamePathIsMappedAnew) {
  TestOwner owner;
  Client client = Open(owner);
  client.Set("key", "old").IgnoreError();
  owner.Kill();
  owner.Start({.file_bytes = 4 * kMiB});
  EXPECT_EQ(Get(client, "key"), "(miss)") << "the old file says that it has no owner";
  EXPECT_EQ(Result(client.Set("key", "new")), StoreResult::kStored);
  const uint64_t asked = client.Counters().asked;
  EXPECT_EQ(Get(client, "key"), "new");
  EXPECT_EQ(client.Counters().asked, asked);
}

// As in a virtual machine, whose device goes on showing the file that it was started with.
TEST_F(ClientTest, AWindowThatShowsAnotherCacheIsNotUsed) {
  TestOwner owner;
  TempDir folder;
  const std::string window = folder.File("window");
  std::filesystem::create_hard_link(owner.Window(), window);
  auto client = Client::Open({.window = window, .owner = owner.Socket(), .clock = ReaderTimeNs});
  ASSERT_TRUE(client.ok()) << Text(client);
  client->Set("key", "old").IgnoreError();
  owner.Kill();
  owner.Start({.file_bytes = 4 * kMiB});
  EXPECT_EQ(Get(*client, "key"), "(miss)");
  EXPECT_EQ(Result(client->Set("key", "new")), StoreResult::kStored);
  EXPECT_EQ(Get(*client, "key"), "new");
  EXPECT_EQ(client->ItemMaxBytes(), 16 * kKiB);
}

TEST_F(ClientTest, AFlushMayBeForbidden) {
  TestOwner owner({.allows_flush = false});
  Client client = Open(owner);
  EXPECT_TRUE(absl::IsPermissionDenied(client.FlushAll(0)));
}

}  // namespace
}  // namespace tombolo::kvcache

// Sessions in a guest, who only map the items and ask their owner for the rest: they answer byte
// for byte what sessions beside the owner's shards answer.
//
// In the environment: GUEST_SCRIPTS, how many scripts for each language; GUEST_SEED, of the first.
#include "kvcache/guest/guest_backend.h"

#include <stdlib.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "kvcache/client/client.h"
#include "kvcache/guest/load_time.h"
#include "kvcache/protocol/server.h"
#include "kvcache/protocol/session.h"
#include "kvcache/server/worker_backend.h"
#include "tests/kvcache/client/test_owner.h"
#include "tests/kvcache/protocol/command_maker.h"
#include "tests/kvcache/shard_memory.h"

namespace tombolo::kvcache {
namespace {

constexpr int kScripts = 15;
constexpr int kCommandsPerScript = 50;
constexpr int64_t kPatienceNs = 30 * kNsPerSecond;
constexpr size_t kShownBytes = 200;

int FromEnvironment(const char* name, int otherwise) {
  const char* text = getenv(name);
  return text == nullptr ? otherwise : atoi(text);
}

// One shard, so that CAS numbers grow alike; and as large as the items of a memcached may be.
TestOwnerOptions Large() {
  return {.file_bytes = 16 * kMiB, .segment_bytes = kMiB, .item_max_bytes = kMiB};
}

GuestBackend MakeGuest(const TestOwner& owner, bool has_window, GuestBackend::Tell tell = {}) {
  auto client = Client::Open({.window = has_window ? owner.Window() : "",
                              .owner = owner.Socket(),
                              .link = {.timeout_ns = kPatienceNs},
                              .clock = [] { return int64_t{0}; }});
  if (!client.ok()) abort();
  return {*std::move(client), std::move(tell)};
}

// All that a session answers, as the input is split at random.
std::string Talk(Backend& backend, std::string_view script, uint32_t seed) {
  std::mt19937 random(seed);
  Server server(backend);
  Session session(server);
  std::string answers;
  while (!script.empty() || session.HasMore() || !session.Unsent().empty()) {
    const std::string_view part = script.substr(0, 1 + random() % 4096);
    script.remove_prefix(session.Feed(std::as_bytes(std::span(part))));
    answers += session.Unsent();
    session.Drained(session.Unsent().size());
  }
  return answers;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Without the seconds that are left, which may change between the two.
std::string Comparable(const std::string& text) {
  std::string left;
  for (size_t at = 0; at < text.size(); ++at) {
    left += text[at];
    const bool is_time = left.ends_with(" t") || left.ends_with(" exp=") || left.ends_with("exp=-");
    while (is_time && at + 1 < text.size() && IsDigit(text[at + 1])) ++at;
  }
  return left;
}

std::string Around(const std::string& text, size_t at) {
  return absl::CHexEscape(text.substr(at - std::min(at, kShownBytes), 2 * kShownBytes));
}

class SameAnswersTest : public testing::TestWithParam<std::tuple<Language, bool>> {
 protected:
  // Both sides.
  std::string All(const std::string& script, uint32_t seed) {
    const std::string guests = Comparable(Talk(guest_, script, seed));
    const std::string owners = Comparable(Talk(*beside_, script, seed));
    if (guests == owners) return guests;
    const auto differ = std::mismatch(guests.begin(), guests.end(), owners.begin(), owners.end());
    const auto at = static_cast<size_t>(differ.first - guests.begin());
    ADD_FAILURE() << "seed " << seed << ", byte " << at << "\nguest: " << Around(guests, at)
                  << "\nowner: " << Around(owners, at);
    return "";
  }

  uint64_t NextCas() {
    const std::string answer = All("flush_all\r\nset z 0 0 1\r\nz\r\ngets z\r\n", 1);
    const size_t at = answer.find("z 0 1 ");
    EXPECT_NE(at, std::string::npos);
    return at == std::string::npos ? 0 : strtoull(answer.c_str() + at + 6, nullptr, 10) + 1;
  }

  TestOwner owner_{Large()};
  GuestBackend guest_ = MakeGuest(owner_, std::get<1>(GetParam()));
  TestOwner other_{Large()};
  std::unique_ptr<WorkerBackend> beside_ = *WorkerBackend::Create(other_.Shards());
};

TEST_P(SameAnswersTest, AsBesideTheOwner) {
  const int first = FromEnvironment("GUEST_SEED", 1);
  const int scripts = FromEnvironment("GUEST_SCRIPTS", kScripts);
  uint64_t answered_bytes = 0;
  for (int seed = first; seed < first + scripts && !HasFailure(); ++seed) {
    CommandMaker maker(static_cast<uint64_t>(seed), std::get<0>(GetParam()), NextCas());
    answered_bytes += All(maker.Script(kCommandsPerScript), static_cast<uint32_t>(seed)).size();
  }
  EXPECT_GT(answered_bytes, 500u * static_cast<unsigned>(scripts));
  EXPECT_EQ(guest_.LockFreeHits() > 0, std::get<1>(GetParam())) << guest_.LockFreeHits();
}

INSTANTIATE_TEST_SUITE_P(Languages, SameAnswersTest,
                         testing::Combine(testing::Values(Language::kText, Language::kMeta,
                                                          Language::kBinary),
                                          testing::Bool()));

class GuestBackendTest : public testing::Test {
 protected:
  std::string Ask(const std::string& input) { return Talk(guest_, input, 1); }

  TestOwner owner_;
  int lost_ = 0;
  int answered_ = 0;
  GuestBackend guest_ =
      MakeGuest(owner_, true, [this](GuestEvent event, const absl::Status& /*status*/) {
        ++(event == GuestEvent::kAnswered ? answered_ : lost_);
      });
};

TEST_F(GuestBackendTest, TheFirstUseMarksTheItemAndLaterOnesAreNotAskedFor) {
  Ask("set key 0 0 5\r\nvalue\r\n");
  EXPECT_EQ(guest_.LockFreeHits(), 0u);
  EXPECT_EQ(Ask("get key\r\n"), "VALUE key 0 5\r\nvalue\r\nEND\r\n");
  EXPECT_EQ(guest_.LockFreeHits(), 0u);
  EXPECT_EQ(Ask("mg key h\r\n"), "HD h1\r\n");
  for (int i = 0; i < 3; ++i) Ask("get key\r\n");
  EXPECT_EQ(guest_.LockFreeHits(), 3u);
}

TEST_F(GuestBackendTest, WithoutItsOwnerOnlyHitsAndMissesAreAnswered) {
  const std::string gone = "SERVER_ERROR the owner of the cache cannot be reached\r\n";
  Ask("set key 0 0 5\r\nvalue\r\nget key\r\n");
  owner_.Kill();
  EXPECT_EQ(Ask("get key nothing\r\n"), "VALUE key 0 5\r\nvalue\r\nEND\r\n");
  EXPECT_EQ(Ask("set key 0 0 1\r\nx\r\n"), gone);
  EXPECT_EQ(Ask("incr key 1\r\n"), gone);
  EXPECT_EQ(Ask("mg key h\r\n"), gone);
  EXPECT_EQ(Ask("stats\r\n"), gone);
  EXPECT_EQ(Ask("set key 0 0 1 noreply\r\nx\r\nmn\r\n"), "MN\r\n");
  EXPECT_EQ(lost_, 5);
  const int answered = answered_;
  owner_.Start();
  EXPECT_EQ(Ask("set key 0 0 1\r\nx\r\n"), "STORED\r\n");
  EXPECT_EQ(Ask("get key\r\n"), "VALUE key 0 1\r\nx\r\nEND\r\n");
  EXPECT_EQ(lost_, 5);
  EXPECT_EQ(answered_, answered + 2) << "the set, and the first use";
}

TEST_F(GuestBackendTest, WhatTheOwnerForbidsIsNotAllowed) {
  owner_.Kill();
  owner_.Start({.allows_flush = false});
  EXPECT_EQ(Ask("flush_all\r\n"), "CLIENT_ERROR flush_all not allowed\r\n");
  EXPECT_EQ(lost_, 0);
}

TEST_F(GuestBackendTest, ItemsOverTheOwnersLimitDoNotFit) {
  EXPECT_EQ(Ask("set key 0 0 20000\r\n" + std::string(20'000, 'x') + "\r\nmn\r\n"),
            "SERVER_ERROR object too large for cache\r\nMN\r\n");
  owner_.Kill();
  owner_.Start({.item_max_bytes = 32 * kKiB});
  EXPECT_EQ(Ask("set key 0 0 20000\r\n" + std::string(20'000, 'x') + "\r\n"), "STORED\r\n")
      << "the new limit counts for the first command, too";
}

TEST(LoadTimeTest, OfUsualMemoryIsShort) {
  ShardMemory memory(64 * kKiB);
  // Not so short on a busy machine, or under a sanitizer.
  EXPECT_LT(LoadTimeNs(memory.Bytes()), 20 * kSlowLoadNs);
  EXPECT_GE(LoadTimeNs(memory.Bytes().first(8)), 0);
}

}  // namespace
}  // namespace tombolo::kvcache

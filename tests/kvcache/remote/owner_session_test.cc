// What readers elsewhere ask the owner: requests and replies as bytes, and the session that answers
// them.
#include "kvcache/remote/owner_session.h"

#include <string.h>

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "kvcache/layout/item.h"
#include "kvcache/remote/owner_reply.h"
#include "kvcache/remote/owner_request.h"
#include "kvcache/remote/owner_wire.h"
#include "tests/kvcache/protocol/session_fixture.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kReplyBytes = sizeof(OwnerReplyHeader);
constexpr uint64_t kItemMaxBytes = 8 * kKiB;

template <typename Struct>
std::string Raw(const Struct& one) {
  return {reinterpret_cast<const char*>(&one), sizeof(one)};
}

std::string BytesFor(const OwnerRequest& request) {
  return Raw(request.header).append(request.key).append(request.value);
}

std::string HelloBytes(uint32_t version = kOwnerProtocolVersion) {
  const OwnerRequestHeader header{.op = static_cast<uint8_t>(OwnerOp::kHello),
                                  .value_bytes = sizeof(OwnerHello)};
  return Raw(header) + Raw(OwnerHello{.magic = kOwnerProtocolMagic, .version = version});
}

struct Heard {
  OwnerReplyHeader header;
  std::string value;
};

// Takes the replies apart.
std::vector<Heard> RepliesIn(std::string_view bytes) {
  std::vector<Heard> replies;
  while (bytes.size() >= kReplyBytes) {
    Heard reply;
    memcpy(&reply.header, bytes.data(), kReplyBytes);
    reply.value = bytes.substr(kReplyBytes, reply.header.value_bytes);
    bytes.remove_prefix(std::min(bytes.size(), kReplyBytes + reply.header.value_bytes));
    replies.push_back(reply);
  }
  EXPECT_TRUE(bytes.empty()) << "half a reply";
  return replies;
}

class OwnerSessionTest : public testing::Test {
 protected:
  // All that is answered.
  static std::string Talk(OwnerSession& session, std::string_view input, size_t step) {
    std::string answers;
    while (!input.empty() || !session.Unsent().empty()) {
      const size_t taken = session.Feed(BytesOf(input.substr(0, step)), 1);
      input.remove_prefix(taken);
      if (taken == 0 && session.Unsent().empty()) return answers + "(stuck)";
      answers += session.Unsent();
      session.Drained(session.Unsent().size());
    }
    return answers;
  }

  Heard Ask(const OwnerRequest& request) {
    const auto replies = RepliesIn(Talk(session_, BytesFor(request), SIZE_MAX));
    EXPECT_EQ(replies.size(), 1u);
    return replies.empty() ? Heard() : replies[0];
  }

  StoreResult Result(const OwnerRequest& request) {
    return static_cast<StoreResult>(Ask(request).header.result);
  }

  // Why a session that was greeted, or not, closes.
  std::string WhyClosed(const std::string& input, bool is_greeted = true) {
    OwnerSession session(world_.server);
    if (is_greeted) Talk(session, HelloBytes(), SIZE_MAX);
    Talk(session, input, SIZE_MAX);
    EXPECT_EQ(session.IsClosed(), !session.WhyClosed().empty());
    return std::string(session.WhyClosed());
  }

  std::string ValueOf(std::string_view key) {
    StoredValue value;
    return world_.store->Get(key, value, GetUse::kPeeks) ? value.value : "(miss)";
  }

  void SayHello() { RepliesIn(Talk(session_, HelloBytes(), SIZE_MAX)); }

  SessionWorld world_;
  OwnerSession session_{world_.server};
};

bool Has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

TEST(OwnerRequestTest, ArrivesAsItWasMeant) {
  const std::vector<OwnerRequest> requests = {
      ToOwner(PutRequest{.mode = PutMode::kCas,
                         .key = "key",
                         .value = "value",
                         .flags = 7,
                         .exptime = -1,
                         .cas = 9,
                         .takes_older = true,
                         .marks = kMarkBinaryKey}),
      ToOwner(CountRequest{.key = "key",
                           .is_down = true,
                           .delta = 3,
                           .cas = 4,
                           .exptime = 5,
                           .initial = 6,
                           .initial_exptime = 8}),
      ToOwner(CountRequest{.key = "key", .delta = 0}),
      ToOwner(RemoveRequest{.key = "key", .cas = 0, .leaves_stale = true, .exptime = 0}),
      ToOwner(RemoveRequest{.key = ""}),
      ToOwner(VisitRequest{.key = "key",
                           .use = GetUse::kCounts,
                           .exptime = 0,
                           .wins_stale = true,
                           .wins_before = -4,
                           .compares_new = true,
                           .makes = 5,
                           .new_marks = kMarkFetched}),
      ToOwner(VisitRequest{.key = "key", .wants_value = false}),
  };
  for (const OwnerRequest& request : requests) {
    EXPECT_EQ(FaultOf(request.header), "");
    OwnerRequest again;
    switch (static_cast<OwnerOp>(request.header.op)) {
      case OwnerOp::kPut:
        again = ToOwner(PutIn(request));
        break;
      case OwnerOp::kCount:
        again = ToOwner(CountIn(request));
        break;
      case OwnerOp::kRemove:
        again = ToOwner(RemoveIn(request));
        break;
      default:
        again = ToOwner(VisitIn(request));
    }
    EXPECT_EQ(BytesFor(again), BytesFor(request)) << int{request.header.op};
  }
  EXPECT_EQ(VisitIn(requests[5]).makes, 5);
  EXPECT_EQ(VisitIn(requests[6]).makes, std::nullopt);
  EXPECT_EQ(RemoveIn(requests[3]).cas, 0u);
  EXPECT_EQ(RemoveIn(requests[4]).cas, std::nullopt);
}

TEST_F(OwnerSessionTest, FirstComesHello) {
  EXPECT_TRUE(Has(WhyClosed(BytesFor(FactsOfOwner()), false), "no hello"));
  EXPECT_TRUE(Has(WhyClosed(HelloBytes()), "for the second time"));
  EXPECT_TRUE(Has(WhyClosed("get a\r\n" + std::string(100, 'x'), false), "no such operation"));
  std::string magic = HelloBytes();
  magic[sizeof(OwnerRequestHeader)] = 'x';
  EXPECT_TRUE(Has(WhyClosed(magic, false), "another magic"));
  std::string reserved = HelloBytes();
  reserved.back() = 1;
  EXPECT_TRUE(Has(WhyClosed(reserved, false), "is not 0"));
}

TEST_F(OwnerSessionTest, HelloTellsWhichMemoryItIs) {
  world_.server.facts.identity = {.file_bytes = 1, .shard_seed = 2, .shard_count = 3};
  const auto replies = RepliesIn(Talk(session_, HelloBytes(), SIZE_MAX));
  ASSERT_EQ(replies.size(), 1u);
  ASSERT_EQ(replies[0].value.size(), sizeof(OwnerHelloReply));
  OwnerHelloReply hello;
  memcpy(&hello, replies[0].value.data(), sizeof(hello));
  EXPECT_EQ(hello.magic, kOwnerProtocolMagic);
  EXPECT_EQ(hello.file_bytes, 1u);
  EXPECT_EQ(hello.shard_seed, 2u);
  EXPECT_EQ(hello.shard_count, 3u);
  EXPECT_EQ(hello.item_max_bytes, kItemMaxBytes);
}

TEST_F(OwnerSessionTest, AnotherVersionIsRefusedWithAReason) {
  const auto replies = RepliesIn(Talk(session_, HelloBytes(99), SIZE_MAX));
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].header.result, kReplyRefused);
  EXPECT_TRUE(Has(replies[0].value, "was asked for version 99"));
  EXPECT_TRUE(session_.IsClosed());
}

TEST_F(OwnerSessionTest, DoesWhatTheStoreDoes) {
  SayHello();
  const Heard put = Ask(ToOwner(PutRequest{.key = "key", .value = "41", .flags = 7}));
  EXPECT_EQ(put.header.result, static_cast<uint8_t>(StoreResult::kStored));
  EXPECT_EQ(put.header.now_s, kSessionStartS);
  EXPECT_EQ(ValueOf("key"), "41");
  EXPECT_EQ(Ask(ToOwner(CountRequest{.key = "key"})).header.count, 42u);
  const Heard seen = Ask(ToOwner(VisitRequest{.key = "key", .exptime = 10}));
  EXPECT_EQ(seen.value, "42");
  EXPECT_EQ(seen.header.item_flags, 7u);
  EXPECT_EQ(seen.header.expiry_s, 0u);
  const Heard again = Ask(ToOwner(VisitRequest{.key = "key", .wants_value = false}));
  EXPECT_EQ(again.value, "");
  EXPECT_EQ(again.header.item_value_bytes, 2u);
  EXPECT_EQ(again.header.expiry_s, kSessionStartS + 10);
  EXPECT_EQ(Result(ToOwner(RemoveRequest{.key = "key", .cas = 1})), StoreResult::kExists);
  EXPECT_EQ(Result(ToOwner(RemoveRequest{.key = "key"})), StoreResult::kDone);
  EXPECT_EQ(Result(ToOwner(VisitRequest{.key = "key"})), StoreResult::kNotFound);
  const Heard made = Ask(ToOwner(VisitRequest{.key = "key", .makes = 0}));
  EXPECT_EQ(made.header.flags, kReplyIsNew | kReplyIsWon);
  EXPECT_EQ(made.value, "");
}

TEST_F(OwnerSessionTest, FlushesAndTellsFacts) {
  SayHello();
  Ask(ToOwner(PutRequest{.key = "key", .value = "1"}));
  const Heard facts = Ask(FactsOfOwner());
  ASSERT_EQ(facts.value.size(), sizeof(OwnerFacts));
  OwnerFacts told;
  memcpy(&told, facts.value.data(), sizeof(told));
  EXPECT_EQ(told.items, 1u);
  EXPECT_EQ(told.item_max_bytes, kItemMaxBytes);
  EXPECT_EQ(Result(FlushOfOwner(0)), StoreResult::kDone);
  EXPECT_EQ(ValueOf("key"), "(miss)");
  world_.server.facts.allows_flush = false;
  EXPECT_EQ(Ask(FlushOfOwner(0)).header.result, kReplyNotAllowed);
}

TEST_F(OwnerSessionTest, TouchedSlotsAreAHintWithoutReply) {
  SayHello();
  const uint64_t slots[] = {TouchedSlot(0, 1), TouchedSlot(UINT32_MAX >> 8, 5), UINT64_MAX};
  const OwnerRequest request{
      .header = {.op = static_cast<uint8_t>(OwnerOp::kTouched), .value_bytes = sizeof(slots)},
      .value = {reinterpret_cast<const char*>(slots), sizeof(slots)}};
  EXPECT_EQ(Talk(session_, BytesFor(request), SIZE_MAX), "");
  EXPECT_FALSE(session_.IsClosed());
}

// How a good request is spoilt, and what is said of it then.
struct Spoilt {
  const char* why;
  OwnerRequest request;
  void (*spoil)(OwnerRequestHeader& header);
};

TEST_F(OwnerSessionTest, WhatIsMalformedIsTheEnd) {
  const OwnerRequest put = ToOwner(PutRequest{.key = "k", .value = "v"});
  const OwnerRequest visit = ToOwner(VisitRequest{.key = "k"});
  const OwnerRequest count = ToOwner(CountRequest{.key = "k"});
  using Header = OwnerRequestHeader;
  const Spoilt cases[] = {
      {"no such operation", put, [](Header& header) { header.op = 0; }},
      {"no such operation", put, [](Header& header) { header.op = 9; }},
      {"no such way of storing", put, [](Header& header) { header.mode = 6; }},
      {"a flag that its operation", put, [](Header& header) { header.flags = kWantsValue; }},
      {"a flag that its operation", visit, [](Header& header) { header.flags = 1 << 15; }},
      {"is not 0", put, [](Header& header) { header.reserved0 = 1; }},
      {"is not 0", put, [](Header& header) { header.delta = 1; }},
      {"is not 0", put, [](Header& header) { header.initial = 1; }},
      {"is not 0", put, [](Header& header) { header.wins_before = 1; }},
      {"is not 0", put, [](Header& header) { header.made_exptime = 1; }},
      {"is not 0", visit, [](Header& header) { header.exptime = 1; }},
      {"is not 0", visit, [](Header& header) { header.value_bytes = 1; }},
      {"is not 0", visit, [](Header& header) { header.marks = 1; }},
      {"is not 0", visit, [](Header& header) { header.mode = 1; }},
      {"is not 0", count, [](Header& header) { header.item_flags = 1; }},
      {"is not 0", FlushOfOwner(0), [](Header& header) { header.key_bytes = 1; }},
      {"is not 0", FactsOfOwner(), [](Header& header) { header.cas = 1; }},
      {"no such mark", put, [](Header& header) { header.marks = 16; }},
      {"too long", put, [](Header& header) { header.key_bytes = 251; }},
      {"a size that its operation", {}, [](Header& header) { header.op = 8; }},
      {"a size that its operation",
       {},
       [](Header& header) { header = {.op = 8, .value_bytes = 7}; }},
      {"a size that its operation",
       {},
       [](Header& header) { header = {.op = 8, .value_bytes = 520}; }},
  };
  for (const Spoilt& one : cases) {
    const bool is_good = one.request.header.op != 0;
    EXPECT_EQ(WhyClosed(is_good ? BytesFor(one.request) : ""), "");
    OwnerRequest spoilt = one.request;
    one.spoil(spoilt.header);
    EXPECT_TRUE(Has(WhyClosed(BytesFor(spoilt)), one.why))
        << one.why << ", but was: " << WhyClosed(BytesFor(spoilt));
  }
}

TEST_F(OwnerSessionTest, AnItemThatIsTooLargeIsSkippedAndNobodyReadsWhatItWasToReplace) {
  SayHello();
  world_.store->Set("key", "old", 0, 0);
  const std::string large(100 * kKiB, 'x');
  EXPECT_EQ(Result(ToOwner(PutRequest{.mode = PutMode::kAdd, .key = "key", .value = large})),
            StoreResult::kTooLarge);
  EXPECT_EQ(ValueOf("key"), "old");
  EXPECT_EQ(Result(ToOwner(PutRequest{.key = "key", .value = large})), StoreResult::kTooLarge);
  EXPECT_EQ(ValueOf("key"), "(miss)");
  EXPECT_EQ(Result(ToOwner(PutRequest{.key = "key", .value = "new"})), StoreResult::kStored);
}

TEST_F(OwnerSessionTest, WhatALargeRequestTookIsGivenBack) {
  SayHello();
  const std::string large(kItemMaxBytes - 100, 'x');
  Ask(ToOwner(PutRequest{.key = "key", .value = large}));  // The shard has all of its memory.
  std::vector<std::unique_ptr<OwnerSession>> sessions;
  const size_t before = AllocatedBytes();
  for (int i = 0; i < 100; ++i) {
    sessions.push_back(std::make_unique<OwnerSession>(world_.server));
    Talk(*sessions.back(), HelloBytes(), SIZE_MAX);
    Talk(*sessions.back(), BytesFor(ToOwner(PutRequest{.key = "key", .value = large})), SIZE_MAX);
  }
  EXPECT_LT(AllocatedBytes(), before + 100 * large.size() / 2);
}

TEST_F(OwnerSessionTest, TheRepliesAreTheSameHoweverTheRequestsAreSplit) {
  const std::string large(20 * kKiB, 'x');
  std::string input = HelloBytes();
  for (const OwnerRequest& request :
       {ToOwner(PutRequest{.key = "a", .value = "value"}), ToOwner(VisitRequest{.key = "a"}),
        ToOwner(PutRequest{.key = "a", .value = large}), ToOwner(VisitRequest{.key = "a"}),
        ToOwner(CountRequest{.key = "n", .initial = 7}), FactsOfOwner(), FlushOfOwner(0)}) {
    input += BytesFor(request);
  }
  std::string whole;
  for (const size_t step : {input.size(), size_t{1}, size_t{7}, size_t{72}, size_t{1000}}) {
    SessionWorld world;
    OwnerSession session(world.server);
    const std::string answers = Talk(session, input, step);
    if (whole.empty()) whole = answers;
    EXPECT_EQ(answers, whole) << step << " at a time";
  }
  EXPECT_EQ(RepliesIn(whole).size(), 8u);
}

TEST_F(OwnerSessionTest, WhoDoesNotReadIsNotRead) {
  SayHello();
  Ask(ToOwner(PutRequest{.key = "a", .value = std::string(4000, 'x')}));
  OwnerSession session(world_.server, 10'000);
  Talk(session, HelloBytes(), SIZE_MAX);
  std::string input;
  for (int i = 0; i < 100; ++i) input += BytesFor(ToOwner(VisitRequest{.key = "a"}));
  const size_t taken = session.Feed(BytesOf(input), SIZE_MAX);
  EXPECT_LT(taken, 5 * 80u);
  EXPECT_LT(session.Unsent().size(), 15'000u);
  EXPECT_EQ(session.Feed(BytesOf(input), SIZE_MAX), 0u);
}

TEST(OwnerReplyTest, WhatWasNotAskedForIsAFault) {
  const OwnerRequestHeader visit = ToOwner(VisitRequest{.key = "k"}).header;
  const OwnerReplyHeader good{
      .result = static_cast<uint8_t>(StoreResult::kDone), .value_bytes = 5, .item_value_bytes = 5};
  EXPECT_EQ(FaultOf(good, visit, 5), "");
  EXPECT_NE(FaultOf(good, visit, 4), "") << "larger than any item";
  EXPECT_NE(FaultOf(good, ToOwner(CountRequest{.key = "k"}).header, 5), "");
  for (void (*spoil)(OwnerReplyHeader&) : std::initializer_list<void (*)(OwnerReplyHeader&)>{
           [](OwnerReplyHeader& reply) { reply.result = 9; },
           [](OwnerReplyHeader& reply) { reply.number = 1; },
           [](OwnerReplyHeader& reply) { reply.flags = 4; },
           [](OwnerReplyHeader& reply) { reply.marks = 16; },
           [](OwnerReplyHeader& reply) { reply.value_bytes = 4; },
           [](OwnerReplyHeader& reply) { reply.result = 3; },
           [](OwnerReplyHeader& reply) { reply = {.result = kReplyRefused, .value_bytes = 1025}; },
       }) {
    OwnerReplyHeader reply = good;
    spoil(reply);
    EXPECT_NE(FaultOf(reply, visit, 5), "");
  }
}

}  // namespace
}  // namespace tombolo::kvcache

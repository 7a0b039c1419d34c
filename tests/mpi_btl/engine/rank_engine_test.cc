#include "mpi_btl/engine/rank_engine.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/alloc/extent_map.h"
#include "transport/base/memory_type.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/link.h"

namespace tombolo::mpi {
namespace {

constexpr uint8_t kTag = 65;
constexpr int kManyPolls = 100;

struct Message {
  uint8_t tag;
  std::string payload;
};

// An engine and what its handlers were told.
class Rank {
 public:
  Rank(SimulatedMembers& members, std::string_view name, MemoryType type = MemoryType::kWriteBack) {
    std::unique_ptr<Endpoint> endpoint = members.Adopt(members.Add(name), type);
    id = endpoint->Id();
    engine = *RankEngine::Create(std::move(endpoint));
  }

  Peer* Open(const Rank& other) {
    const tombolo_address address = other.engine->Address();
    return *engine->OpenPeer(&address, sizeof(address), this);
  }

  bool Send(Peer* peer, std::string_view text) {
    Claim claim;
    std::byte* memory = engine->TryClaim(*peer, text.size(), claim);
    if (memory == nullptr) return false;
    std::ranges::copy(std::as_bytes(std::span(text)), memory);
    engine->Publish(claim, kTag, text.size());
    return true;
  }

  bool LiesInRegion(const void* address) const {
    const std::span<std::byte> extents = engine->RegionExtents();
    return !std::less<>()(address, extents.data()) &&
           std::less<>()(address, extents.data() + extents.size());
  }

  int Poll() {
    const tombolo_handlers handlers = {this, OnMessage, OnPeerLost, OnOperationDone};
    return engine->Poll(handlers);
  }

  EndpointId id;
  std::unique_ptr<RankEngine> engine;
  std::vector<Message> messages;
  bool read_in_region = false;  // The last one.
  std::vector<std::string> losses;

 private:
  static void OnMessage(void* self, uint8_t tag, const void* payload, size_t bytes) {
    auto* rank = static_cast<Rank*>(self);
    rank->messages.push_back({tag, std::string(static_cast<const char*>(payload), bytes)});
    rank->read_in_region = rank->LiesInRegion(payload);
  }
  static void OnPeerLost(void* self, void*, const char* why) {
    static_cast<Rank*>(self)->losses.push_back(why);
  }
  static void OnOperationDone(void*, void*, bool) {}
};

// Leaves less free than bulk pools may be made of.
void FillTheRegion(SimulatedMembers& members) {
  ExtentMap extents(members.SharedRegion().ExtentMap());
  ASSERT_TRUE(extents.Claim(extents.Count() * 3 / 4, /*owner=*/60, ExtentKind::kPoolSegment));
}

TEST(RankEngineTest, DeliversToARankThatDidNotOpenTheSender) {
  SimulatedMembers members;
  Rank a(members, "a"), b(members, "b");
  ASSERT_TRUE(a.Send(a.Open(b), "hello"));
  EXPECT_EQ(b.Poll(), 1);
  ASSERT_EQ(b.messages.size(), 1u);
  EXPECT_EQ(b.messages[0].tag, kTag);
  EXPECT_EQ(b.messages[0].payload, "hello");
}

// Open MPI packs and unpacks there with memcpy, which Device memory does not bear.
TEST(RankEngineTest, InDeviceMemoryMessagesAreWrittenAndReadElsewhere) {
  for (const MemoryType type : {MemoryType::kWriteBack, MemoryType::kDevice}) {
    SimulatedMembers members;
    Rank a(members, "a", type), b(members, "b", type);
    Peer* peer = a.Open(b);
    for (const size_t bytes : {size_t{1}, size_t{1000}, a.engine->MaxMessageBytes()}) {
      const std::string text(bytes, 'x');
      Claim claim;
      const std::byte* memory = a.engine->TryClaim(*peer, bytes, claim);
      ASSERT_NE(memory, nullptr);
      EXPECT_EQ(a.LiesInRegion(memory), type != MemoryType::kDevice);
      a.engine->Abandon(claim);
      ASSERT_TRUE(a.Send(peer, text));
      for (int i = 0; i < kManyPolls && b.messages.empty(); ++i) b.Poll();
      ASSERT_EQ(b.messages.size(), 1u);
      EXPECT_EQ(b.messages[0].payload, text);
      EXPECT_EQ(b.read_in_region, type != MemoryType::kDevice);
      b.messages.clear();
    }
  }
}

TEST(RankEngineTest, InDeviceMemoryClaimsAreFilledInAnyOrder) {
  SimulatedMembers members;
  Rank a(members, "a", MemoryType::kDevice), b(members, "b"), c(members, "c");
  Peer* to_b = a.Open(b);
  Peer* to_c = a.Open(c);
  Claim claims[3];
  std::byte* first = a.engine->TryClaim(*to_b, 1, claims[0]);
  std::byte* second = a.engine->TryClaim(*to_c, 2000, claims[1]);
  std::byte* third = a.engine->TryClaim(*to_b, 1, claims[2]);
  *first = std::byte{'1'};
  std::fill_n(second, 2000, std::byte{'2'});
  *third = std::byte{'3'};
  a.engine->Publish(claims[2], kTag, 1);
  a.engine->Publish(claims[1], kTag, 2000);
  a.engine->Publish(claims[0], kTag, 1);
  for (int i = 0; i < kManyPolls && b.messages.size() + c.messages.size() < 3; ++i) {
    b.Poll();
    c.Poll();
  }
  ASSERT_EQ(b.messages.size(), 2u);
  EXPECT_EQ(b.messages[0].payload + b.messages[1].payload, "13");
  ASSERT_EQ(c.messages.size(), 1u);
  EXPECT_EQ(c.messages[0].payload, std::string(2000, '2'));
}

TEST(RankEngineTest, TellsOnceOfAPeerThatDied) {
  SimulatedMembers members;
  Rank a(members, "a"), b(members, "b");
  Peer* peer = a.Open(b);
  ASSERT_TRUE(a.Send(peer, "hello"));
  members.Kill(b.id);
  a.Poll();
  a.Poll();
  ASSERT_EQ(a.losses.size(), 1u);
  EXPECT_NE(a.losses[0].find("is dead"), std::string::npos) << a.losses[0];
  EXPECT_TRUE(peer->is_lost);
  EXPECT_FALSE(a.Send(peer, "more"));
}

TEST(RankEngineTest, TellsOfADeadPeerThatItNeverTalkedTo) {
  SimulatedMembers members;
  Rank a(members, "a"), b(members, "b");
  a.Open(b);
  a.Poll();
  members.Kill(b.id);
  a.Poll();
  EXPECT_EQ(a.losses.size(), 1u);
}

TEST(RankEngineTest, DeliversWhatADeadPeerSentBeforeItTellsOfTheDeath) {
  SimulatedMembers members;
  Rank a(members, "a"), b(members, "b");
  a.Open(b);
  ASSERT_TRUE(b.Send(b.Open(a), "last words"));
  members.Kill(b.id);
  a.Poll();
  EXPECT_EQ(a.messages.size(), 1u);
  EXPECT_EQ(a.losses.size(), 1u);
}

TEST(RankEngineTest, SaysNothingOfAPeerThatLeftInGoodOrder) {
  SimulatedMembers members;
  Rank a(members, "a"), b(members, "b");
  Peer* peer = a.Open(b);
  ASSERT_TRUE(b.Send(b.Open(a), "hello"));
  b.engine.reset();
  members.Kill(b.id);
  a.Poll();
  EXPECT_EQ(a.messages.size(), 1u);
  EXPECT_TRUE(a.losses.empty());
  EXPECT_TRUE(peer->is_lost);
}

TEST(RankEngineTest, SaysGoodbyeToPeersThatItNeverTalkedTo) {
  SimulatedMembers members;
  Rank a(members, "a"), b(members, "b");
  a.Open(b);
  b.Open(a);
  b.engine.reset();
  members.Kill(b.id);
  a.Poll();
  EXPECT_TRUE(a.losses.empty());
}

TEST(RankEngineTest, SaysGoodbyeToWhoeverWroteToIt) {
  SimulatedMembers members;
  Rank a(members, "a"), b(members, "b");
  ASSERT_TRUE(a.Send(a.Open(b), "hello"));
  b.Poll();
  b.engine.reset();
  members.Kill(b.id);
  a.Poll();
  EXPECT_TRUE(a.losses.empty());
}

TEST(RankEngineTest, SendsLargeMessagesWithoutMemoryForABulkPool) {
  SimulatedMembers members;
  FillTheRegion(members);
  Rank a(members, "a"), b(members, "b");
  Peer* peer = a.Open(b);
  const std::string text(a.engine->MaxMessageBytes(), 'x');
  EXPECT_FALSE(a.Send(peer, text));
  size_t sent_bytes = 0;
  for (int i = 0; i < kManyPolls && b.messages.empty(); ++i) {
    if (sent_bytes != text.size()) {
      a.engine->TrySendCopy(*peer, kTag, std::as_bytes(std::span(text)), sent_bytes);
    }
    b.Poll();
    a.Poll();
  }
  ASSERT_EQ(b.messages.size(), 1u);
  EXPECT_EQ(b.messages[0].tag, kTag);
  EXPECT_EQ(b.messages[0].payload, text);
}

TEST(RankEngineTest, DoesNotCutMessagesWhileTheBulkPoolIsOnlyFull) {
  SimulatedMembers members;
  Rank a(members, "a"), b(members, "b");
  Peer* peer = a.Open(b);
  const std::string text(a.engine->MaxMessageBytes(), 'x');
  while (a.Send(peer, text)) {
  }
  size_t sent_bytes = 0;
  EXPECT_FALSE(a.engine->TrySendCopy(*peer, kTag, std::as_bytes(std::span(text)), sent_bytes));
  EXPECT_EQ(sent_bytes, 0u);
}

TEST(RankEngineTest, TellsOfPiecesThatMakeNoSense) {
  SimulatedMembers members;
  Rank a(members, "a"), b(members, "b");
  a.Open(b);
  Peer* peer = b.Open(a);
  const EngineHeader header = {EngineMessage::kPiece, kTag, 10, 5};
  Claim claim;
  std::byte* memory = b.engine->TryClaim(*peer, sizeof(header) + 5, claim);
  ASSERT_NE(memory, nullptr);
  std::ranges::copy(std::as_bytes(std::span(&header, 1)), memory);
  b.engine->Publish(claim, kEngineTag, sizeof(header) + 5);
  a.Poll();
  EXPECT_TRUE(a.messages.empty());
  ASSERT_EQ(a.losses.size(), 1u);
  EXPECT_NE(a.losses[0].find("pieces"), std::string::npos) << a.losses[0];
}

// It has a mapping of its own here, which ends with its attachment.
TEST(RankEngineTest, MemoryThatIsKeptOutlivesTheEngine) {
  SimulatedMembers members;
  Rank a(members, "a");
  const EndpointId id = members.Add("b");
  auto b = *RankEngine::Create(members.AdoptMappedAnew(id));
  const tombolo_address address = b->Address();
  Peer* peer = *a.engine->OpenPeer(&address, sizeof(address), &a);
  ASSERT_TRUE(a.Send(peer, "hello"));
  const tombolo_handlers deaf = {nullptr, [](void*, uint8_t, const void*, size_t) {},
                                 [](void*, void*, const char*) {}, [](void*, void*, bool) {}};
  b->Poll(deaf);
  std::byte* memory = b->AllocateMemory(4096);
  ASSERT_NE(memory, nullptr);
  memory[4095] = std::byte{42};
  b->KeepMemory();
  b.reset();
  EXPECT_EQ(memory[4095], std::byte{42});
  // It has said goodbye, and keeps nobody's memory from being used again.
  EXPECT_EQ(members.SharedRegion().Line(id.index).acked_epoch.load(std::memory_order_relaxed),
            UINT64_MAX);
  a.Poll();
  EXPECT_FALSE(peer->is_lost);
  members.Kill(id);
  a.Poll();
  EXPECT_TRUE(a.losses.empty());
  EXPECT_TRUE(peer->is_lost);
}

TEST(RankEngineTest, RefusesAPeerThatIsGone) {
  SimulatedMembers members;
  Rank a(members, "a"), b(members, "b");
  const tombolo_address address = b.engine->Address();
  members.Kill(b.id);
  EXPECT_TRUE(absl::IsNotFound(a.engine->OpenPeer(&address, sizeof(address), nullptr).status()));
}

}  // namespace
}  // namespace tombolo::mpi

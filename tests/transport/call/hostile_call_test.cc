// Callers and callees that break the protocol: each is dropped, and harms nobody.
#include <string.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transport/call/call_members.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/alloc/extent_map.h"
#include "transport/channel/channel.h"
#include "transport/layout/call_frame.h"
#include "transport/layout/extent_word.h"

namespace tombolo {
namespace {

template <typename Header>
void SendFrame(CallMember& liar, EndpointId victim, CallTag tag, const Header& header,
               size_t body_bytes = 0) {
  ASSERT_TRUE(liar.channel->Open(victim).ok());
  Claim claim;
  ASSERT_TRUE(liar.channel->TryClaim(victim, sizeof(header) + body_bytes, claim));
  memset(claim.payload.data(), 0, claim.payload.size());
  memcpy(claim.payload.data(), &header, sizeof(header));
  liar.channel->Publish(claim, ToTag(tag), claim.payload.size());
}

constexpr uint8_t kReads = static_cast<uint8_t>(CallWindowUse::kRead);

CallRequestHeader GoodRequest() {
  return CallRequestHeader{.slot = 0,
                           .sequence = 1,
                           .method = 1,
                           .priority = 0,
                           .window = 0,
                           .reserved = 0,
                           .budget_ns = 1000 * kNsPerSecond};
}

struct HostileCaller {
  void Lend(uint64_t offset, uint64_t length, CallTag tag = CallTag::kWindow) {
    const auto buffer = liar.channel->Allocate(2 * kCallPageBytes);
    ASSERT_TRUE(buffer.ok() && liar.channel->Open(victim.Id()).ok());
    const auto lent = liar.channel->TryLend(victim.Id(), *buffer, offset, length, ToTag(tag), 0);
    ASSERT_TRUE(lent.ok() && *lent == LendResult::kLent);
  }
  void Request(const CallRequestHeader& header, size_t body_bytes = 0) {
    SendFrame(liar, victim.Id(), CallTag::kRequest, header, body_bytes);
  }

  SimulatedMembers members;
  CallMember liar{members, "liar"};
  ServingMember victim{members, "victim"};
};

struct CallerLie {
  const char* what;
  void (*tell)(HostileCaller&);
};
const CallerLie kCallerLies[] = {
    {"slot",
     [](HostileCaller& h) {
       CallRequestHeader header = GoodRequest();
       header.slot = kCallSlots;
       h.Request(header);
     }},
    {"sequence",
     [](HostileCaller& h) {
       CallRequestHeader header = GoodRequest();
       header.sequence = 0;
       h.Request(header);
     }},
    {"use of the window",
     [](HostileCaller& h) {
       CallRequestHeader header = GoodRequest();
       header.window = 4;
       h.Request(header);
     }},
    {"a slot that runs",
     [](HostileCaller& h) {
       h.Request(GoodRequest());
       CallRequestHeader header = GoodRequest();
       header.sequence = 2;
       h.Request(header);
     }},
    {"too long", [](HostileCaller& h) { h.Request(GoodRequest(), kMaxCallBodyBytes + 1); }},
    {"too short",
     [](HostileCaller& h) { SendFrame(h.liar, h.victim.Id(), CallTag::kRequest, uint64_t{1}); }},
    {"a request in place of the window",
     [](HostileCaller& h) {
       CallRequestHeader header = GoodRequest();
       header.window = kReads;
       h.Request(header);
       header.slot = 1;
       h.Request(header);
     }},
    {"a window without a request", [](HostileCaller& h) { h.Lend(0, kCallPageBytes); }},
    {"a window that is a message",
     [](HostileCaller& h) { SendFrame(h.liar, h.victim.Id(), CallTag::kWindow, uint64_t{1}); }},
    {"a window of half a page",
     [](HostileCaller& h) {
       CallRequestHeader header = GoodRequest();
       header.window = kReads;
       h.Request(header);
       h.Lend(0, kCallPageBytes / 2);
     }},
    {"a window that begins within a page",
     [](HostileCaller& h) {
       CallRequestHeader header = GoodRequest();
       header.window = kReads;
       h.Request(header);
       h.Lend(8, kCallPageBytes);
     }},
    {"a window of nothing",
     [](HostileCaller& h) {
       CallRequestHeader header = GoodRequest();
       header.window = kReads;
       h.Request(header);
       h.Lend(0, 0);
     }},
    {"a signal's number",
     [](HostileCaller& h) {
       h.Request(GoodRequest());
       SendFrame(h.liar, h.victim.Id(), CallTag::kSignal, CallSignalHeader{0, 1, kCallSignals, 0});
     }},
    {"a signal's slot",
     [](HostileCaller& h) {
       SendFrame(h.liar, h.victim.Id(), CallTag::kSignal, CallSignalHeader{kCallSlots, 1, 1, 0});
     }},
};

TEST(HostileCallerTest, RequestsThatMakeNoSenseGetItDropped) {
  for (const CallerLie& lie : kCallerLies) {
    HostileCaller hostile;
    lie.tell(hostile);
    hostile.victim.Turn();
    EXPECT_EQ(hostile.victim.callee.BannedCount(), 1u) << lie.what;
    EXPECT_TRUE(hostile.victim.calls.empty()) << lie.what;
    CallRequestHeader again = GoodRequest();
    again.slot = 9;
    hostile.Request(again);
    hostile.victim.Turn();
    EXPECT_TRUE(hostile.victim.calls.empty()) << lie.what << ": it is not listened to any more";
  }
}

TEST(HostileCallerTest, CallsThatRanAreAbandonedWhenTheirCallerLies) {
  HostileCaller hostile;
  CallRequestHeader header = GoodRequest();
  header.window = kReads;
  hostile.Request(header);
  hostile.Lend(0, kCallPageBytes);
  hostile.victim.Turn();
  ASSERT_EQ(hostile.victim.calls.size(), 1u);
  hostile.Request(GoodRequest());
  hostile.victim.Turn();
  EXPECT_EQ(hostile.victim.abandoned, hostile.victim.calls);
  EXPECT_TRUE(
      absl::IsNotFound(hostile.victim.callee.Reply(hostile.victim.calls[0], absl::OkStatus())));
}

TEST(HostileCallerTest, SignalsOfCallsThatAreOverAreNoLies) {
  HostileCaller hostile;
  SendFrame(hostile.liar, hostile.victim.Id(), CallTag::kSignal, CallSignalHeader{0, 7, 1, 0});
  hostile.victim.Turn();
  EXPECT_EQ(hostile.victim.callee.BannedCount(), 0u);
}

TEST(HostileCallerTest, ABudgetForEverIsNoOverflow) {
  HostileCaller hostile;
  CallRequestHeader header = GoodRequest();
  header.budget_ns = UINT64_MAX;
  hostile.Request(header);
  hostile.victim.Turn();
  EXPECT_EQ(hostile.victim.calls.size(), 1u);
}

// It frees pages that it has lent, by hand, and somebody else gets them.
TEST(HostileCallerTest, PagesThatWereGivenAwayAreNotWrittenAndNotBelieved) {
  SimulatedMembers members;
  CallingMember caller(members, "caller");
  ServingMember callee(members, "callee");
  const auto buffer = caller.channel->Allocate(kCallPageBytes);
  CallRequest request = Request(1);
  request.window = LentWindow{*buffer, 0, kCallPageBytes, CallWindowUse::kReadWrite};
  ASSERT_TRUE(caller.caller.Start(callee.Id(), request).ok());
  callee.Turn();
  IncomingCall* call = callee.callee.Running(callee.calls.at(0));
  ExtentMap map(members.SharedRegion().ExtentMap());
  ASSERT_TRUE(map.Free(buffer->first_extent, static_cast<uint16_t>(caller.Id().index)));
  std::byte byte{};
  EXPECT_TRUE(absl::IsAborted(call->window->Read(0, {&byte, 1})));
  EXPECT_TRUE(absl::IsAborted(call->window->Write(0, BytesOf("x"))));
  EXPECT_EQ(buffer->bytes[0], std::byte{0}) << "it was not written";
}

struct HostileCallee {
  HostileCallee() {
    const auto buffer = victim.channel->Allocate(kCallPageBytes);
    CallRequest request = Request(1);
    request.window = LentWindow{*buffer, 0, kCallPageBytes, CallWindowUse::kWrite};
    id = *victim.caller.Start(liar.Id(), request);
  }

  SimulatedMembers members;
  CallingMember victim{members, "victim"};
  CallMember liar{members, "liar"};
  CallId id;
};

struct CalleeLie {
  const char* what;
  void (*tell)(HostileCallee&);
};
const CalleeLie kCalleeLies[] = {
    {"slot",
     [](HostileCallee& h) {
       SendFrame(h.liar, h.victim.Id(), CallTag::kReply, CallReplyHeader{kCallSlots, 1, 0, 0});
     }},
    {"a slot that is free",
     [](HostileCallee& h) {
       SendFrame(h.liar, h.victim.Id(), CallTag::kReply, CallReplyHeader{1, 0, 0, 0});
     }},
    {"the sequence of another call",
     [](HostileCallee& h) {
       SendFrame(h.liar, h.victim.Id(), CallTag::kReply,
                 CallReplyHeader{h.id.slot, h.id.sequence + 1, 0, 0});
     }},
    {"a code that there is not",
     [](HostileCallee& h) {
       SendFrame(h.liar, h.victim.Id(), CallTag::kReply,
                 CallReplyHeader{h.id.slot, h.id.sequence, 17, 0});
     }},
    {"two replies",
     [](HostileCallee& h) {
       for (int i = 0; i < 2; ++i) {
         SendFrame(h.liar, h.victim.Id(), CallTag::kReply,
                   CallReplyHeader{h.id.slot, h.id.sequence, 0, 0});
       }
     }},
    {"too long",
     [](HostileCallee& h) {
       SendFrame(h.liar, h.victim.Id(), CallTag::kReply,
                 CallReplyHeader{h.id.slot, h.id.sequence, 0, 0}, kMaxCallBodyBytes + 1);
     }},
    {"too short",
     [](HostileCallee& h) {
       SendFrame(h.liar, h.victim.Id(), CallTag::kReply, uint64_t{h.id.slot});
     }},
    {"a priority that there is not",
     [](HostileCallee& h) {
       SendFrame(h.liar, h.victim.Id(), CallTag::kPriority, CallPriorityHeader{256, 0});
     }},
};

TEST(HostileCalleeTest, RepliesThatMakeNoSenseEndAllItsCalls) {
  for (const CalleeLie& lie : kCalleeLies) {
    HostileCallee hostile;
    lie.tell(hostile);
    hostile.victim.Turn();
    const auto result = hostile.victim.caller.TryTake(hostile.id);
    ASSERT_TRUE(result.has_value()) << lie.what;
    EXPECT_TRUE(absl::IsInternal(result->status)) << lie.what << ": " << result->status;
    EXPECT_FALSE(result->window_is_back) << lie.what << ": it may still write there";
    EXPECT_EQ(hostile.victim.caller.BannedCount(), 1u) << lie.what;
    EXPECT_TRUE(absl::IsFailedPrecondition(
        hostile.victim.caller.Start(hostile.liar.Id(), Request(2)).status()))
        << lie.what;
  }
}

TEST(HostileCalleeTest, AnAnswerWithoutTheWindowIsNoneUntilTheDeadline) {
  HostileCallee hostile;
  SendFrame(hostile.liar, hostile.victim.Id(), CallTag::kReply,
            CallReplyHeader{hostile.id.slot, hostile.id.sequence, 0, 0});
  hostile.victim.Turn();
  EXPECT_FALSE(hostile.victim.caller.TryTake(hostile.id).has_value());
  hostile.victim.Turn(MonotonicNs() + kCallLimitNs);
  const auto result = hostile.victim.caller.TryTake(hostile.id);
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(absl::IsDeadlineExceeded(result->status)) << result->status;
}

TEST(HostileCalleeTest, WhoeverWasNeverCalledIsIgnored) {
  HostileCallee hostile;
  CallMember stranger(hostile.members, "stranger");
  SendFrame(stranger, hostile.victim.Id(), CallTag::kReply,
            CallReplyHeader{hostile.id.slot, hostile.id.sequence, 0, 0});
  hostile.victim.Turn();
  EXPECT_FALSE(hostile.victim.caller.TryTake(hostile.id).has_value());
  EXPECT_EQ(hostile.victim.caller.BannedCount(), 0u);
}

}  // namespace
}  // namespace tombolo

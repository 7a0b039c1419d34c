// Calls between two endpoints that keep to the protocol, polled by hand.
#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transport/call/call_members.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/base/units.h"
#include "transport/layout/call_frame.h"

namespace tombolo {
namespace {

class CallTest : public testing::Test {
 protected:
  // Until nothing is on the way any more.
  void Settle() {
    for (int i = 0; i < 4; ++i) {
      caller_.Turn();
      callee_.Turn();
    }
  }
  CallId Start(const CallRequest& request) {
    const auto id = caller_.caller.Start(callee_.Id(), request);
    EXPECT_TRUE(id.ok()) << id.status();
    return *id;
  }
  CallResult Take(const CallId& id) {
    std::optional<CallResult> result = caller_.caller.TryTake(id);
    EXPECT_TRUE(result.has_value());
    return *std::move(result);
  }
  bool IsOver(const CallId& id) { return caller_.caller.TryTake(id).has_value(); }
  void Reply(size_t call, const absl::Status& status, std::string_view result = {}) {
    EXPECT_TRUE(callee_.callee.Reply(callee_.calls.at(call), status, BytesOf(result)).ok());
  }
  LentWindow Window(uint64_t pages, CallWindowUse use) {
    const auto buffer = caller_.channel->Allocate(pages * kCallPageBytes);
    EXPECT_TRUE(buffer.ok());
    return LentWindow{*buffer, 0, pages * kCallPageBytes, use};
  }
  CallRequest WithWindow(const LentWindow& window) {
    CallRequest request = Request(1);
    request.window = window;
    return request;
  }
  CallRequest WithPriority(uint32_t method, uint8_t priority) {
    CallRequest request = Request(method);
    request.priority = priority;
    return request;
  }

  SimulatedMembers members_;
  CallingMember caller_{members_, "caller"};
  ServingMember callee_{members_, "callee"};
};

TEST_F(CallTest, AMethodAndItsArgumentsArriveAndAResultComesBack) {
  const CallId id = Start(Request(7, "what is it?"));
  Settle();
  EXPECT_EQ(callee_.methods, std::vector<uint32_t>{7});
  EXPECT_EQ(callee_.arguments, std::vector<std::string>{"what is it?"});
  EXPECT_FALSE(IsOver(id));
  Reply(0, absl::OkStatus(), "a test");
  Settle();
  const CallResult result = Take(id);
  EXPECT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(TextOf(result.bytes), "a test");
  EXPECT_TRUE(absl::IsNotFound(Take(id).status)) << "a result is given once";
}

TEST_F(CallTest, AnErrorComesBackWithItsMessage) {
  const CallId id = Start(Request(7));
  Settle();
  Reply(0, absl::PermissionDeniedError("not this one"));
  Settle();
  EXPECT_EQ(Take(id).status, absl::PermissionDeniedError("not this one"));
}

TEST_F(CallTest, CallsAreAnsweredInAnyOrder) {
  const CallId first = Start(Request(1)), second = Start(Request(2));
  Settle();
  Reply(1, absl::OkStatus(), "second");
  Settle();
  EXPECT_FALSE(IsOver(first));
  EXPECT_EQ(TextOf(Take(second).bytes), "second");
  Reply(0, absl::OkStatus(), "first");
  Settle();
  EXPECT_EQ(TextOf(Take(first).bytes), "first");
}

TEST_F(CallTest, TheLargestBodiesOfAllSlotsPassThrough) {
  const std::string text(kMaxCallBodyBytes, 'x');
  std::vector<CallId> ids;
  for (uint32_t i = 0; i < kCallSlots; ++i) ids.push_back(Start(Request(i, text)));
  Settle();
  ASSERT_EQ(callee_.calls.size(), kCallSlots);
  for (uint32_t i = 0; i < kCallSlots; ++i) {
    EXPECT_EQ(callee_.arguments[i], text);
    Reply(i, absl::OkStatus(), text);
  }
  Settle();
  for (const CallId& id : ids) EXPECT_EQ(TextOf(Take(id).bytes), text);
}

TEST_F(CallTest, OneMoreThanTheSlotsIsRefusedUntilAResultIsTaken) {
  std::vector<CallId> ids;
  for (uint32_t i = 0; i < kCallSlots; ++i) ids.push_back(Start(Request(i)));
  EXPECT_TRUE(absl::IsResourceExhausted(caller_.caller.Start(callee_.Id(), Request(99)).status()));
  Settle();
  Reply(0, absl::OkStatus());
  Settle();
  Take(ids[0]);
  Start(Request(100));
  Settle();
  EXPECT_EQ(callee_.methods.back(), 100u);
}

TEST_F(CallTest, RequestsThatCannotBeSentAreRefused) {
  const std::string long_text(kMaxCallBodyBytes + 1, 'x');
  CallRequest no_time = Request(1);
  no_time.limit_ns = 0;
  LentWindow odd = Window(2, CallWindowUse::kRead);
  odd.offset_bytes = 8;
  LentWindow behind = odd;
  behind.offset_bytes = kCallPageBytes;
  LentWindow no_use = odd;
  no_use.offset_bytes = 0;
  no_use.use = CallWindowUse::kNone;
  for (const CallRequest& request :
       {Request(1, long_text), no_time, WithWindow(odd), WithWindow(behind), WithWindow(no_use)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(caller_.caller.Start(callee_.Id(), request).status()));
  }
  EXPECT_TRUE(absl::IsNotFound(caller_.caller.Start(EndpointId{40, 1}, Request(1)).status()));
}

TEST_F(CallTest, WhatIsWrittenIntoTheWindowIsThereWhenTheResultIs) {
  const LentWindow window = Window(3, CallWindowUse::kWrite);
  const CallId id = Start(WithWindow(window));
  Settle();
  IncomingCall* call = callee_.callee.Running(callee_.calls.at(0));
  ASSERT_TRUE(call != nullptr && call->window.has_value());
  EXPECT_EQ(call->window->SizeBytes(), 3 * kCallPageBytes);
  EXPECT_EQ(call->window->Bytes().data(), window.buffer.bytes.data()) << "nothing is copied";
  EXPECT_TRUE(call->window->Write(3 * kCallPageBytes - 3, BytesOf("end")).ok());
  EXPECT_TRUE(absl::IsOutOfRange(call->window->Write(3 * kCallPageBytes - 2, BytesOf("end"))));
  EXPECT_TRUE(absl::IsOutOfRange(call->window->Write(UINT64_MAX, BytesOf("end"))));
  std::byte byte;
  EXPECT_TRUE(absl::IsPermissionDenied(call->window->Read(0, {&byte, 1})));
  Reply(0, absl::OkStatus());
  Settle();
  const CallResult result = Take(id);
  EXPECT_TRUE(result.status.ok() && result.window_is_back);
  EXPECT_EQ(TextOf(window.buffer.bytes.last(3)), "end");
  EXPECT_EQ(caller_.channel->LoanCount(window.buffer), 0u);
}

TEST_F(CallTest, AWindowForReadingIsNotWritten) {
  const LentWindow window = Window(1, CallWindowUse::kRead);
  window.buffer.bytes[5] = std::byte{42};
  Start(WithWindow(window));
  Settle();
  IncomingCall* call = callee_.callee.Running(callee_.calls.at(0));
  std::byte byte{};
  EXPECT_TRUE(call->window->Read(5, {&byte, 1}).ok());
  EXPECT_EQ(byte, std::byte{42});
  EXPECT_TRUE(absl::IsPermissionDenied(call->window->Write(0, BytesOf("x"))));
}

TEST_F(CallTest, WindowsBeyondWhatMayBeLentWaitForOthersToComeBack) {
  const uint64_t most_pages = members_.SharedRegion().Limits().region_bytes / 8 / kCallPageBytes;
  const LentWindow window = Window(most_pages, CallWindowUse::kRead);
  const CallId first = Start(WithWindow(window)), second = Start(WithWindow(window));
  Settle();
  ASSERT_EQ(callee_.calls.size(), 1u);
  Reply(0, absl::OkStatus());
  Settle();
  EXPECT_TRUE(Take(first).status.ok());
  ASSERT_EQ(callee_.calls.size(), 2u);
  Reply(1, absl::OkStatus());
  Settle();
  EXPECT_TRUE(Take(second).status.ok());
}

TEST_F(CallTest, ACallThatIsNotAnsweredEndsAtItsDeadlineAndIsCancelledThere) {
  const LentWindow window = Window(1, CallWindowUse::kWrite);
  const CallId id = *caller_.caller.Start(callee_.Id(), WithWindow(window), /*now_ns=*/0);
  caller_.Turn(kCallLimitNs - 1);
  callee_.Turn(1);
  EXPECT_FALSE(IsOver(id));
  EXPECT_EQ(caller_.caller.MaxSleepNs(kCallLimitNs - 1), 1);
  caller_.Turn(kCallLimitNs);
  const CallResult result = Take(id);
  EXPECT_TRUE(absl::IsDeadlineExceeded(result.status)) << result.status;
  EXPECT_FALSE(result.window_is_back) << "the callee has it still";
  callee_.Turn(1);
  const std::vector<std::pair<uint32_t, uint32_t>> cancelled = {{id.slot, kCancelSignal}};
  EXPECT_EQ(callee_.signals, cancelled);
  EXPECT_EQ(caller_.channel->LoanCount(window.buffer), 1u);
  Reply(0, absl::OkStatus(), "too late");
  caller_.Turn(kCallLimitNs);
  EXPECT_EQ(caller_.channel->LoanCount(window.buffer), 0u);
}

TEST_F(CallTest, ASlotIsNotUsedAgainBeforeTheCalleeHasAnswered) {
  std::vector<CallId> ids;
  for (uint32_t i = 0; i < kCallSlots; ++i) ids.push_back(Start(Request(i)));
  Settle();
  caller_.caller.Cancel(ids[3]);
  EXPECT_TRUE(absl::IsCancelled(Take(ids[3]).status));
  EXPECT_TRUE(absl::IsResourceExhausted(caller_.caller.Start(callee_.Id(), Request(99)).status()));
  Settle();
  Reply(3, absl::CancelledError("as you wish"));
  Settle();
  const CallId next = Start(Request(99));
  EXPECT_EQ(next.slot, ids[3].slot);
  EXPECT_NE(next.sequence, ids[3].sequence);
}

TEST_F(CallTest, ASignalInterruptsARunningCall) {
  const CallId id = Start(Request(1));
  Settle();
  EXPECT_TRUE(caller_.caller.Signal(id, 15).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(caller_.caller.Signal(id, kCallSignals)));
  EXPECT_TRUE(absl::IsInvalidArgument(caller_.caller.Signal(id, kCancelSignal)));
  Settle();
  const std::vector<std::pair<uint32_t, uint32_t>> signals = {{id.slot, 15}};
  EXPECT_EQ(callee_.signals, signals);
  EXPECT_FALSE(IsOver(id)) << "what a signal means is up to the callee";
  Reply(0, absl::AbortedError("interrupted"));
  Settle();
  EXPECT_TRUE(absl::IsNotFound(caller_.caller.Signal(id, 15)));
  EXPECT_TRUE(absl::IsAborted(Take(id).status));
}

TEST_F(CallTest, MoreUrgentCallsOfOnePollRunFirst) {
  Start(WithPriority(1, 10));
  Start(WithPriority(2, 30));
  Start(WithPriority(3, 20));
  Start(WithPriority(4, 30));
  callee_.Turn();
  EXPECT_EQ(callee_.methods, (std::vector<uint32_t>{2, 4, 3, 1}));
}

TEST_F(CallTest, ABusyCalleeIsNotRungForWhatIsLessUrgent) {
  Start(WithPriority(1, 10));  // It knows its callers by their first call.
  Settle();
  callee_.callee.SetPriority(20);
  callee_.Turn();
  caller_.Turn();
  ASSERT_TRUE(callee_.channel->PrepareToSleep());
  const EndpointCounters& sent = members_.SharedRegion().Counters(caller_.Id().index);
  const uint64_t before = sent.doorbells_sent.load(std::memory_order_relaxed);
  const CallId held = Start(WithPriority(2, 19));
  caller_.Turn();
  EXPECT_EQ(sent.doorbells_sent.load(std::memory_order_relaxed), before);
  Start(WithPriority(3, 20));
  EXPECT_EQ(sent.doorbells_sent.load(std::memory_order_relaxed), before + 1);
  callee_.channel->WakeUp();
  Settle();
  EXPECT_EQ(callee_.methods, (std::vector<uint32_t>{1, 3}));
  callee_.callee.SetPriority(0);
  Settle();
  EXPECT_EQ(callee_.methods, (std::vector<uint32_t>{1, 3, 2}));
  EXPECT_FALSE(IsOver(held));
}

TEST_F(CallTest, OfCallsThatWaitedTheMostUrgentAreSentFirst) {
  Start(WithPriority(0, 0));
  Settle();
  callee_.callee.SetPriority(20);
  Settle();
  const std::string text(400, 'x');  // The link has no room for all of them at once.
  for (uint8_t i = 1; i < kCallSlots; ++i) {
    CallRequest request = Request(i, text);
    request.priority = i;
    Start(request);
  }
  callee_.callee.SetPriority(0);
  callee_.Turn();
  caller_.Turn();
  callee_.Turn();
  ASSERT_GT(callee_.methods.size(), 1u);
  ASSERT_LT(callee_.methods.size(), kCallSlots);
  for (size_t i = 1; i < callee_.methods.size(); ++i) {
    EXPECT_EQ(callee_.methods[i], kCallSlots - i) << "of those that came first";
  }
}

TEST_F(CallTest, CallsThatCameBeforeTheCalleeWasBusyWaitThere) {
  callee_.callee.SetPriority(20);
  const CallId low = Start(WithPriority(1, 19));
  Start(WithPriority(2, 20));
  Settle();
  EXPECT_EQ(callee_.methods, std::vector<uint32_t>{2});
  caller_.caller.Cancel(low);
  Settle();
  callee_.callee.SetPriority(0);
  Settle();
  EXPECT_EQ(callee_.methods, std::vector<uint32_t>{2}) << "it was cancelled before it ran";
}

TEST_F(CallTest, ACallWhoseTimeIsOverIsNotRun) {
  callee_.callee.SetPriority(20);
  Start(WithPriority(1, 10));
  callee_.Turn();
  callee_.callee.SetPriority(0);
  callee_.Turn(MonotonicNs() + kCallLimitNs);
  EXPECT_TRUE(callee_.methods.empty());
}

TEST_F(CallTest, TheDeathOfTheCalleeEndsItsCallsAtOnce) {
  const LentWindow window = Window(1, CallWindowUse::kWrite);
  const CallId running = Start(WithWindow(window)), second = Start(Request(2));
  Settle();
  members_.Kill(callee_.Id());
  caller_.Turn();
  const CallResult result = Take(running);
  EXPECT_TRUE(absl::IsUnavailable(result.status)) << result.status;
  EXPECT_TRUE(result.window_is_back);
  EXPECT_TRUE(absl::IsUnavailable(Take(second).status));
  EXPECT_TRUE(absl::IsNotFound(caller_.caller.Start(callee_.Id(), Request(3)).status()));
}

TEST_F(CallTest, AnAnswerFromBeforeTheDeathIsDelivered) {
  const CallId id = Start(Request(1));
  Settle();
  Reply(0, absl::OkStatus(), "last words");
  members_.Kill(callee_.Id());
  caller_.Turn();
  EXPECT_EQ(TextOf(Take(id).bytes), "last words");
}

TEST_F(CallTest, TheDeathOfTheCallerAbandonsItsCallsAndGivesItsMemoryBack) {
  Start(WithWindow(Window(1, CallWindowUse::kWrite)));
  Settle();
  members_.Kill(caller_.Id());
  callee_.Turn();
  EXPECT_EQ(callee_.abandoned, callee_.calls);
  EXPECT_TRUE(absl::IsNotFound(callee_.callee.Reply(callee_.calls[0], absl::OkStatus())));
  EXPECT_EQ(
      members_.SharedRegion().Line(callee_.Id().index).acked_epoch.load(std::memory_order_relaxed),
      members_.Epoch())
      << "no window of the dead is held";
}

TEST_F(CallTest, AResultThatIsTooLargeIsRefusedAndTheCallRunsOn) {
  const CallId id = Start(Request(1));
  Settle();
  const std::string text(kMaxCallBodyBytes + 1, 'x');
  EXPECT_TRUE(absl::IsInvalidArgument(
      callee_.callee.Reply(callee_.calls[0], absl::OkStatus(), BytesOf(text))));
  Reply(0, absl::OkStatus(), "short");
  Settle();
  EXPECT_EQ(TextOf(Take(id).bytes), "short");
}

TEST_F(CallTest, TwoCallersDoNotSeeEachOther) {
  CallingMember other(members_, "other");
  const CallId mine = Start(Request(1));
  const CallId theirs = *other.caller.Start(callee_.Id(), Request(2));
  Settle();
  ASSERT_EQ(callee_.calls.size(), 2u);
  const auto their_call = std::ranges::find(callee_.calls, other.Id(), &CallId::peer);
  EXPECT_TRUE(callee_.callee.Reply(*their_call, absl::OkStatus()).ok());
  other.Turn();
  Settle();
  EXPECT_TRUE(other.caller.TryTake(theirs)->status.ok());
  EXPECT_FALSE(IsOver(mine));
}

}  // namespace
}  // namespace tombolo

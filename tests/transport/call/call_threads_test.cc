// A caller and a callee on two threads that sleep when nothing comes: for ThreadSanitizer, for
// wake-ups that could be lost, and for windows that could be read too early.
#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transport/call/call_members.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/base/units.h"
#include "transport/layout/call_frame.h"

namespace tombolo {
namespace {

constexpr uint32_t kCalls = 3000;
constexpr uint32_t kAtOnce = 8;
constexpr uint32_t kStop = UINT32_MAX;
constexpr int64_t kLongSleepNs = 10 * kNsPerSecond;

// Fills each window with a byte that its method names; every third call a turn later.
struct FillingMember : CallMember, CallHandler {
  using CallMember::CallMember;

  void OnCall(IncomingCall& call) override {
    if (call.method == kStop) stopped = true;
    if (call.window) {
      const std::vector<std::byte> bytes(call.window->SizeBytes(),
                                         static_cast<std::byte>(call.method));
      EXPECT_TRUE(call.window->Write(0, bytes).ok());
    }
    if (call.method % 3 == 0) {
      later.push_back(call.id);
    } else {
      EXPECT_TRUE(callee.Reply(call.id, absl::OkStatus(), call.arguments).ok());
    }
  }
  void Run() {
    while (!stopped) {
      channel->Wait(callee, later.empty() ? kLongSleepNs : 0);
      for (const CallId& id : std::exchange(later, {})) {
        EXPECT_TRUE(callee.Reply(id, absl::OkStatus()).ok());
      }
      callee.Flush();
    }
  }

  bool stopped = false;
  std::vector<CallId> later;
  Callee callee{*channel, *this};
};

TEST(CallThreadsTest, EveryCallIsAnsweredAndItsWindowIsWhole) {
  SimulatedMembers members;
  CallingMember caller(members, "caller");
  FillingMember callee(members, "callee");
  const auto buffer = caller.channel->Allocate(kAtOnce * kCallPageBytes);
  ASSERT_TRUE(buffer.ok());
  std::thread serving([&] { callee.Run(); });
  for (uint32_t first = 0; first < kCalls; first += kAtOnce) {
    std::vector<CallId> ids;
    for (uint32_t i = 0; i < kAtOnce; ++i) {
      CallRequest request = Request(first + i, "echo");
      request.window =
          LentWindow{*buffer, i * kCallPageBytes, kCallPageBytes, CallWindowUse::kWrite};
      ids.push_back(*caller.caller.Start(callee.Id(), request));
    }
    for (uint32_t i = 0; i < kAtOnce; ++i) {
      const CallResult result = caller.caller.Await(ids[i]);
      ASSERT_TRUE(result.status.ok() && result.window_is_back) << result.status;
      const auto page = buffer->bytes.subspan(i * kCallPageBytes, kCallPageBytes);
      const auto expected = static_cast<std::byte>(first + i);
      ASSERT_TRUE(std::ranges::all_of(page, [&](std::byte b) { return b == expected; }));
    }
  }
  ASSERT_TRUE(caller.caller.Start(callee.Id(), Request(kStop)).ok());
  serving.join();
}

}  // namespace
}  // namespace tombolo

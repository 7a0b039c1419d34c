#include "control/event_loop/event_loop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

using ::testing::ElementsAre;

class EventLoopTest : public testing::Test {
 protected:
  std::unique_ptr<EventLoop> loop_ = EventLoop::Create().value();
  UniqueFd bell_{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
};

TEST_F(EventLoopTest, LevelTriggeredCallsWhileReadable) {
  int calls = 0;
  Watch watch = loop_->WatchReadable(bell_.Get(), [&] { ++calls; }).value();
  loop_->Poll();
  EXPECT_EQ(calls, 0);
  eventfd_write(bell_.Get(), 1);
  loop_->Poll();
  loop_->Poll();
  EXPECT_EQ(calls, 2);
}

TEST_F(EventLoopTest, EdgeTriggeredCallsOncePerChange) {
  int calls = 0;
  Watch watch = loop_
                    ->WatchFd(bell_.Get(), EventLoop::kReadable, EventLoop::Trigger::kEdge,
                              [&](unsigned ready) {
                                EXPECT_EQ(ready, EventLoop::kReadable);
                                ++calls;
                              })
                    .value();
  eventfd_write(bell_.Get(), 1);
  loop_->Poll();
  loop_->Poll();
  EXPECT_EQ(calls, 1);
  eventfd_write(bell_.Get(), 1);
  loop_->Poll();
  EXPECT_EQ(calls, 2);
}

TEST_F(EventLoopTest, TellsReadableFromWritable) {
  unsigned seen = 0;
  Watch watch = loop_
                    ->WatchFd(bell_.Get(), EventLoop::kReadable | EventLoop::kWritable,
                              EventLoop::Trigger::kLevel, [&](unsigned ready) { seen = ready; })
                    .value();
  loop_->Poll();
  EXPECT_EQ(seen, EventLoop::kWritable);
  eventfd_write(bell_.Get(), 1);
  loop_->Poll();
  EXPECT_EQ(seen, EventLoop::kReadable | EventLoop::kWritable);
}

TEST_F(EventLoopTest, RefusesARegularFile) {
  const UniqueFd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(loop_->WatchReadable(file.Get(), [] {}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(EventLoopTest, ADroppedWatchIsNotCalledThoughItWasDue) {
  // Both are due in one turn; whichever comes first drops the other.
  UniqueFd second(eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
  eventfd_write(bell_.Get(), 1);
  int calls = 0;
  Watch watches[2];
  watches[0] = loop_->WatchReadable(bell_.Get(), [&] { ++calls, watches[1].Reset(); }).value();
  watches[1] = loop_->WatchReadable(second.Get(), [&] { ++calls, watches[0].Reset(); }).value();
  loop_->Poll();
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, ACallbackMayDropItsOwnWatch) {
  auto token = std::make_shared<int>(7);
  std::optional<Watch> watch;
  int seen = 0;
  watch = loop_
              ->WatchReadable(bell_.Get(),
                              [&, token] {
                                watch.reset();
                                seen = *token;  // The callback's own state still lives.
                              })
              .value();
  eventfd_write(bell_.Get(), 1);
  loop_->Poll();
  loop_->Poll();
  EXPECT_EQ(seen, 7);
  EXPECT_EQ(token.use_count(), 1);
}

TEST_F(EventLoopTest, AOneShotTimerCallsOnce) {
  int calls = 0;
  Watch timer = loop_->After(kNsPerMs, [&] { ++calls; });
  loop_->RunOnce();
  EXPECT_EQ(calls, 1);
  Watch later = loop_->After(2 * kNsPerMs, [&] { loop_->Stop(); });
  loop_->Run();
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, APeriodicTimerCallsUntilItIsDropped) {
  int calls = 0;
  Watch timer = loop_->Every(kNsPerMs, [&] {
    if (++calls == 3) loop_->Stop();
  });
  loop_->Run();
  EXPECT_EQ(calls, 3);
}

TEST_F(EventLoopTest, ASignalCallsInTheLoop) {
  int calls = 0;
  Watch watch = loop_->WatchSignal(SIGTERM, [&] { ++calls, loop_->Stop(); }).value();
  raise(SIGTERM);
  EXPECT_EQ(calls, 0);
  loop_->Run();
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, PostedClosuresRunInOrderAndStopComesAfterThem) {
  std::vector<int> order;
  loop_->Post([&] { order.push_back(1); });
  loop_->Post([&] { order.push_back(2); });
  loop_->Stop();
  loop_->Run();
  EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST_F(EventLoopTest, PostFromAnotherThreadWakesTheLoop) {
  int calls = 0;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) loop_->Post([&] { ++calls; });
    loop_->Stop();
  });
  loop_->Run();
  other.join();
  EXPECT_EQ(calls, 1000);
}

}  // namespace
}  // namespace tombolo::control

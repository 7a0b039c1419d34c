#include "control/registry/event_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "control/registry/membership.h"

namespace tombolo::control {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

using History = EventHistory<MembershipEvent>;

History HistoryOf(size_t capacity, uint64_t first_revision, size_t events) {
  History history(capacity, first_revision);
  for (size_t i = 1; i <= events; ++i) {
    MembershipEvent event;
    event.revision = first_revision + i;
    history.Add(event);
  }
  return history;
}

TEST(EventHistoryTest, LatestRevisionHasNothingAfterIt) {
  EXPECT_THAT(HistoryOf(4, 0, 0).Since(0).value(), IsEmpty());
  EXPECT_THAT(HistoryOf(4, 0, 3).Since(3).value(), IsEmpty());
}

TEST(EventHistoryTest, EventsAfterARevisionComeOldestFirst) {
  const auto events = HistoryOf(4, 0, 3).Since(1).value();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].revision, 2u);
  EXPECT_EQ(events[1].revision, 3u);
}

TEST(EventHistoryTest, ForgottenRevisionIsOutOfRangeAndSaysWhatIsKept) {
  const History history = HistoryOf(4, 0, 10);
  EXPECT_EQ(history.Since(6).value().size(), 4u);
  const absl::Status forgotten = history.Since(5).status();
  EXPECT_TRUE(absl::IsOutOfRange(forgotten));
  EXPECT_THAT(forgotten.message(), HasSubstr("after 6 to 10"));
}

TEST(EventHistoryTest, FutureRevisionIsOutOfRange) {
  EXPECT_TRUE(absl::IsOutOfRange(HistoryOf(4, 0, 2).Since(3).status()));
  EXPECT_TRUE(absl::IsOutOfRange(HistoryOf(4, 0, 2).Since(~uint64_t{0}).status()));
}

TEST(EventHistoryTest, NextIsTheOneEventThatFollows) {
  const History history = HistoryOf(2, 0, 4);
  EXPECT_TRUE(absl::IsOutOfRange(history.Next(1).status()));
  EXPECT_EQ(history.Next(2).value()->revision, 3u);
  EXPECT_EQ(history.Next(3).value()->revision, 4u);
  EXPECT_EQ(history.Next(4).value(), nullptr);
}

TEST(EventHistoryTest, HistoryThatStartsLateKnowsNothingEarlier) {
  const History history = HistoryOf(4, 100, 1);
  EXPECT_EQ(history.Since(100).value().size(), 1u);
  EXPECT_TRUE(absl::IsOutOfRange(history.Since(99).status()));
}

}  // namespace
}  // namespace tombolo::control

// The checker itself: histories that were spoilt have to be refused, and of small ones it says what
// trying all orders says.
#include "tests/kvcache/history/register_checker.h"

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace tombolo::kvcache {
namespace {

using Kind = Operation::Kind;
using History = std::vector<Operation>;

Operation Write(uint64_t version, int64_t begin_ns, int64_t end_ns) {
  return {.kind = Kind::kWrite, .version = version, .begin_ns = begin_ns, .end_ns = end_ns};
}
Operation Read(uint64_t version, int64_t begin_ns, int64_t end_ns) {
  return {.kind = Kind::kRead, .version = version, .begin_ns = begin_ns, .end_ns = end_ns};
}
Operation Clear(int64_t begin_ns, int64_t end_ns) {
  return {.kind = Kind::kClear, .begin_ns = begin_ns, .end_ns = end_ns};
}

TEST(RegisterCheckerTest, BelievesWhatARegisterDoes) {
  const History histories[] = {
      {},
      {Write(1, 0, 10), Read(1, 20, 30), Write(2, 40, 50), Read(2, 60, 70)},
      {Write(1, 0, 10), Clear(20, 30), Write(2, 40, 50), Clear(60, 70), Clear(80, 90)},
      // At the same time: either order.
      {Write(1, 0, 100), Write(2, 0, 100), Read(1, 10, 20), Read(2, 110, 120)},
      {Write(1, 0, 100), Write(2, 0, 100), Read(2, 10, 20), Read(1, 110, 120)},
      {Write(1, 0, 10), Write(2, 20, 90), Read(1, 30, 40), Read(2, 50, 60)},
      {Write(1, 0, 10), Read(1, 20, 50), Clear(30, 60)},
      {Write(1, 0, 10), Clear(20, 60), Read(1, 30, 50)},
      // Nobody knows whether the second write was run.
      {Write(1, 0, 10), Write(2, 20, kUnanswered), Read(1, 30, 40), Read(2, 90, 99)},
      {Write(1, 0, 10), Write(2, 20, kUnanswered), Read(1, 30, 40)},
      {Write(1, 0, 10), Clear(20, kUnanswered), Read(1, 30, 40)},
  };
  for (const History& history : histories) EXPECT_EQ(WhyImpossible(history), "");
}

TEST(RegisterCheckerTest, RefusesWhatNoRegisterDoes) {
  const std::pair<const char*, History> histories[] = {
      {"invented", {Read(1, 0, 10)}},
      {"of the future", {Read(1, 0, 10), Write(1, 20, 30)}},
      {"written twice", {Write(1, 0, 10), Write(1, 20, 30)}},
      {"stale", {Write(1, 0, 10), Write(2, 20, 30), Read(1, 40, 50)}},
      {"back after a delete", {Write(1, 0, 10), Clear(20, 30), Read(1, 40, 50)}},
      {"back after a miss", {Write(1, 0, 10), Read(1, 12, 14), Clear(20, 30), Read(1, 40, 50)}},
      {"back after another",
       {Write(1, 0, 100), Write(2, 0, 100), Read(1, 10, 20), Read(2, 30, 40), Read(1, 50, 60)}},
      {"new before old", {Write(1, 0, 10), Write(2, 20, 90), Read(2, 30, 40), Read(1, 50, 60)}},
      {"a late write runs twice",
       {Write(1, 0, kUnanswered), Read(1, 10, 20), Write(2, 30, 40), Read(2, 50, 60),
        Read(1, 70, 80)}},
      {"lost and found",
       {Write(1, 0, kUnanswered), Read(1, 10, 20), Clear(30, 40), Read(1, 50, 60)}},
  };
  for (const auto& [name, history] : histories) EXPECT_NE(WhyImpossible(history), "") << name;
}

// What clients of a real register see, with one operation at each moment and random time around it.
History RandomHistory(std::minstd_rand& random, int operations, int64_t widest_ns) {
  History history;
  uint64_t there = 0;
  uint64_t last_version = 0;
  for (int64_t i = 1; i <= operations; ++i) {
    const int64_t begin_ns = 10 * i - 1 - static_cast<int64_t>(random()) % widest_ns;
    const int64_t end_ns = 10 * i + 1 + static_cast<int64_t>(random()) % widest_ns;
    const auto dice = random() % 10;
    if (dice < 3) {
      there = ++last_version;
      history.push_back(Write(there, begin_ns, random() % 8 == 0 ? kUnanswered : end_ns));
    } else if (dice == 3 || there == 0) {
      there = 0;
      history.push_back(Clear(begin_ns, end_ns));
    } else {
      history.push_back(Read(there, begin_ns, end_ns));
    }
  }
  return history;
}

// A read of something older than what was acknowledged before it; false: there is no such place.
bool Spoil(History& history, std::minstd_rand& random) {
  const size_t first = random() % history.size();
  for (size_t i = 0; i < history.size(); ++i) {
    Operation& read = history[(first + i) % history.size()];
    if (read.kind != Kind::kRead) continue;
    const auto older = std::find_if(history.begin(), history.end(), [&](const Operation& write) {
      if (write.kind != Kind::kWrite || write.end_ns == kUnanswered) return false;
      return std::any_of(history.begin(), history.end(), [&](const Operation& next) {
        return next.kind != Kind::kRead && next.begin_ns > write.end_ns &&
               next.end_ns < read.begin_ns;
      });
    });
    if (older == history.end()) continue;
    read.version = older->version;
    return true;
  }
  return false;
}

TEST(RegisterCheckerTest, RefusesEveryHistoryThatWasSpoilt) {
  std::minstd_rand random(1);
  int spoilt = 0;
  for (int round = 0; round < 2000; ++round) {
    History history = RandomHistory(random, 200, 1 + round % 100);
    std::shuffle(history.begin(), history.end(), random);
    ASSERT_EQ(WhyImpossible(history), "") << "round " << round;
    if (!Spoil(history, random)) continue;
    ++spoilt;
    ASSERT_NE(WhyImpossible(history), "") << "round " << round;
  }
  EXPECT_GT(spoilt, 1900);
}

// Whether some order explains what is left, when `there` is there.
bool HasOrder(const History& left, uint64_t there) {
  const bool is_done = std::all_of(left.begin(), left.end(), [](const Operation& operation) {
    return operation.end_ns == kUnanswered;
  });
  if (is_done) return true;
  for (size_t i = 0; i < left.size(); ++i) {
    const Operation& next = left[i];
    const bool must_wait = std::any_of(left.begin(), left.end(), [&](const Operation& other) {
      return other.end_ns < next.begin_ns;
    });
    if (must_wait || (next.kind == Kind::kRead && next.version != there)) continue;
    History rest = left;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
    if (HasOrder(rest, next.kind == Kind::kClear ? 0 : next.version)) return true;
  }
  return false;
}

// Any operations, possible or not; no two moments are the same.
History RandomOperations(std::minstd_rand& random) {
  constexpr int kOperations = 6;
  std::vector<int64_t> moments(2 * kOperations);
  for (size_t i = 0; i < moments.size(); ++i) moments[i] = static_cast<int64_t>(i);
  // Near to where they were, so that not everything happens at once.
  for (size_t i = 0; i + 4 < moments.size(); ++i) std::swap(moments[i], moments[i + random() % 5]);
  History history;
  for (size_t i = 0; i < kOperations; ++i) {
    const auto [begin_ns, end_ns] = std::minmax(moments[2 * i], moments[2 * i + 1]);
    if (i < 2) {
      history.push_back(Write(i + 1, begin_ns, random() % 4 == 0 ? kUnanswered : end_ns));
    } else {
      const uint64_t version = random() % 3;
      history.push_back(version == 0 ? Clear(begin_ns, end_ns) : Read(version, begin_ns, end_ns));
    }
  }
  return history;
}

TEST(RegisterCheckerTest, SaysWhatTryingAllOrdersSays) {
  std::minstd_rand random(2);
  int possible = 0;
  constexpr int kRounds = 20'000;
  for (int round = 0; round < kRounds; ++round) {
    const History history = RandomOperations(random);
    const bool has_order = HasOrder(history, 0);
    possible += has_order;
    ASSERT_EQ(WhyImpossible(history).empty(), has_order) << "round " << round;
  }
  EXPECT_GT(possible, kRounds / 20);
  EXPECT_LT(possible, kRounds - kRounds / 20);
}

}  // namespace
}  // namespace tombolo::kvcache

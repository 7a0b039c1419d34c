#include "control/cli/top_rates.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/cli/stat_text.h"
#include "control/counters/endpoint_counters.h"

namespace tombolo::control {
namespace {

// The first of all counters.
constexpr size_t kMessagesSent = 0;
constexpr size_t kBytesSent = 1;

EndpointStat Stat(uint32_t index, const std::string& name, uint64_t messages, uint64_t bytes = 0) {
  EndpointStat stat;
  stat.info.id = {.index = index, .incarnation = 1};
  stat.info.name = name;
  stat.counters[kMessagesSent] = messages;
  stat.counters[kBytesSent] = bytes;
  return stat;
}

RegionStat Stats(std::vector<EndpointStat> endpoints) {
  RegionStat stats;
  stats.endpoints = std::move(endpoints);
  return stats;
}

std::string NamesIn(const RegionRates& rates) {
  std::string names;
  for (const EndpointRates& one : rates.endpoints) names += one.info.name;
  return names;
}

TEST(TopRatesTest, RatesAreDifferencesByTheSecond) {
  const auto rates = RatesBetween(Stats({Stat(1, "a", 100)}), Stats({Stat(1, "a", 150)}), 2);
  EXPECT_EQ(rates.endpoints.at(0).per_second[kMessagesSent], 25);
}

TEST(TopRatesTest, NewcomersHaveNoRateYet) {
  const auto rates = RatesBetween(Stats({Stat(1, "a", 1)}), Stats({Stat(2, "b", 1000)}), 1);
  EXPECT_EQ(NamesIn(rates), "b");
  EXPECT_EQ(rates.endpoints.at(0).per_second[kMessagesSent], 0);
}

TEST(TopRatesTest, CountersOfAnIndexGoOnWithItsNextEndpoint) {
  EndpointStat next = Stat(1, "b", 110);
  next.info.id.incarnation = 2;
  const auto rates = RatesBetween(Stats({Stat(1, "a", 100)}), Stats({next}), 1);
  EXPECT_EQ(rates.endpoints.at(0).per_second[kMessagesSent], 10);
}

TEST(TopRatesTest, CountersThatGoBackAndTimesThatAreNoneGiveZero) {
  const auto back = RatesBetween(Stats({Stat(1, "a", 100)}), Stats({Stat(1, "a", 50)}), 1);
  EXPECT_EQ(back.endpoints.at(0).per_second[kMessagesSent], 0);
  const auto at_once = RatesBetween(Stats({Stat(1, "a", 100)}), Stats({Stat(1, "a", 150)}), 0);
  EXPECT_EQ(at_once.endpoints.at(0).per_second[kMessagesSent], 0);
}

TEST(TopRatesTest, IsSortedByTrafficPlaceOrName) {
  const RegionStat before = Stats({Stat(1, "c", 0), Stat(2, "a", 0), Stat(3, "b", 0)});
  const RegionStat now = Stats({Stat(1, "c", 0, 1), Stat(2, "a", 0, 2), Stat(3, "b", 0, 3)});
  RegionRates rates = RatesBetween(before, now, 1);
  Sort(rates, TopOrder::kTraffic);
  EXPECT_EQ(NamesIn(rates), "bac");
  Sort(rates, TopOrder::kSlot);
  EXPECT_EQ(NamesIn(rates), "cab");
  Sort(rates, TopOrder::kName);
  EXPECT_EQ(NamesIn(rates), "abc");
}

TEST(TopRatesTest, WhatIsShownIsPrintable) {
  const auto rates = RatesBetween(Stats({}), Stats({Stat(1, "a\033[2J", 0)}), 1);
  ASSERT_EQ(TopLines(rates).size(), 2u);
  EXPECT_NE(TopLines(rates)[1].find("a?[2J"), std::string::npos);
  EXPECT_NE(TopJson(rates).find("a?[2J"), std::string::npos);
}

}  // namespace
}  // namespace tombolo::control

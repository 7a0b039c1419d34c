#include "control/cli/kv_rates.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "control/cli/kv_servers.h"
#include "control/memcached/memcached_client.h"

namespace tombolo::control {
namespace {

constexpr size_t kGets = 0;  // Of kKvCounters.

KvAnswer Answer(std::string server, Statistics statistics) {
  return {std::move(server), std::move(statistics)};
}

KvAnswer Counted(const std::string& gets, const std::string& hits, const std::string& misses) {
  return Answer("a", {{"pid", "7"},
                      {"uptime", "100"},
                      {"cmd_get", gets},
                      {"get_hits", hits},
                      {"get_misses", misses}});
}

KvAnswer Silent() { return {"a", absl::UnavailableError("nobody\033[2J")}; }

double GetsPerSecond(const KvAnswer& before, const KvAnswer& now) {
  return KvRatesBetween({before}, {now}, 2).at(0).per_second[kGets];
}

TEST(KvRatesTest, RatesAreDifferencesByTheSecond) {
  const auto rates = KvRatesBetween({Counted("10", "0", "5")}, {Counted("30", "15", "10")}, 2);
  EXPECT_EQ(rates.at(0).per_second[kGets], 10);
  EXPECT_EQ(rates.at(0).hit_ratio, 0.75);
}

TEST(KvRatesTest, WhatWentBackOrIsNoNumberOrNotThereGivesZero) {
  EXPECT_EQ(GetsPerSecond(Counted("30", "0", "0"), Counted("10", "0", "0")), 0);
  EXPECT_EQ(GetsPerSecond(Counted("1", "0", "0"), Counted("lots", "0", "0")), 0);
  EXPECT_EQ(GetsPerSecond(Answer("a", {}), Answer("a", {})), 0);
  const auto at_once = KvRatesBetween({Counted("1", "0", "0")}, {Counted("9", "0", "0")}, 0);
  EXPECT_EQ(at_once.at(0).per_second[kGets], 0);
  EXPECT_FALSE(at_once.at(0).hit_ratio);
}

TEST(KvRatesTest, AServerThatBeganAnewHasNoRateYet) {
  KvAnswer other_pid = Counted("900", "0", "0");
  (*other_pid.statistics)[0].second = "8";
  EXPECT_EQ(GetsPerSecond(Counted("10", "0", "0"), other_pid), 0);
  KvAnswer younger = Counted("900", "0", "0");
  (*younger.statistics)[1].second = "1";
  EXPECT_EQ(GetsPerSecond(Counted("10", "0", "0"), younger), 0);
}

TEST(KvRatesTest, AServerThatWasSilentAtOneOfTheLooksHasNoRate) {
  EXPECT_EQ(GetsPerSecond(Silent(), Counted("900", "0", "0")), 0);
  EXPECT_EQ(GetsPerSecond(Counted("900", "0", "0"), Silent()), 0);
  const auto rates = KvRatesBetween({Counted("9", "0", "0")}, {Silent()}, 1);
  EXPECT_NE(KvTopLines(rates).at(1).find("nobody?[2J"), std::string::npos);
  EXPECT_NE(KvTopJson(rates, 1).find("\"error\":\"nobody"), std::string::npos);
}

TEST(KvRatesTest, IsSortedByTraffic) {
  const std::vector<KvAnswer> before = {Answer("a", {{"cmd_set", "1"}, {"cmd_get", "1"}}),
                                        Answer("b", {{"cmd_set", "1"}, {"cmd_get", "1"}})};
  const std::vector<KvAnswer> now = {Answer("a", {{"cmd_set", "1"}, {"cmd_get", "4"}}),
                                     Answer("b", {{"cmd_set", "3"}, {"cmd_get", "3"}})};
  std::vector<KvRates> rates = KvRatesBetween(before, now, 1);
  Sort(rates, KvOrder::kGiven);
  EXPECT_EQ(rates.at(0).server, "a");
  Sort(rates, KvOrder::kTraffic);
  EXPECT_EQ(rates.at(0).server, "b");
}

}  // namespace
}  // namespace tombolo::control

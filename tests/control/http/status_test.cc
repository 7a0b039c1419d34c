// What is told of a daemon, from snapshots that were made up and from a region's counters.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/counters/endpoint_counters.h"
#include "control/http/daemon_status.h"
#include "control/http/ledger.h"
#include "control/http/metrics_text.h"
#include "control/http/process_stats.h"
#include "control/http/status_json.h"
#include "control/registry/membership.h"
#include "transport/base/units.h"
#include "transport/device/simulated_device.h"
#include "transport/layout/counters.h"
#include "transport/region/geometry.h"
#include "transport/region/region.h"

namespace tombolo::control {
namespace {

using nlohmann::json;

// Every counter of slot 2 has its own value: its place and 100.
Totals MadeUpTotals() {
  Totals totals{.events = {1, 2, 3, 4, 5, 6}, .slots = {}};
  for (size_t i = 0; i < kCounters; ++i) totals.slots[2][i] = 100 + i;
  return totals;
}

// A host with one endpoint, whose name would be markup, and a machine without a broker.
MembershipSnapshot MadeUpPeers() {
  MembershipSnapshot membership{.revision = 9, .peers = std::vector<PeerInfo>(2)};
  PeerInfo& host = membership.peers[0];
  host.kind = PeerKind::kHost;
  host.state = PeerState::kReady;
  host.endpoints.resize(1);
  host.endpoints[0].name = "<b>\"\\";
  membership.peers[1].slot = 2;
  return membership;
}

DaemonStatus MadeUp() {
  DaemonStatus status;
  status.now_unix_ns = 1'700'000'100 * kNsPerSecond;
  status.started_unix_ns = 1'700'000'000 * kNsPerSecond;
  status.now_ns = 50 * kNsPerSecond;
  status.beat = Beat{.at_ns = 49 * kNsPerSecond, .dead_endpoints = 3, .services = 4};
  status.region.uuid = "1b4e28ba";
  status.region.size_bytes = 4096;
  status.region.free_bytes = 1024;
  status.region.slots = 4;
  status.region.vectors = 5;
  status.region.endpoints = 6;
  status.region.layout_version = 7;
  status.membership = MadeUpPeers();
  status.totals = MadeUpTotals();
  status.process = {
      .cpu_seconds = 1.5, .resident_bytes = 8, .open_descriptors = 9, .max_descriptors = 10};
  return status;
}

void ExpectLine(const std::string& text, const std::string& line) {
  EXPECT_NE(("\n" + text).find("\n" + line + "\n"), std::string::npos) << line << " in\n" << text;
}

TEST(MetricsTextTest, TellsOfRegionPeersAndDaemon) {
  const std::string text = MetricsText(MadeUp());
  ExpectLine(text, "# TYPE tombolo_region_size_bytes gauge");
  ExpectLine(text, "tombolo_region_size_bytes 4096");
  ExpectLine(text, "tombolo_region_free_bytes 1024");
  ExpectLine(text, "tombolo_region_slots 4");
  ExpectLine(text, "tombolo_region_max_endpoints 6");
  ExpectLine(text, "tombolo_region_info{uuid=\"1b4e28ba\"} 1");
  ExpectLine(text, "tombolo_peers{kind=\"host\",state=\"ready\"} 1");
  ExpectLine(text, "tombolo_peers{kind=\"host\",state=\"connected\"} 0");
  ExpectLine(text, "tombolo_peers{kind=\"vm\",state=\"connected\"} 1");
  ExpectLine(text, "tombolo_peer_ready{slot=\"0\"} 1");
  ExpectLine(text, "tombolo_peer_ready{slot=\"2\"} 0");
  ExpectLine(text, "tombolo_endpoints{slot=\"0\"} 1");
  ExpectLine(text, "tombolo_membership_revision 9");
  ExpectLine(text, "# TYPE tombolo_membership_events_total counter");
  ExpectLine(text, "tombolo_membership_events_total{event=\"joined\"} 1");
  ExpectLine(text, "tombolo_membership_events_total{event=\"gone\"} 6");
  ExpectLine(text, "tombolo_dead_endpoints 3");
  ExpectLine(text, "tombolo_services 4");
  ExpectLine(text, "tombolo_heartbeat_age_seconds 1");
  ExpectLine(text, "process_start_time_seconds 1700000000");
  ExpectLine(text, "process_cpu_seconds_total 1.5");
  ExpectLine(text, "process_resident_memory_bytes 8");
  ExpectLine(text, "process_open_fds 9");
  ExpectLine(text, "process_max_fds 10");
}

TEST(MetricsTextTest, TellsOfFurtherRegions) {
  DaemonStatus status = MadeUp();
  EXPECT_EQ(MetricsText(status).find("{region="), std::string::npos);
  status.regions = {{.name = "blue", .virtual_machines = 2, .endpoints = 5, .services = 1},
                    {.name = "green", .problem = "it is of another version"}};
  status.regions[0].info.size_bytes = 8192;
  status.regions[0].info.free_bytes = 4096;
  const std::string text = MetricsText(status);
  ExpectLine(text, "tombolo_further_region_served{region=\"blue\"} 1");
  ExpectLine(text, "tombolo_further_region_served{region=\"green\"} 0");
  ExpectLine(text, "tombolo_further_region_size_bytes{region=\"blue\"} 8192");
  ExpectLine(text, "tombolo_further_region_free_bytes{region=\"blue\"} 4096");
  ExpectLine(text, "tombolo_further_region_virtual_machines{region=\"blue\"} 2");
  ExpectLine(text, "tombolo_further_region_endpoints{region=\"blue\"} 5");
  ExpectLine(text, "tombolo_further_region_services{region=\"blue\"} 1");
  EXPECT_EQ(text.find("size_bytes{region=\"green\"}"), std::string::npos) << "it is not known";
  const json regions = json::parse(StatusJson(status))["further_regions"];
  ASSERT_EQ(regions.size(), 2u);
  EXPECT_EQ(regions[0]["problem"], nullptr);
  EXPECT_EQ(regions[0]["endpoints"], 5);
  EXPECT_EQ(regions[1]["problem"], "it is of another version");
}

TEST(MetricsTextTest, HasEveryCounterOnce) {
  const std::string text = MetricsText(MadeUp());
  ExpectLine(text, "# TYPE tombolo_messages_sent_total counter");
  ExpectLine(text, "tombolo_messages_sent_total{slot=\"2\"} 100");
  ExpectLine(text, "tombolo_sent_bytes_total{slot=\"2\"} 101");
  ExpectLine(text, "tombolo_messages_received_total{slot=\"2\"} 102");
  ExpectLine(text, "tombolo_received_bytes_total{slot=\"2\"} 103");
  ExpectLine(text, "tombolo_doorbell_storms_total{slot=\"2\"} 113");
  ExpectLine(text, "tombolo_bad_peer_data_total{slot=\"2\",check=\"header\"} 114");
  ExpectLine(text, "tombolo_bad_peer_data_total{slot=\"2\",check=\"frame\"} 118");
  for (size_t i = 0; i < kCounters; ++i) {
    const std::string value = "} " + std::to_string(100 + i) + "\n";
    const size_t first = text.find(value);
    ASSERT_NE(first, std::string::npos) << CounterName(i);
    EXPECT_EQ(text.find(value, first + 1), std::string::npos) << CounterName(i);
  }
}

TEST(MetricsTextTest, NoLabelIsWhatAGuestChose) {
  EXPECT_EQ(MetricsText(MadeUp()).find("<b>"), std::string::npos);
}

TEST(StatusJsonTest, TellsAllOfTheSnapshot) {
  const json status = json::parse(StatusJson(MadeUp()));
  EXPECT_EQ(status["schema"], 1);
  EXPECT_EQ(status["time"], "2023-11-14T22:15:00Z");
  EXPECT_EQ(status["monotonic_s"], 50.0);
  EXPECT_EQ(status["started_at"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(status["health"], "good");
  EXPECT_EQ(status["heartbeat_age_s"], 1.0);
  EXPECT_EQ(status["region"], json::parse(R"({"uuid": "1b4e28ba", "size_bytes": 4096,
      "free_bytes": 1024, "slots": 4, "vectors": 5, "endpoints": 6, "layout_version": 7})"));
  EXPECT_EQ(status["revision"], 9);
  EXPECT_EQ(status["dead_endpoints"], 3);
  EXPECT_EQ(status["services"], 4);
  EXPECT_EQ(status["events"]["rebooted"], 3);
  ASSERT_EQ(status["peers"].size(), 2u);
  EXPECT_EQ(status["peers"][0]["endpoints"][0]["name"], "<b>\"\\");
  EXPECT_EQ(status["peers"][1]["state"], "connected");
  ASSERT_EQ(status["slots"].size(), 1u);
  EXPECT_EQ(status["slots"][0]["slot"], 2);
  EXPECT_EQ(status["slots"][0]["counters"].size(), kCounters);
  EXPECT_EQ(status["slots"][0]["counters"]["bytes_sent"], 101);
  EXPECT_EQ(status["process"]["open_descriptors"], 9);
}

TEST(StatusJsonTest, BeforeTheFirstBeatItIsStarting) {
  DaemonStatus status = MadeUp();
  status.beat.reset();
  const json told = json::parse(StatusJson(status));
  EXPECT_EQ(told["health"], "starting");
  EXPECT_TRUE(told["heartbeat_age_s"].is_null());
  EXPECT_EQ(MetricsText(status).find("tombolo_heartbeat_age_seconds"), std::string::npos);
}

TEST(HealthTest, ALoopThatHasNotTurnedForLongIsStuck) {
  const Beat beat{.at_ns = 1000};
  EXPECT_EQ(HealthOf(std::nullopt, 1000), Health::kStarting);
  EXPECT_EQ(HealthOf(beat, 1000 + Heartbeat::kStuckNs), Health::kGood);
  EXPECT_EQ(HealthOf(beat, 1001 + Heartbeat::kStuckNs), Health::kStuck);
}

TEST(ProcessStatsTest, ThisProcessHasSomeOfEverything) {
  const ProcessStats stats = ReadProcessStats();
  EXPECT_GT(stats.resident_bytes, 4096u);
  EXPECT_GE(stats.open_descriptors, 3u);
  EXPECT_GT(stats.max_descriptors, stats.open_descriptors);
}

// Events of a registry and counters of endpoints, both by hand.
class LedgerTest : public testing::Test {
 protected:
  void Tell(EventKind kind, uint32_t slot, uint32_t index) {
    MembershipEvent event;
    event.kind = kind;
    event.peer.slot = slot;
    event.endpoints.resize(1);
    event.endpoints[0].id = {index, 1};
    ledger_.OnEvent(event);
  }

  void Count(uint32_t index, uint64_t messages_sent) {
    region_.Counters(index).messages_sent.store(messages_sent, std::memory_order_relaxed);
  }

  uint64_t SentBy(uint32_t slot) const {
    return ValueOf(ledger_.Read().slots.at(slot), "messages_sent");
  }

  const std::shared_ptr<SimulatedRegion> memory_ = *SimulatedRegion::Create(16 << 20, 4, 4);
  const Region region_ = *Region::Format(
      memory_->Memory(),
      {.region_bytes = 16 << 20, .slot_count = 4, .vector_count = 4, .endpoint_count = 64},
      RegionUuid{}, CacheSizes{});
  Ledger ledger_{region_, {}};
};

TEST_F(LedgerTest, WhatAnIndexCountsGoesToWhoHasIt) {
  Tell(EventKind::kEndpointAttached, 1, 0);
  Count(0, 10);
  EXPECT_EQ(SentBy(1), 10u);
  Count(0, 15);
  Tell(EventKind::kEndpointGone, 1, 0);
  EXPECT_EQ(SentBy(1), 15u);
  Tell(EventKind::kEndpointAttached, 2, 0);
  EXPECT_EQ(SentBy(2), 0u);
  Count(0, 18);
  EXPECT_EQ(SentBy(2), 3u);
  EXPECT_EQ(SentBy(1), 15u);
}

TEST_F(LedgerTest, APeerThatLeavesTakesNothingBack) {
  Tell(EventKind::kEndpointAttached, 1, 0);
  Tell(EventKind::kEndpointAttached, 1, 1);
  Count(0, 10);
  Count(1, 5);
  Tell(EventKind::kPeerLeft, 1, 0);
  EXPECT_EQ(SentBy(1), 15u);
}

TEST_F(LedgerTest, ACounterThatIsSetBackTakesNothingFromOthers) {
  Count(0, 100);
  Tell(EventKind::kEndpointAttached, 1, 0);
  Tell(EventKind::kEndpointAttached, 1, 1);
  Count(1, 5);
  Count(0, 1);
  EXPECT_EQ(SentBy(1), 5u);
}

// As a daemon finds them that goes on where another one was killed.
TEST_F(LedgerTest, EndpointsThatLiveAlreadyCountFromThenOn) {
  MembershipSnapshot start{.revision = 7, .peers = std::vector<PeerInfo>(1)};
  start.peers[0].slot = 2;
  start.peers[0].endpoints.resize(1);
  start.peers[0].endpoints[0].id = {3, 1};
  Count(3, 100);
  Ledger successor(region_, start);
  EXPECT_EQ(ValueOf(successor.Read().slots.at(2), "messages_sent"), 0u);
  Count(3, 104);
  EXPECT_EQ(ValueOf(successor.Read().slots.at(2), "messages_sent"), 4u);
  MembershipEvent gone;
  gone.kind = EventKind::kEndpointGone;
  gone.peer.slot = 2;
  gone.endpoints = start.peers[0].endpoints;
  successor.OnEvent(gone);
  EXPECT_EQ(ValueOf(successor.Read().slots.at(2), "messages_sent"), 4u);
}

TEST_F(LedgerTest, CountsEventsByKind) {
  Tell(EventKind::kPeerJoined, 1, 0);
  Tell(EventKind::kEndpointAttached, 1, 0);
  Tell(EventKind::kEndpointAttached, 1, 1);
  const Totals totals = ledger_.Read();
  EXPECT_EQ(totals.events, (std::array<uint64_t, kEventKinds.size()>{1, 0, 0, 0, 2, 0}));
}

}  // namespace
}  // namespace tombolo::control

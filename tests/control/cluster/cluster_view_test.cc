#include "control/cluster/cluster_view.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/cluster/cluster_info.h"
#include "control/cluster/cluster_values.h"
#include "control/cluster/etcd_item.h"
#include "control/registry/membership.h"

namespace tombolo::control {
namespace {

constexpr char kPrefix[] = "/tombolo";
constexpr char kUuid[] = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";

ClusterRegion SomeRegion() {
  ClusterRegion region;
  region.region.uuid = kUuid;
  region.region.slots = 4;
  region.region.membership_epoch = 7;
  region.peers = {{.peer = {.slot = 0,
                            .kind = PeerKind::kHost,
                            .state = PeerState::kReady,
                            .incarnation = 1,
                            .boot_id = "b",
                            .joined_unix_ns = 5,
                            .endpoints = {}},
                   .endpoints = {{"agent", 1}, {"rank", 4}}},
                  {.peer = {.slot = 3,
                            .kind = PeerKind::kVm,
                            .state = PeerState::kConnected,
                            .incarnation = 2,
                            .boot_id = "",
                            .joined_unix_ns = 6,
                            .endpoints = {}},
                   .endpoints = {}}};
  region.services = {{.entry = {.index = 1, .incarnation = 2, .name = "cache", .writer = {3, 4}},
                      .writer_slot = 3,
                      .writer_name = "kv"}};
  return region;
}

ClusterHost SomeHost(const std::string& name) {
  return {.name = name,
          .instance = kUuid,
          .machines = {{0, "m", 8}},
          .kv_servers = {"10.0.0.1:11211"},
          .regions = {}};
}

EtcdItem HostItem(const std::string& name) {
  return {HostKey(kPrefix, name), HostValue(SomeHost(name)), 1, 1};
}

EtcdItem RegionItem(const std::string& name) {
  return {RegionKey(kPrefix, name, kUuid), RegionValue(SomeRegion()), 1, 1};
}

ClusterView MakeView() {
  return ClusterView(kPrefix, [] { return SomeHost("own"); });
}

std::vector<std::string> NamesIn(const ClusterInfo& info) {
  std::vector<std::string> names;
  for (const ClusterHost& host : info.hosts) names.push_back(host.name);
  return names;
}

using Names = std::vector<std::string>;

// `value` with one of its parts replaced.
std::string Instead(std::string value, const std::string& part, const std::string& other) {
  const size_t place = value.find(part);
  EXPECT_NE(place, std::string::npos) << value;
  return place == std::string::npos ? value : value.replace(place, part.size(), other);
}

TEST(ClusterValuesTest, WhatIsWrittenIsRead) {
  const absl::StatusOr<ClusterHost> host = ParseHostValue({"a", ""}, HostValue(SomeHost("a")));
  ASSERT_TRUE(host.ok()) << host.status();
  EXPECT_EQ(*host, SomeHost("a"));
  const absl::StatusOr<ClusterRegion> region =
      ParseRegionValue({"a", kUuid}, RegionValue(SomeRegion()));
  ASSERT_TRUE(region.ok()) << region.status();
  EXPECT_EQ(*region, SomeRegion());
}

TEST(ClusterValuesTest, AValueIsOfItsKey) {
  EXPECT_FALSE(ParseHostValue({"b", ""}, HostValue(SomeHost("a"))).ok());
  EXPECT_FALSE(ParseRegionValue({"a", std::string(36, '0')}, RegionValue(SomeRegion())).ok());
}

TEST(ClusterValuesTest, FieldsThatAreNotKnownAreSkipped) {
  const std::string value = Instead(HostValue(SomeHost("a")), "{", "{\"new\": [1, {}], ");
  EXPECT_TRUE(ParseHostValue({"a", ""}, value).ok());
}

TEST(ClusterValuesTest, AFieldThatMakesNoSenseRefusesTheValue) {
  const std::string value = RegionValue(SomeRegion());
  for (const auto& [part, other] : std::vector<std::pair<std::string, std::string>>{
           {"\"schema\":1", "\"schema\":2"},
           {"\"slots\":4", "\"slots\":-4"},
           {"\"slots\":4", "\"slots\":4294967296"},
           {"\"slots\":4", "\"slots\":3"},  // A peer is in slot 3.
           {"\"slot\":3", "\"slot\":0"},    // Two peers are in slot 0.
           {"\"kind\":\"vm\"", "\"kind\":\"cow\""},
           {"\"agent\"", "\"\\u001b[2J\""},  // No order to the terminal.
           {"\"agent\"", "\"a name of more than thirty-one bytes\""},
           {"\"peers\":[", "\"peers\":[5,"},
           {"\"name\":\"cache\"", "\"name\":5"},
           {"\"joined_unix_ns\":5", "\"joined_unix_ns\":18446744073709551615"}}) {
    EXPECT_FALSE(ParseRegionValue({"a", kUuid}, Instead(value, part, other)).ok()) << other;
  }
  for (const char* text : {"", "{", "[]", "null", "\"x\"", "{}", "{\"schema\":1}", "\xff"}) {
    EXPECT_FALSE(ParseRegionValue({"a", kUuid}, text).ok()) << text;
    EXPECT_FALSE(ParseHostValue({"a", ""}, text).ok()) << text;
  }
}

TEST(ClusterValuesTest, NamesAndAddressesAreNoOrders) {
  for (const char* name : {"", "-oProxyCommand=x", ".", "a b", "a/b", "a\n"}) {
    EXPECT_FALSE(CheckHostName(name).ok()) << name;
  }
  EXPECT_TRUE(CheckHostName("node-1.example").ok());
  for (const char* address : {"", "a", "a:", "a:0", "a:65536", ":1", "-a:1", "a b:1", "$(x):1"}) {
    EXPECT_FALSE(CheckHostPort(address).ok()) << address;
  }
  EXPECT_TRUE(CheckHostPort("[fd00::1]:11211").ok());
}

TEST(ClusterValuesTest, MachinesAreRead) {
  EXPECT_EQ(*ParseMachine("3=vm3:8"), (ClusterMachine{3, "vm3", 8}));
  EXPECT_EQ(*ParseMachine("0=a"), (ClusterMachine{0, "a", 1}));
  for (const char* text : {"", "3", "=a", "3=", "3=a:", "3=a:0", "x=a", "3=-a", "-1=a"}) {
    EXPECT_FALSE(ParseMachine(text).ok()) << text;
  }
}

TEST(ClusterValuesTest, AValueThatWouldBeTooLargeLeavesEndpointsOut) {
  ClusterRegion region = SomeRegion();
  region.peers.clear();
  for (uint32_t slot = 0; slot < 1024; ++slot) {
    region.peers.push_back(SomeRegion().peers.front());
    region.peers.back().peer.slot = slot;
    region.peers.back().endpoints.assign(16, {std::string(31, 'e'), 1});
  }
  region.region.slots = 1024;
  const std::string value = RegionValue(region);
  ASSERT_LE(value.size(), kMaxClusterValueBytes);
  const absl::StatusOr<ClusterRegion> read = ParseRegionValue({"a", kUuid}, value);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->peers.size(), 1024U);
  EXPECT_TRUE(read->peers.front().endpoints.empty());
}

TEST(ClusterKeyTest, OnlyOurKeysAreKeys) {
  const auto host = ParseClusterKey(kPrefix, HostKey(kPrefix, "a"));
  ASSERT_TRUE(host);
  EXPECT_EQ(host->host, "a");
  EXPECT_EQ(host->region, "");
  const auto region = ParseClusterKey(kPrefix, RegionKey(kPrefix, "a", kUuid));
  ASSERT_TRUE(region);
  EXPECT_EQ(region->region, kUuid);
  for (const char* key :
       {"", "/tombolo", "/tombolo/v1/hosts/", "/tombolo/v1/hosts/a", "/tombolo/v1/hosts/a/",
        "/tombolo/v1/hosts/a/b", "/tombolo/v1/hosts//host", "/tombolo/v1/hosts/../host",
        "/tombolo/v1/hosts/a/regions/", "/tombolo/v1/hosts/a/regions/x",
        "/other/v1/hosts/a/host"}) {
    EXPECT_FALSE(ParseClusterKey(kPrefix, key)) << key;
  }
}

TEST(ClusterViewTest, HostsAreToldByNameWithTheOwnOne) {
  ClusterView view = MakeView();
  view.Replace({HostItem("a"), RegionItem("a"), HostItem("z"), HostItem("own")});
  const ClusterInfo info = view.Info(0);
  EXPECT_EQ(NamesIn(info), (Names{"a", "own", "z"}));
  EXPECT_EQ(info.hosts[0].regions, std::vector<ClusterRegion>{SomeRegion()});
}

TEST(ClusterViewTest, ARegionWithoutItsHostIsNotTold) {
  ClusterView view = MakeView();
  view.Replace({RegionItem("a")});
  EXPECT_EQ(NamesIn(view.Info(0)), Names{"own"});
  view.Apply({{.is_gone = false, .item = HostItem("a")}});
  EXPECT_EQ(view.Info(0).hosts[0].regions.size(), 1U);
}

TEST(ClusterViewTest, ChangesAreFollowed) {
  ClusterView view = MakeView();
  view.Replace({HostItem("a"), RegionItem("a")});
  view.Apply(
      {{.is_gone = true, .item = RegionItem("a")}, {.is_gone = false, .item = HostItem("b")}});
  EXPECT_EQ(NamesIn(view.Info(0)), (Names{"a", "b", "own"}));
  EXPECT_TRUE(view.Info(0).hosts[0].regions.empty());
  view.Apply({{.is_gone = true, .item = HostItem("a")}, {.is_gone = true, .item = HostItem("x")}});
  EXPECT_EQ(NamesIn(view.Info(0)), (Names{"b", "own"}));
}

TEST(ClusterViewTest, AValueThatGoesBadIsAsGoodAsGone) {
  ClusterView view = MakeView();
  view.Replace({HostItem("a")});
  view.Apply({{.is_gone = false, .item = {HostKey(kPrefix, "a"), "lie", 1, 2}}});
  EXPECT_EQ(NamesIn(view.Info(0)), Names{"own"});
  EXPECT_EQ(view.Info(0).refused_values, 1U);
  view.Apply({{.is_gone = false, .item = HostItem("a")}});
  EXPECT_EQ(view.Info(0).refused_values, 0U);
}

TEST(ClusterViewTest, MoreThanThereIsRoomForIsRefused) {
  ClusterView view = MakeView();
  std::vector<EtcdItem> items;
  for (size_t i = 0; i < ClusterView::kMaxKeys + 5; ++i) {
    items.push_back(HostItem("h" + std::to_string(i)));
  }
  view.Replace(items);
  EXPECT_EQ(view.Info(0).refused_values, 5U);
  EXPECT_EQ(view.Info(0).hosts.size(), ClusterView::kMaxKeys + 1);
  for (EtcdItem& item : items) item.value.append(ClusterView::kMaxBytes / 64, ' ');
  view.Replace(items);
  EXPECT_LE(view.Info(0).hosts.size(), 65U);
}

TEST(ClusterViewTest, TellsHowFreshItIs) {
  ClusterView view = MakeView();
  EXPECT_EQ(view.Info(10).state, EtcdState::kConnecting);
  view.NoteFailure("nobody");
  EXPECT_EQ(view.Info(10).state, EtcdState::kConnecting);
  EXPECT_FALSE(view.Info(10).age_ns);
  view.NoteAnswer(EtcdState::kConnected, "", 10);
  view.NoteFailure("gone");
  EXPECT_EQ(view.Info(25).state, EtcdState::kUnreachable);
  EXPECT_EQ(view.Info(25).problem, "gone");
  EXPECT_EQ(view.Info(25).age_ns, 15);
}

TEST(ClusterViewTest, WhoHasOurNameIsTheOneThatIsTold) {
  ClusterView view = MakeView();
  EtcdItem other = HostItem("own");
  other.value = Instead(other.value, kUuid, "another");
  view.Replace({other});
  EXPECT_EQ(view.Info(0).hosts[0].instance, kUuid);
  view.NoteAnswer(EtcdState::kNameTaken, "taken", 0);
  EXPECT_EQ(view.Info(0).hosts[0].instance, "another");
}

TEST(ClusterViewTest, KnowsWhenOurKeysWerePut) {
  ClusterView view = MakeView();
  EtcdItem item = HostItem("own");
  item.mod_revision = 9;
  view.Apply({{.is_gone = false, .item = item}});
  EXPECT_EQ(view.OwnRevision(item.key), 9);
  view.Apply({{.is_gone = true, .item = item}});
  EXPECT_EQ(view.OwnRevision(item.key), 0);
}

}  // namespace
}  // namespace tombolo::control

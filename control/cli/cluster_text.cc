#include "control/cli/cluster_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "control/cli/table.h"
#include "control/registry/membership.h"
#include "control/registry/service_info.h"
#include "control/words/membership_json.h"
#include "control/words/words.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

const char* Word(EtcdState state) {
  switch (state) {
    case EtcdState::kConnecting:
      return "connecting";
    case EtcdState::kConnected:
      return "connected";
    case EtcdState::kUnreachable:
      return "unreachable";
    case EtcdState::kNameTaken:
      return "name-taken";
  }
  return "connecting";
}

double SecondsOf(int64_t ns) { return static_cast<double>(ns) / static_cast<double>(kNsPerSecond); }

std::string CountsText(const std::vector<EndpointCount>& endpoints) {
  if (endpoints.empty()) return "-";
  return absl::StrJoin(endpoints, ", ", [](std::string* text, const EndpointCount& one) {
    absl::StrAppend(text, Printable(one.name));
    if (one.count != 1) absl::StrAppend(text, " x", one.count);
  });
}

Json ClusterPeerJson(const ClusterPeer& peer) {
  Json json = PeerJson(peer.peer);
  json["endpoints"] = Json::array();
  for (const EndpointCount& one : peer.endpoints) {
    json["endpoints"].push_back({{"name", one.name}, {"count", one.count}});
  }
  return json;
}

Json ServiceJson(const ServiceInfo& service) {
  const bool is_written = service.entry.writer.incarnation != 0;
  return {{"name", service.entry.name},
          {"index", service.entry.index},
          {"incarnation", service.entry.incarnation},
          {"writer_slot", is_written ? Json(service.writer_slot) : Json()}};
}

Json RegionJson(const ClusterRegion& region) {
  Json peers = Json::array();
  for (const ClusterPeer& peer : region.peers) peers.push_back(ClusterPeerJson(peer));
  Json services = Json::array();
  for (const ServiceInfo& service : region.services) services.push_back(ServiceJson(service));
  return {{"uuid", region.region.uuid},
          {"size_bytes", region.region.size_bytes},
          {"slots", region.region.slots},
          {"revision", region.region.membership_epoch},
          {"peers", peers},
          {"services", services}};
}

Json HostJson(const ClusterHost& host, const std::string& own_host) {
  Json machines = Json::array();
  for (const ClusterMachine& machine : host.machines) {
    machines.push_back({{"slot", machine.slot}, {"name", machine.name}, {"cpus", machine.cpus}});
  }
  Json regions = Json::array();
  for (const ClusterRegion& region : host.regions) regions.push_back(RegionJson(region));
  return {{"name", host.name},
          {"own", host.name == own_host},
          {"machines", machines},
          {"kv_servers", host.kv_servers},
          {"regions", regions}};
}

bool IsReady(const ClusterHost& host, uint32_t slot) {
  return std::ranges::any_of(host.regions, [slot](const ClusterRegion& region) {
    return std::ranges::any_of(region.peers, [slot](const ClusterPeer& peer) {
      return peer.peer.slot == slot && peer.peer.state == PeerState::kReady;
    });
  });
}

std::vector<std::string> KvServers(const ClusterInfo& info) {
  std::vector<std::string> servers;
  for (const ClusterHost& host : info.hosts) {
    servers.insert(servers.end(), host.kv_servers.begin(), host.kv_servers.end());
  }
  return servers;
}

std::string Since(const ClusterInfo& info) {
  if (!info.age_ns) return "only this host is known";
  return absl::StrCat("other hosts are told as they were ", *info.age_ns / kNsPerSecond, " s ago");
}

}  // namespace

std::string AllPeersTable(const ClusterInfo& info, bool decorate) {
  std::vector<std::vector<std::string>> rows;
  for (const ClusterHost& host : info.hosts) {
    for (const ClusterRegion& region : host.regions) {
      for (const ClusterPeer& one : region.peers) {
        const PeerInfo& peer = one.peer;
        rows.push_back({host.name, absl::StrCat(peer.slot), Word(peer.kind), Word(peer.state),
                        absl::StrCat(peer.incarnation), ShortBoot(peer.boot_id),
                        UtcTime(peer.joined_unix_ns), CountsText(one.endpoints)});
      }
    }
  }
  return FormatTable(
      {"HOST", "SLOT", "KIND", "STATE", "INCARNATION", "BOOT", "JOINED", "ENDPOINTS"}, rows,
      decorate);
}

std::string AllPeersJson(const ClusterInfo& info) {
  Json hosts = Json::array();
  for (const ClusterHost& host : info.hosts) hosts.push_back(HostJson(host, info.own_host));
  return DumpJson({{"schema", kSchema},
                   {"etcd",
                    {{"state", Word(info.state)},
                     {"problem", info.problem},
                     {"age_s", info.age_ns ? Json(SecondsOf(*info.age_ns)) : Json()},
                     {"refused_values", info.refused_values}}},
                   {"own_host", info.own_host},
                   {"hosts", hosts}});
}

std::string HostFile(const ClusterInfo& info) {
  std::vector<std::string> lines;
  for (const ClusterHost& host : info.hosts) {
    for (const ClusterMachine& machine : host.machines) {
      if (!IsReady(host, machine.slot)) continue;
      lines.push_back(absl::StrCat(machine.name, " slots=", machine.cpus, "\n"));
    }
  }
  return absl::StrCat("# Open MPI host file: ", lines.size(), " machines of ", info.hosts.size(),
                      " hosts, as ", info.own_host, " knows them (tombolo hostfile).\n",
                      absl::StrJoin(lines, ""));
}

std::string KvServerLines(const ClusterInfo& info) {
  std::string lines;
  for (const std::string& server : KvServers(info)) absl::StrAppend(&lines, server, "\n");
  return lines;
}

std::string KvServerOptions(const ClusterInfo& info) {
  const std::vector<std::string> servers = KvServers(info);
  if (servers.empty()) return "";
  return absl::StrCat("--SERVER=", absl::StrJoin(servers, " --SERVER="), "\n");
}

std::string DoubtAbout(const ClusterInfo& info) {
  switch (info.state) {
    case EtcdState::kConnected:
      return "";
    case EtcdState::kNameTaken:
      return info.problem;
    case EtcdState::kConnecting:
    case EtcdState::kUnreachable:
      break;
  }
  return absl::StrCat(Since(info), "; ",
                      info.problem.empty() ? "etcd has not answered yet." : info.problem);
}

}  // namespace tombolo::control

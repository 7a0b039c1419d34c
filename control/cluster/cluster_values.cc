#include "control/cluster/cluster_values.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "control/registry/text_check.h"
#include "control/words/membership_json.h"
#include "control/words/words.h"

namespace tombolo::control {
namespace {

// What is written has its fields in an order for people.
using OrderedJson = nlohmann::ordered_json;
// What is read may have any number of them.
using Json = nlohmann::json;

constexpr int kSchema = 1;
constexpr size_t kMaxPeers = 4096;
constexpr size_t kMaxServices = 4096;
constexpr size_t kMaxNamesPerPeer = 16;
constexpr uint32_t kAny = std::numeric_limits<uint32_t>::max();

absl::Status Refused(const std::string& field) {
  return absl::InvalidArgumentError(
      absl::StrCat("its ", field, " is missing, or not as docs/cluster.md says."));
}

// Reads the fields of one object, and remembers the first that is not as it should be.
class Fields {
 public:
  explicit Fields(const Json& json) : json_(json) {
    if (!json.is_object()) Fail("object");
  }

  template <typename T>
  T Number(const char* name, uint64_t most) {
    const Json* field = Find(name);
    if (field != nullptr && field->is_number_unsigned() && field->get<uint64_t>() <= most) {
      return static_cast<T>(field->get<uint64_t>());
    }
    Fail(name);
    return T{};
  }

  // Printable ASCII without spaces; only an `optional` one may be empty.
  std::string Text(const char* name, size_t most_bytes, bool optional = false) {
    const Json* field = Find(name);
    if (field != nullptr && field->is_string()) {
      const auto& text = field->get_ref<const std::string&>();
      if (optional && text.empty()) return text;
      if (CheckText(text, name, most_bytes).ok()) return text;
    }
    Fail(name);
    return "";
  }

  // One of two words: whether it is the second.
  bool IsSecond(const char* name, const char* first, const char* second) {
    const std::string text = Text(name, kMaxHostNameBytes);
    if (text != first && text != second) Fail(name);
    return text == second;
  }

  // The elements of an array, each read by `read` from Fields of its own.
  template <typename T, typename Read>
  std::vector<T> List(const char* name, size_t most, Read read) {
    std::vector<T> list;
    const Json* field = Find(name);
    if (field == nullptr || !field->is_array() || field->size() > most) {
      Fail(name);
      return list;
    }
    for (const Json& element : *field) {
      Fields fields(element);
      list.push_back(read(fields));
      if (!fields.status_.ok() && status_.ok()) status_ = fields.status_;
      if (!status_.ok()) break;
    }
    return list;
  }

  const Json* Find(const char* name) const {
    if (!json_.is_object()) return nullptr;
    const auto found = json_.find(name);
    return found == json_.end() ? nullptr : &*found;
  }

  void Fail(const std::string& field) {
    if (status_.ok()) status_ = Refused(field);
  }
  const absl::Status& GetStatus() const { return status_; }

 private:
  const Json& json_;
  absl::Status status_;
};

absl::StatusOr<Json> Parse(const std::string& value) {
  if (value.size() > kMaxClusterValueBytes) {
    return absl::InvalidArgumentError(absl::StrCat("it has ", value.size(), " bytes; at most ",
                                                   kMaxClusterValueBytes, " are read."));
  }
  Json json = Json::parse(value, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object()) {
    return absl::InvalidArgumentError("it is no JSON object.");
  }
  Fields fields(json);
  if (fields.Number<int>("schema", kAny) != kSchema) fields.Fail("schema");
  if (!fields.GetStatus().ok()) return fields.GetStatus();
  return json;
}

EndpointCount ReadCount(Fields& fields) {
  return {fields.Text("name", kMaxEndpointNameBytes), fields.Number<uint32_t>("count", kAny)};
}

ClusterPeer ReadPeer(Fields& fields) {
  ClusterPeer read;
  PeerInfo& peer = read.peer;
  peer.slot = fields.Number<uint32_t>("slot", kAny);
  peer.kind = fields.IsSecond("kind", Word(PeerKind::kVm), Word(PeerKind::kHost)) ? PeerKind::kHost
                                                                                  : PeerKind::kVm;
  peer.state = fields.IsSecond("state", Word(PeerState::kConnected), Word(PeerState::kReady))
                   ? PeerState::kReady
                   : PeerState::kConnected;
  peer.incarnation = fields.Number<uint32_t>("incarnation", kAny);
  peer.boot_id = fields.Text("boot_id", kMaxBootIdBytes, /*optional=*/true);
  peer.joined_unix_ns =
      fields.Number<int64_t>("joined_unix_ns", std::numeric_limits<int64_t>::max());
  read.endpoints = fields.List<EndpointCount>("endpoints", kMaxNamesPerPeer, ReadCount);
  return read;
}

ServiceInfo ReadService(Fields& fields) {
  ServiceInfo service;
  service.entry.name = fields.Text("name", kMaxServiceNameBytes);
  service.entry.index = fields.Number<uint32_t>("index", kAny);
  service.entry.incarnation = fields.Number<uint32_t>("incarnation", kAny);
  service.entry.writer = {fields.Number<uint32_t>("writer_index", kAny),
                          fields.Number<uint32_t>("writer_incarnation", kAny)};
  service.writer_slot = fields.Number<uint32_t>("writer_slot", kAny);
  service.writer_name = fields.Text("writer_name", kMaxEndpointNameBytes, /*optional=*/true);
  return service;
}

ClusterMachine ReadMachine(Fields& fields) {
  ClusterMachine machine{.slot = fields.Number<uint32_t>("slot", kAny),
                         .name = fields.Text("name", kMaxHostNameBytes),
                         .cpus = fields.Number<uint32_t>("cpus", 65'536)};
  if (!CheckHostName(machine.name).ok()) fields.Fail("name");
  return machine;
}

std::string ReadKvServer(Fields& fields) {
  std::string address = fields.Text("address", 255);
  if (!CheckHostPort(address).ok()) fields.Fail("address");
  return address;
}

OrderedJson PeerToJson(const ClusterPeer& peer, bool with_endpoints) {
  OrderedJson counts = OrderedJson::array();
  for (const EndpointCount& one : peer.endpoints) {
    if (!with_endpoints || counts.size() == kMaxNamesPerPeer) break;
    counts.push_back({{"name", one.name}, {"count", one.count}});
  }
  return {{"slot", peer.peer.slot},
          {"kind", Word(peer.peer.kind)},
          {"state", Word(peer.peer.state)},
          {"incarnation", peer.peer.incarnation},
          {"boot_id", peer.peer.boot_id},
          {"joined_unix_ns", static_cast<uint64_t>(peer.peer.joined_unix_ns)},
          {"endpoints", counts}};
}

OrderedJson ServiceToJson(const ServiceInfo& service) {
  return {{"name", service.entry.name},
          {"index", service.entry.index},
          {"incarnation", service.entry.incarnation},
          {"writer_index", service.entry.writer.index},
          {"writer_incarnation", service.entry.writer.incarnation},
          {"writer_slot", service.writer_slot},
          {"writer_name", service.writer_name}};
}

std::string RegionText(const ClusterRegion& region, bool with_endpoints) {
  OrderedJson peers = OrderedJson::array();
  for (const ClusterPeer& peer : region.peers) peers.push_back(PeerToJson(peer, with_endpoints));
  OrderedJson services = OrderedJson::array();
  for (const ServiceInfo& service : region.services) services.push_back(ServiceToJson(service));
  return DumpJson({{"schema", kSchema},
                   {"uuid", region.region.uuid},
                   {"size_bytes", region.region.size_bytes},
                   {"slots", region.region.slots},
                   {"vectors", region.region.vectors},
                   {"endpoints", region.region.endpoints},
                   {"layout_version", region.region.layout_version},
                   {"revision", region.region.membership_epoch},
                   {"peers", peers},
                   {"services", services}});
}

// A slot has one occupant, in its own region.
bool SlotsAreInOrder(const ClusterRegion& region) {
  for (size_t i = 0; i < region.peers.size(); ++i) {
    const uint32_t slot = region.peers[i].peer.slot;
    if (slot >= region.region.slots) return false;
    if (i != 0 && slot <= region.peers[i - 1].peer.slot) return false;
  }
  return true;
}

}  // namespace

std::string HostValue(const ClusterHost& host) {
  OrderedJson machines = OrderedJson::array();
  for (const ClusterMachine& machine : host.machines) {
    machines.push_back({{"slot", machine.slot}, {"name", machine.name}, {"cpus", machine.cpus}});
  }
  OrderedJson servers = OrderedJson::array();
  for (const std::string& address : host.kv_servers) servers.push_back({{"address", address}});
  return DumpJson({{"schema", kSchema},
                   {"host", host.name},
                   {"instance", host.instance},
                   {"machines", machines},
                   {"kv_servers", servers}});
}

absl::StatusOr<ClusterHost> ParseHostValue(const ClusterKey& key, const std::string& value) {
  const absl::StatusOr<Json> json = Parse(value);
  if (!json.ok()) return json.status();
  Fields fields(*json);
  ClusterHost host;
  host.name = fields.Text("host", kMaxHostNameBytes);
  if (host.name != key.host) fields.Fail("host");
  host.instance = fields.Text("instance", kMaxHostNameBytes);
  host.machines = fields.List<ClusterMachine>("machines", kMaxMachinesPerHost, ReadMachine);
  host.kv_servers = fields.List<std::string>("kv_servers", kMaxKvServersPerHost, ReadKvServer);
  if (!fields.GetStatus().ok()) return fields.GetStatus();
  return host;
}

std::string RegionValue(const ClusterRegion& region) {
  std::string value = RegionText(region, /*with_endpoints=*/true);
  return value.size() <= kMaxClusterValueBytes ? value
                                               : RegionText(region, /*with_endpoints=*/false);
}

absl::StatusOr<ClusterRegion> ParseRegionValue(const ClusterKey& key, const std::string& value) {
  const absl::StatusOr<Json> json = Parse(value);
  if (!json.ok()) return json.status();
  Fields fields(*json);
  ClusterRegion read;
  RegionInfo& region = read.region;
  region.uuid = fields.Text("uuid", kMaxHostNameBytes);
  if (region.uuid != key.region) fields.Fail("uuid");
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  region.size_bytes = fields.Number<uint64_t>("size_bytes", kMost);
  region.slots = fields.Number<uint32_t>("slots", kAny);
  region.vectors = fields.Number<uint32_t>("vectors", kAny);
  region.endpoints = fields.Number<uint32_t>("endpoints", kAny);
  region.layout_version = fields.Number<uint32_t>("layout_version", kAny);
  region.membership_epoch = fields.Number<uint64_t>("revision", kMost);
  read.peers = fields.List<ClusterPeer>("peers", kMaxPeers, ReadPeer);
  read.services = fields.List<ServiceInfo>("services", kMaxServices, ReadService);
  if (!SlotsAreInOrder(read)) fields.Fail("slots");
  if (!fields.GetStatus().ok()) return fields.GetStatus();
  return read;
}

}  // namespace tombolo::control

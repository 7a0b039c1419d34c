#include "control/cli/json_text.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "control/cli/words.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

Json EndpointsJson(const std::vector<EndpointInfo>& endpoints) {
  Json list = Json::array();
  for (const EndpointInfo& endpoint : endpoints) {
    list.push_back({{"index", endpoint.id.index},
                    {"incarnation", endpoint.id.incarnation},
                    {"name", endpoint.name},
                    {"pid", endpoint.pid},
                    {"vector", endpoint.vector},
                    {"attached_at", UtcTime(endpoint.attached_unix_ns)}});
  }
  return list;
}

Json PeerJson(const PeerInfo& peer) {
  return {{"slot", peer.slot},         {"kind", Word(peer.kind)},
          {"state", Word(peer.state)}, {"incarnation", peer.incarnation},
          {"boot_id", peer.boot_id},   {"joined_at", UtcTime(peer.joined_unix_ns)}};
}

Json ListJson(const PeerList& list, Json json) {
  json["region_uuid"] = list.region_uuid;
  json["peers"] = Json::array();
  for (const PeerInfo& peer : list.snapshot.peers) {
    Json one = PeerJson(peer);
    one["endpoints"] = EndpointsJson(peer.endpoints);
    json["peers"].push_back(std::move(one));
  }
  return json;
}

// On one line. A daemon sends printable ASCII only; whatever else comes is replaced, not thrown at.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string PeersJson(const PeerList& list) {
  return Dump(ListJson(list, {{"schema", kJsonSchema}, {"revision", list.snapshot.revision}}));
}

std::string SnapshotJson(const PeerList& list) {
  return Dump(ListJson(
      list,
      {{"schema", kJsonSchema}, {"revision", list.snapshot.revision}, {"event", "snapshot"}}));
}

std::string EventJson(const MembershipEvent& event) {
  return Dump({{"schema", kJsonSchema},
               {"revision", event.revision},
               {"event", Word(event.kind)},
               {"peer", PeerJson(event.peer)},
               {"endpoints", EndpointsJson(event.endpoints)}});
}

}  // namespace tombolo::control

#include "control/cli/json_text.h"

#include <nlohmann/json.hpp>

#include "control/words/membership_json.h"
#include "control/words/words.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

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

}  // namespace

std::string PeersJson(const PeerList& list) {
  return DumpJson(ListJson(list, {{"schema", kJsonSchema}, {"revision", list.snapshot.revision}}));
}

std::string SnapshotJson(const PeerList& list) {
  return DumpJson(ListJson(
      list,
      {{"schema", kJsonSchema}, {"revision", list.snapshot.revision}, {"event", "snapshot"}}));
}

std::string EventJson(const MembershipEvent& event) {
  return DumpJson({{"schema", kJsonSchema},
                   {"revision", event.revision},
                   {"event", Word(event.kind)},
                   {"peer", PeerJson(event.peer)},
                   {"endpoints", EndpointsJson(event.endpoints)}});
}

}  // namespace tombolo::control

#include "control/words/membership_json.h"

#include "control/words/words.h"

namespace tombolo::control {

using Json = nlohmann::ordered_json;

Json PeerJson(const PeerInfo& peer) {
  return {{"slot", peer.slot},         {"kind", Word(peer.kind)},
          {"state", Word(peer.state)}, {"incarnation", peer.incarnation},
          {"boot_id", peer.boot_id},   {"joined_at", UtcTime(peer.joined_unix_ns)}};
}

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

std::string DumpJson(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tombolo::control

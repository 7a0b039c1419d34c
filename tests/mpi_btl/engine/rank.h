// Rank: one engine of a simulated region, and what it was told.
#pragma once

#include <string.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mpi_btl/engine/engine.h"
#include "mpi_btl/engine/engine_message.h"
#include "mpi_btl/engine/rank_engine.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::mpi {

inline uint64_t AddressOf(const void* memory) { return reinterpret_cast<uintptr_t>(memory); }

class Rank {
 public:
  Rank(SimulatedMembers& members, std::string_view name) {
    std::unique_ptr<Endpoint> endpoint = members.Join(name);
    id = endpoint->Id();
    engine = *RankEngine::Create(std::move(endpoint));
  }

  Peer& Open(const Rank& other) {
    const tombolo_address address = other.engine->Address();
    return **engine->OpenPeer(&address, sizeof(address), this);
  }

  void Poll() { engine->Poll({this, OnMessage, OnPeerLost, OnOperationDone}); }

  // Sends what an engine says, or pretends to say, and behind it bytes that are not 0.
  template <typename T>
  bool Say(Peer& peer, const T& header, size_t more_bytes = 0) {
    Claim claim;
    std::byte* memory = engine->TryClaim(peer, sizeof(header) + more_bytes, claim);
    if (memory == nullptr) return false;
    memcpy(memory, &header, sizeof(header));
    memset(memory + sizeof(header), 0xee, more_bytes);
    engine->Publish(claim, kEngineTag, sizeof(header) + more_bytes);
    return true;
  }

  EndpointId id;
  std::unique_ptr<RankEngine> engine;
  std::vector<std::string> losses;
  std::vector<bool> done;  // Whether each operation that ended was good.
  size_t done_when_lost = 0;

 private:
  static void OnMessage(void*, uint8_t, const void*, size_t) {}
  static void OnPeerLost(void* self, void*, const char* why) {
    auto* rank = static_cast<Rank*>(self);
    rank->losses.push_back(why);
    rank->done_when_lost = rank->done.size();
  }
  static void OnOperationDone(void* self, void*, bool is_good) {
    static_cast<Rank*>(self)->done.push_back(is_good);
  }
};

}  // namespace tombolo::mpi

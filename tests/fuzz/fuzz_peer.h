// FuzzPeer: a peer of the endpoint under test that can do two things: send as an honest one does,
// so that the fuzzer comes past the first check, and write anything anywhere, which is what all the
// rest is about. It owns three runs of extents: a link directory, a link to the endpoint under
// test, and memory to lend.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "tests/fuzz/fuzz_region.h"
#include "tests/fuzz/input.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/layout/link.h"
#include "transport/ring/small_lane.h"

namespace tombolo::fuzz {

class FuzzPeer {
 public:
  static constexpr uint32_t kMemoryExtents = 4;

  // Joins with an index of its own, and makes a link to `victim`.
  FuzzPeer(FuzzRegion& region, uint32_t index, EndpointId victim);

  EndpointId Id() const { return id_; }

  void Die() { region_.SetState(id_, EndpointState::kDead); }
  // In the next incarnation, with a new link.
  void Rejoin();

  // Publishes a message of the kind that `input` says, whose descriptor is nearly right.
  void Send(Input& input);

  // Changes its byte in the victim's inbox.
  void Announce();

  Link& LinkToVictim() const;

  // A word of what this peer may write, and some of what it may not: `input` says which.
  SharedU64& AnyWord(Input& input) const;

 private:
  void MakeLink();
  void Describe(Input& input, CellKind kind, std::span<std::byte> payload) const;

  FuzzRegion& region_;
  EndpointId id_;
  const EndpointId victim_;
  uint32_t directory_;
  uint32_t link_;
  uint32_t memory_;
  std::unique_ptr<SmallLaneProducer> lane_;
};

}  // namespace tombolo::fuzz

// V2Endpoint: messages between the peers of an ivshmem v2 device, each of whom writes its own
// output section only (transport/layout/v2_output.h has the picture).
//
// The protocol. A peer initialises its section in state INIT, under an incarnation that it never
// had before, and is READY. Who sees a READY peer makes a Link for that incarnation in its own
// section and is in state RUN. The receiver reads the Link in place, and writes in its own section
// how much it has consumed, and of which incarnation. Whoever is reset, killed or begins anew has
// another incarnation, so that nothing of the one before is taken for its own, on either side.
// Messages of a peer that begins anew that were not received are lost.
//
// Sleep. A receiver that is about to sleep parks and looks once more; a sender looks at `parked`
// after its message and rings vector kV2MessageVector. Changes of states come as vector 0.
//
// What it assumes of the peers: nothing. Each shared word is read once and checked; a peer whose
// words make no sense is dropped until its incarnation changes. Not thread-safe. It allocates
// nothing but at Start().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/device/v2/v2_device.h"
#include "transport/layout/link.h"
#include "transport/layout/v2_output.h"
#include "transport/ring/small_lane.h"

namespace tombolo {

inline constexpr uint16_t kV2MessageVector = 1;
inline constexpr size_t kV2MaxMessageBytes = kMaxInlineBytes;

class V2Endpoint {
 public:
  // Initialises the section of the device's peer and is READY. `incarnation`: a random number, not
  // 0. The device must outlive it. FailedPrecondition: the device is gone, or its output sections
  // have no room for a page and one for each peer.
  static absl::StatusOr<std::unique_ptr<V2Endpoint>> Start(V2Device& device, uint64_t incarnation);

  // In state RESET: the others are told.
  ~V2Endpoint();
  V2Endpoint(const V2Endpoint&) = delete;
  V2Endpoint& operator=(const V2Endpoint&) = delete;

  uint32_t Id() const { return id_; }

  // Looks who has come, gone or begun anew: after vector 0, and now and then.
  void Look();

  // As of the last Look().
  bool IsThere(uint32_t peer) const {
    return peer < links_.size() && links_[peer].incarnation != 0;
  }

  enum class SendResult { kSent, kFull, kAbsent, kTooLarge };

  // Memory ordering: what was stored before is visible to the receiver of the message.
  SendResult TrySend(uint32_t peer, std::span<const std::byte> message);

  // The oldest message of `peer`: how many bytes of `buffer`, which has kV2MaxMessageBytes, it
  // fills. Nothing: there is none, or the peer is not there.
  std::optional<size_t> TryReceive(uint32_t peer, std::span<std::byte> buffer);

  // Before a sleep; false: do not, there is a message. Unpark() after it.
  bool Park();
  void Unpark();

 private:
  struct PeerLink {
    uint64_t incarnation = 0;  // Of the peer; 0: it is not there.
    uint64_t dropped = 0;      // An incarnation that made no sense.
    bool is_made_for_us = false;
    std::optional<SmallLaneProducer> producer;
    std::optional<SmallLaneConsumer> consumer;
    LanePosition consumed;
  };

  V2Endpoint(V2Device& device, uint32_t id, uint64_t incarnation);
  void Initialise();
  void Attach(uint32_t peer, uint64_t incarnation);
  void Drop(uint32_t peer);
  uint32_t StateOf(uint32_t peer);
  uint64_t IncarnationOf(uint32_t peer);
  bool HasMessage(uint32_t peer);
  bool IsLinkForUs(uint32_t peer);
  void RelayCredits(uint32_t peer);
  void Acknowledge(uint32_t peer, size_t message_bytes);
  V2OutputPage& PageOf(uint32_t peer);
  Link& LinkOf(uint32_t from, uint32_t to);
  void EnterState(uint32_t state);

  V2Device* const device_;
  const uint32_t id_;
  const uint64_t incarnation_;
  uint32_t state_ = kV2StateReset;
  std::vector<PeerLink> links_;
};

}  // namespace tombolo

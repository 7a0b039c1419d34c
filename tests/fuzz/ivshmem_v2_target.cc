// ivshmem v2 devices and their server: several QEMUs at once, which access registers, configuration
// and sections as they like, and send any vfio-user message with any descriptors.
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "control/ivshmem_v2/peer_device.h"
#include "control/ivshmem_v2/v2_bus.h"
#include "control/vfio_user/session.h"
#include "control/vfio_user/wire.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/base/unique_fd.h"
#include "transport/device/v2/v2_sections.h"

namespace tombolo::fuzz {
namespace {

using control::PeerDevice;
using control::V2Bus;
using control::V2Space;
namespace vfio_user = control::vfio_user;

constexpr uint32_t kPeers = 3;
constexpr uint64_t kRwBytes = kV2PageBytes;
constexpr uint64_t kOutputBytes = kV2PageBytes;
constexpr size_t kMemoryBytes = kV2PageBytes + kRwBytes + kPeers * kOutputBytes;
constexpr int kMostSteps = 256;
constexpr uint16_t kVectors = 3;
constexpr std::byte kMark{0xa5};

class V2Target {
 public:
  explicit V2Target(Input& input) : input_(input) {
    for (uint32_t peer = 0; peer < kPeers; ++peer) {
      devices_.push_back(
          std::make_unique<PeerDevice>(bus_, peer, -1, control::V2Mappable::kOwnSections));
      Connect(peer);
    }
    // Behind the bus's back: nobody but peer 2 may change its section, and it never acts.
    std::ranges::fill(OutputOfSilentPeer(), kMark);
  }

  void Run() {
    for (int i = 0; i < kMostSteps && !input_.IsEmpty(); ++i) {
      Step();
      Check();
    }
  }

 private:
  void Step() {
    const uint32_t peer = input_.Below(kPeers - 1);
    switch (input_.Below(8)) {
      case 0:
        bus_.Disconnect(peer);
        return;
      case 1:
        Connect(peer);
        return;
      case 2:
        bus_.Reset(peer);
        return;
      case 3:
      case 4:
        return Access(peer);
      default:
        return Say(peer);
    }
  }

  void Connect(uint32_t peer) {
    sessions_[peer].emplace(*devices_[peer]);
    bus_.Connect(peer);
  }

  void Access(uint32_t peer) {
    const auto space = static_cast<V2Space>(input_.Below(4));
    const uint64_t offset = Offset();
    std::array<std::byte, 16> bytes{};
    const auto data = std::as_bytes(input_.Take(input_.Below(bytes.size())));
    std::ranges::copy(data, bytes.begin());
    bus_.Read(peer, space, offset, bytes);
    bus_.Write(peer, space, offset, data);
  }

  uint64_t Offset() {
    return input_.Below(8) == 0 ? input_.Number<uint64_t>() : input_.Number<uint16_t>();
  }

  // Mostly with a header that makes sense, after which everything may come.
  void Say(uint32_t peer) {
    if (!sessions_[peer]) return;
    vfio_user::Header header{};
    header.command = static_cast<uint16_t>(input_.Below(17));
    header.flags = input_.Below(4) == 0 ? vfio_user::kNoReply : 0;
    const auto payload = std::as_bytes(input_.Take(input_.Below(64)));
    header.size_bytes = static_cast<uint32_t>(sizeof(header) + payload.size());
    std::vector<std::byte> message(sizeof(header));
    memcpy(message.data(), &header, sizeof(header));
    message.insert(message.end(), payload.begin(), payload.end());
    std::vector<UniqueFd> fds;
    for (uint32_t i = input_.Below(3); i > 0; --i) fds.emplace_back(eventfd(0, EFD_CLOEXEC));
    const auto answer = sessions_[peer]->Handle(message, std::move(fds));
    if (!answer.ok()) sessions_[peer].reset();
    if (answer.ok() && answer->bytes.size() > vfio_user::kMostMessageBytes) abort();
  }

  // Registers and state table say the same, and what a peer may not write is as it was.
  void Check() {
    for (uint32_t peer = 0; peer < kPeers; ++peer) {
      uint32_t state;
      memcpy(&state, memory_.bytes.data() + peer * sizeof(state), sizeof(state));
      if (state != bus_.State(peer)) abort();
    }
    for (const std::byte byte : OutputOfSilentPeer()) {
      if (byte != kMark) abort();
    }
  }

  std::span<std::byte> OutputOfSilentPeer() { return std::span(memory_.bytes).last(kOutputBytes); }

  void OnInterrupt(uint32_t peer, uint16_t vector) {
    if (peer >= kPeers || vector >= kVectors || !bus_.IsConnected(peer)) abort();
    if (devices_.size() > peer) devices_[peer]->Interrupt(vector);
  }

  struct alignas(kV2PageBytes) Pages {
    std::array<std::byte, kMemoryBytes> bytes{};
  };

  Input& input_;
  Pages memory_;
  std::vector<std::unique_ptr<PeerDevice>> devices_;
  std::array<std::optional<vfio_user::Session>, kPeers> sessions_;
  V2Bus bus_{{.sections = *MakeV2Sections(kPeers, kRwBytes, kOutputBytes),
              .protocols = {},
              .vectors = kVectors,
              .memory = memory_.bytes,
              .interrupt = [this](uint32_t peer, uint16_t vector) { OnInterrupt(peer, vector); }}};
};

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  const auto target = std::make_unique<V2Target>(input);
  target->Run();
}

std::vector<Bytes> Seeds() {
  return {
      // Says its version, asks for all sorts of things.
      {0,  5, 1, 1, 6, 0, 0, 0, 0, 0, 0, 0, 0, 5, 4, 1, 16,
       16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
      // Interrupts on, a state, a doorbell, a write to another's section.
      {0, 3, 0,  1, 8, 0, 4, 1, 0, 0, 0, 0, 3, 0, 1,  16, 0, 4, 3, 0, 0, 0, 1, 3,
       0, 1, 12, 0, 4, 1, 0, 0, 0, 1, 3, 2, 1, 0, 64, 8,  9, 9, 9, 9, 9, 9, 9, 9},
      // Comes, goes, is reset.
      {0, 0, 1, 1, 0, 2, 0, 1, 1, 0},
  };
}

}  // namespace tombolo::fuzz

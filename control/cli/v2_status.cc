#include "control/cli/v2_status.h"

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "control/cli/short_units.h"
#include "control/cli/table.h"
#include "transport/device/v2/v2_registers.h"
#include "transport/layout/shared_word.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

// Where kinds of protocols begin, as Jailhouse's specification has them.
constexpr uint16_t kEthernet = 0x0001, kUserDefined = 0x4000;
constexpr uint16_t kVirtioFront = 0x8000, kVirtioBack = 0xc000;

std::string ProtocolName(uint16_t protocol) {
  if (protocol == 0) return "undefined";
  if (protocol == kEthernet) return "ethernet";
  if (protocol < kUserDefined) return "reserved";
  if (protocol < kVirtioFront) return "user-defined";
  return protocol < kVirtioBack ? "virtio-front-end" : "virtio-back-end";
}

// The life cycle by which our peers, and ivshmem-net's, go. To others they may mean anything.
std::string StateName(uint32_t state) {
  switch (state) {
    case kV2StateReset:
      return "reset";
    case kV2StateInit:
      return "init";
    case kV2StateReady:
      return "ready";
    case kV2StateRun:
      return "run";
    default:
      return "other";
  }
}

}  // namespace

absl::StatusOr<V2Status> ReadV2Status(V2Device& device) {
  V2Status status;
  status.id = device.ReadRegister(kV2IdRegister);
  status.sections = device.Sections();
  if (status.id >= status.sections.peer_count) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the device says that this is peer ", status.id, " of ", status.sections.peer_count,
        ". It was unplugged, or who serves it has ended: start this virtual machine again."));
  }
  // SAFETY: the state table is a page, and has a word for each peer.
  const auto* table = reinterpret_cast<const SharedU32*>(device.Memory().data());
  for (uint32_t peer = 0; peer < status.sections.peer_count; ++peer) {
    // Acquire: what the peer did before is done when its state is shown.
    status.states.push_back(table[peer].load(std::memory_order_acquire));
  }
  return status;
}

std::string V2StatusText(const V2Status& status, bool decorate) {
  const V2Sections& sections = status.sections;
  std::vector<std::vector<std::string>> rows;
  for (uint32_t peer = 0; peer < status.states.size(); ++peer) {
    rows.push_back(
        {absl::StrCat(peer), absl::StrCat(status.states[peer]),
         absl::StrCat(StateName(status.states[peer]), peer == status.id ? ", this machine" : "")});
  }
  return absl::StrCat(
      absl::StrFormat("device    %s, peer %d of %d, %d vectors\n", status.address, status.id,
                      sections.peer_count, status.vectors),
      absl::StrFormat("protocol  0x%04x, %s\n", status.protocol, ProtocolName(status.protocol)),
      absl::StrFormat("sections  %s that all write, %s that each peer writes\n\n",
                      ShortBytes(sections.rw_bytes), ShortBytes(sections.output_bytes)),
      FormatTable({"PEER", "STATE", ""}, rows, decorate));
}

std::string V2StatusJson(const V2Status& status) {
  const V2Sections& sections = status.sections;
  Json peers = Json::array();
  for (uint32_t peer = 0; peer < status.states.size(); ++peer) {
    const uint32_t state = status.states[peer];
    peers.push_back({{"id", peer}, {"state", state}, {"state_name", StateName(state)}});
  }
  return Json{{"schema", kSchema},
              {"address", status.address},
              {"id", status.id},
              {"max_peers", sections.peer_count},
              {"vectors", status.vectors},
              {"protocol", status.protocol},
              {"protocol_name", ProtocolName(status.protocol)},
              {"state_table_bytes", sections.state_table_bytes},
              {"rw_bytes", sections.rw_bytes},
              {"output_bytes", sections.output_bytes},
              {"peers", peers}}
      .dump();
}

}  // namespace tombolo::control

// FlatMember: an endpoint of guest/flat in a simulated region, with what tombolo-flat does for it,
// and a device's registers that are memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "guest/flat/endpoint.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/alloc/extent_map.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/endpoint/link_directory.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/link.h"
#include "transport/layout/member_table.h"
#include "transport/layout/region_header.h"
#include "transport/region/region.h"

namespace tombolo {

struct FlatReceived {
  flat_id from;
  uint8_t tag;
  std::string payload;
};

class FlatMember {
 public:
  static constexpr uint16_t kOwnSlot = 1;

  // Adds its record. Not joined yet.
  FlatMember(SimulatedMembers& members, std::string_view name)
      : region_(members.SharedRegion()), name_(name), id_(members.Add(name)) {
    config_.memory = reinterpret_cast<std::byte*>(&region_.EndpointHighWater()) -
                     offsetof(RegionHeader, endpoint_high_water);
    config_.memory_bytes = static_cast<uint32_t>(region_.Limits().region_bytes);
    config_.registers = &registers_;
    config_.name = name_.c_str();
    config_.buffer = buffer_.data();
    config_.buffer_bytes = static_cast<uint32_t>(buffer_.size());
    config_.on_message = [](void* self, flat_id from, uint8_t tag, const uint8_t* payload,
                            uint32_t length) {
      static_cast<FlatMember*>(self)->received.push_back(
          {from, tag, std::string(reinterpret_cast<const char*>(payload), length)});
    };
    config_.on_departed = [](void* self, flat_id peer) {
      static_cast<FlatMember*>(self)->departed.push_back(peer);
    };
    config_.context = this;
  }
  FlatMember(const FlatMember&) = delete;
  FlatMember& operator=(const FlatMember&) = delete;

  void ClaimMemory(uint32_t links = FLAT_MAX_PEERS) {
    ExtentMap extents(region_.ExtentMap());
    const auto owner = static_cast<uint16_t>(id_.index);
    ASSERT_TRUE(extents.Claim(LinkDirectoryExtents(region_.Limits().endpoint_count), owner,
                              ExtentKind::kLinkDirectory));
    for (uint32_t i = 0; i < links; ++i) {
      ASSERT_TRUE(extents.Claim(1, owner, ExtentKind::kLink));
    }
  }

  // Makes it a machine of its own: slot 1, which vector 0 wakes.
  void PlugIn() {
    registers_.ivposition = kOwnSlot;
    region_.Endpoint(id_.index).location.store(MakeLocation(kOwnSlot, 0, 1),
                                               std::memory_order_relaxed);
  }

  flat_status Join() { return flat_join(&endpoint, &config_); }

  flat_status Send(EndpointId to, uint8_t tag, std::string_view text) {
    return flat_send(&endpoint, {to.index, to.incarnation}, tag, text.data(),
                     static_cast<uint32_t>(text.size()));
  }

  uint32_t Poll() { return flat_poll(&endpoint); }

  // What was written to the doorbell register since the last call; 0: nothing.
  uint32_t TakeDoorbell() {
    const uint32_t rung = registers_.doorbell;
    registers_.doorbell = 0;
    return rung;
  }

  EndpointId Id() const { return id_; }
  flat_config& Config() { return config_; }

  flat_endpoint endpoint = {};
  std::vector<FlatReceived> received;
  std::vector<flat_id> departed;

 private:
  const Region region_;
  const std::string name_;
  const EndpointId id_;
  flat_registers registers_ = {};
  std::vector<uint8_t> buffer_ = std::vector<uint8_t>(kBulkChunkBytes);
  flat_config config_ = {};
};

}  // namespace tombolo

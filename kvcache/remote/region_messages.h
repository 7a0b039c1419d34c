// How the owner protocol (owner_wire.h) travels over a link of the region: both directions are
// streams of bytes, cut into messages anywhere; a small request, and a small reply, are one message
// each. A reader is an endpoint: its connection begins with its first message and ends when it
// departs. The owner is the endpoint that writes the service by whose name readers look for it.
#pragma once

#include <cstdint>

namespace tombolo::kvcache {

// Of messages of the channel. Not those of agents (transport/channel/tags.h), whom somebody may
// take an owner for.
enum class RegionTag : uint8_t {
  kBytes = 16,  // Of requests, or of replies.
  kEnd = 17,    // From the owner, without a payload: it serves this endpoint no more.
};

constexpr uint8_t ToTag(RegionTag tag) { return static_cast<uint8_t>(tag); }

// Of the service, unless another name is given.
inline constexpr char kUsualService[] = "kvcache";

}  // namespace tombolo::kvcache

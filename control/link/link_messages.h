// What the broker of a slot (the agent in a guest) and the daemon say to each other over the slot's
// control links (transport/layout/control_area.h). The tag of a message is its LinkTag; its payload
// is exactly one of these structs, in whole words.
//
//   agent -> daemon   kResync    which of its endpoints live, first thing after each welcome,
//                                in as many messages as it takes
//                     kAttach    one process wants to be an endpoint; answered by kAttachReply
//                     kGone      one of its endpoints is proven dead
//                     kOpenService   one of its endpoints wants to write the memory of a service
//                     kCloseService  one of its endpoints wants a service to be freed; both are
//                                    answered by kServiceReply
//   daemon -> agent   kAttachReply, kServiceReply
//
// A link may be started anew at any time, and what was under way is lost then. So all of it may be
// said again: requests carry a number of the agent's choice, a resync replaces what was said
// before, and an endpoint that was granted but is not in a resync is dead. Who is a service's
// writer may ask to be that again; a close whose answer was lost may find no such service the
// second time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/layout/member_table.h"
#include "transport/layout/service_record.h"

namespace tombolo::control {

enum class LinkTag : uint8_t {
  kResync = 1,
  kAttach = 2,
  kGone = 3,
  kAttachReply = 4,
  kOpenService = 5,
  kCloseService = 6,
  kServiceReply = 7,
};

struct LinkEndpoint {
  uint32_t index = 0;
  uint32_t incarnation = 0;
};

inline constexpr size_t kResyncEndpoints = 64;

struct LinkResync {
  uint32_t count = 0;    // Of `endpoints`, in this message.
  uint32_t is_last = 0;  // 1: this was all.
  LinkEndpoint endpoints[kResyncEndpoints] = {};
};

struct LinkAttach {
  uint64_t request = 0;
  int32_t pid = 0;
  uint32_t wanted_vector = 0;          // 1 + the vector that wakes it; 0: the daemon chooses.
  char name[kEndpointNameBytes] = {};  // Zero-padded.
};

struct LinkGone {
  LinkEndpoint endpoint;
};

inline constexpr size_t kLinkTextBytes = 192;

struct LinkAttachReply {
  uint64_t request = 0;
  int32_t code = 0;  // absl::StatusCode; `text` says why when it is not 0.
  uint32_t vector = 0;
  LinkEndpoint endpoint;
  char text[kLinkTextBytes] = {};
};

// Of kOpenService and kCloseService.
struct LinkServiceRequest {
  uint64_t request = 0;
  LinkEndpoint endpoint;              // Who asks.
  char name[kServiceNameBytes] = {};  // Zero-padded.
};

struct LinkServiceReply {
  uint64_t request = 0;
  int32_t code = 0;  // As in a LinkAttachReply.
  uint32_t service_index = 0;
  uint32_t service_incarnation = 0;
  uint32_t reserved = 0;
  char text[kLinkTextBytes] = {};
};

static_assert(sizeof(LinkResync) == 8 + 8 * kResyncEndpoints);
static_assert(sizeof(LinkAttach) == 48);
static_assert(sizeof(LinkGone) == 8);
static_assert(sizeof(LinkAttachReply) == 24 + kLinkTextBytes);
static_assert(sizeof(LinkServiceRequest) == 48);
static_assert(sizeof(LinkServiceReply) == 24 + kLinkTextBytes);

}  // namespace tombolo::control

// What watches tell: one type for each kind, with the messages of its call and where they come
// from. WatchStream says when they are sent.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "control/proto/membership.pb.h"
#include "control/proto/services.pb.h"
#include "control/service/membership_view.h"

namespace tombolo::control {

// WatchPeers.
struct PeerFeed {
  using Request = v1::WatchPeersRequest;
  using Response = v1::WatchPeersResponse;

  // Everything, at its revision.
  static Response Everything(const MembershipView& view);

  // What follows `revision`; nothing when that has not happened yet. OutOfRange as
  // EventHistory::Since() says.
  static absl::StatusOr<std::optional<Response>> After(const MembershipView& view,
                                                       uint64_t revision);
};

// WatchServices.
struct ServiceFeed {
  using Request = v1::WatchServicesRequest;
  using Response = v1::WatchServicesResponse;

  static Response Everything(const MembershipView& view);
  static absl::StatusOr<std::optional<Response>> After(const MembershipView& view,
                                                       uint64_t revision);
};

}  // namespace tombolo::control

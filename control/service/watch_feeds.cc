#include "control/service/watch_feeds.h"

#include "control/proto/convert.h"
#include "control/registry/membership.h"
#include "control/registry/service_info.h"

namespace tombolo::control {
namespace {

template <typename Response, typename Event>
absl::StatusOr<std::optional<Response>> Told(const absl::StatusOr<std::optional<Event>>& event) {
  if (!event.ok()) return event.status();
  if (!event->has_value()) return std::optional<Response>();
  return std::optional<Response>(ToWatchResponse(**event));
}

}  // namespace

v1::WatchPeersResponse PeerFeed::Everything(const MembershipView& view) {
  return ToWatchResponse(view.Snapshot(), view.Region().uuid);
}

absl::StatusOr<std::optional<v1::WatchPeersResponse>> PeerFeed::After(const MembershipView& view,
                                                                      uint64_t revision) {
  return Told<Response>(view.EventAfter(revision));
}

v1::WatchServicesResponse ServiceFeed::Everything(const MembershipView& view) {
  return ToWatchResponse(view.Services());
}

absl::StatusOr<std::optional<v1::WatchServicesResponse>> ServiceFeed::After(
    const MembershipView& view, uint64_t revision) {
  return Told<Response>(view.ServiceEventAfter(revision));
}

}  // namespace tombolo::control

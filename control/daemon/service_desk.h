// ServiceDesk: what the daemon does when an endpoint asks for a service, be it of the host or of a
// guest.
//
// Thread safety: the daemon's event loop.
#pragma once

#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/daemon/member_table_mirror.h"
#include "control/registry/registry.h"
#include "control/registry/service_table.h"
#include "transport/alloc/extent_map.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/region/region.h"

namespace tombolo::control {

class ServiceDesk {
 public:
  // `registry` and `mirror` must outlive it. `on_going`: a service is going, so its memory is to be
  // freed (Reaper::Sweep).
  ServiceDesk(const Region& region, Registry& registry, MemberTableMirror& mirror,
              std::function<void()> on_going);

  // Makes `writer` the writer of the service `name`; errors as Registry::OpenService. What the last
  // writer began to claim or to free when it died is free when this returns: nobody else would do
  // that, because the reaper leaves alone what belongs to a service.
  absl::StatusOr<ServiceEntry> Open(std::string_view name, EndpointId writer);

  // Frees all that the service owns, and then the service. Errors as Registry::CloseService.
  absl::Status Close(std::string_view name);

 private:
  void ReleaseUnfinishedOf(std::string_view name);

  Region region_;
  ExtentMap extents_;
  Registry& registry_;
  MemberTableMirror& mirror_;
  const std::function<void()> on_going_;
};

}  // namespace tombolo::control

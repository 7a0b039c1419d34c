#include "control/daemon/service_desk.h"

#include <string.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "transport/base/units.h"
#include "transport/layout/service_record.h"

namespace tombolo::control {

ServiceDesk::ServiceDesk(const Region& region, Registry& registry, MemberTableMirror& mirror,
                         std::function<void()> on_going)
    : region_(region),
      extents_(region.ExtentMap()),
      registry_(registry),
      mirror_(mirror),
      on_going_(std::move(on_going)) {}

void ServiceDesk::ReleaseUnfinishedOf(std::string_view name) {
  const std::vector<ServiceEntry> services = registry_.Services();
  const auto found = std::ranges::find(services, name, &ServiceEntry::name);
  if (found == services.end() || found->writer != EndpointId{}) return;
  extents_.ReleaseUnfinished(ServiceOwner(found->index), [this](uint32_t extent) {
    memset(region_.Extent(extent), 0, kExtentBytes);
  });
}

absl::StatusOr<ServiceEntry> ServiceDesk::Open(std::string_view name, EndpointId writer) {
  // Before it has a new writer, who may begin to claim at once; also if we are killed in between.
  ReleaseUnfinishedOf(name);
  absl::StatusOr<ServiceEntry> service = registry_.OpenService(name, writer);
  if (!service.ok()) return service;
  mirror_.WriteServices(registry_.Services());
  return service;
}

absl::Status ServiceDesk::Close(std::string_view name) {
  absl::Status status = registry_.CloseService(name);
  if (status.ok()) on_going_();
  return status;
}

}  // namespace tombolo::control

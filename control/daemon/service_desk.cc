#include "control/daemon/service_desk.h"

#include <string.h>

#include <algorithm>
#include <utility>

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

bool ServiceDesk::IsWriter(std::string_view name, EndpointId endpoint) const {
  return std::ranges::any_of(registry_.Services(), [&](const ServiceEntry& service) {
    return service.name == name && service.writer == endpoint;
  });
}

absl::StatusOr<ServiceEntry> ServiceDesk::Open(std::string_view name, EndpointId writer) {
  // Who is the writer already may be claiming just now.
  const bool is_new = !IsWriter(name, writer);
  absl::StatusOr<ServiceEntry> service = registry_.OpenService(name, writer);
  if (!service.ok()) return service;
  if (is_new) {
    extents_.ReleaseUnfinished(ServiceOwner(service->index), [this](uint32_t extent) {
      memset(region_.Extent(extent), 0, kExtentBytes);
    });
  }
  mirror_.WriteServices(registry_.Services());
  return service;
}

absl::Status ServiceDesk::Close(std::string_view name) {
  absl::Status status = registry_.CloseService(name);
  if (status.ok()) on_going_();
  return status;
}

}  // namespace tombolo::control

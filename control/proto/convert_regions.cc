#include "control/proto/convert_regions.h"

#include "control/proto/convert.h"
#include "control/proto/convert_admin.h"

namespace tombolo::control {

v1::ServedRegion ToServedRegion(const ServedRegion& region) {
  v1::ServedRegion message;
  message.set_name(region.name);
  *message.mutable_region() = ToRegion(region.info);
  message.set_group(region.group);
  message.set_folder(region.folder);
  for (const std::string& socket : region.sockets) message.add_sockets(socket);
  message.set_memory_path(region.memory_path);
  *message.mutable_present() = ToRemaining(region.present);
  message.set_joining(region.joining);
  message.set_dead_endpoints(region.dead_endpoints);
  message.set_services(region.services);
  message.set_draining(region.draining);
  message.set_problem(region.problem);
  if (region.check) {
    message.mutable_check()->set_extents(region.check->extents);
    message.mutable_check()->set_free_extents(region.check->free_extents);
    message.mutable_check()->set_violations(region.check->violations);
  }
  return message;
}

ServedRegion FromServedRegion(const v1::ServedRegion& message) {
  ServedRegion region{.name = message.name(),
                      .info = FromRegion(message.region()),
                      .group = message.group(),
                      .folder = message.folder(),
                      .sockets = {message.sockets().begin(), message.sockets().end()},
                      .memory_path = message.memory_path(),
                      .present = FromRemaining(message.present()),
                      .joining = message.joining(),
                      .dead_endpoints = message.dead_endpoints(),
                      .services = message.services(),
                      .draining = message.draining(),
                      .check = {},
                      .problem = message.problem()};
  if (message.has_check()) {
    region.check = {.extents = message.check().extents(),
                    .free_extents = message.check().free_extents(),
                    .violations = message.check().violations()};
  }
  return region;
}

v1::RegionLimits ToLimits(const WantedLimits& limits) {
  v1::RegionLimits message;
  message.set_size_bytes(limits.size_bytes);
  message.set_slots(limits.slots);
  message.set_vectors(limits.vectors);
  message.set_endpoints(limits.endpoints);
  return message;
}

WantedLimits FromLimits(const v1::RegionLimits& message) {
  return {.size_bytes = message.size_bytes(),
          .slots = message.slots(),
          .vectors = message.vectors(),
          .endpoints = message.endpoints()};
}

v1::CreateRegionRequest ToCreateRequest(const WantedRegion& region) {
  v1::CreateRegionRequest message;
  message.set_name(region.name);
  *message.mutable_limits() = ToLimits(region.limits);
  message.set_huge_pages(region.huge_pages);
  message.set_group(region.group);
  return message;
}

WantedRegion FromCreateRequest(const v1::CreateRegionRequest& message) {
  return {.name = message.name(),
          .limits = FromLimits(message.limits()),
          .huge_pages = message.huge_pages(),
          .group = message.group()};
}

}  // namespace tombolo::control

#include "control/daemon/host_broker.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "control/registry/service_table.h"
#include "spdlog/spdlog.h"

namespace tombolo::control {

HostBroker::HostBroker(Registry& registry, const HostRegion& region, const DoorbellTable& doorbells,
                       ServiceDesk& services, Clock now_unix_ns)
    : registry_(registry),
      region_(region),
      doorbells_(doorbells),
      services_(services),
      now_unix_ns_(std::move(now_unix_ns)) {}

void HostBroker::AttachEndpoint(const std::string& name, pid_t pid, AttachDone done) {
  const absl::StatusOr<EndpointId> id = registry_.AttachEndpoint(
      {.slot = kHostSlot, .name = name, .pid = pid, .now_unix_ns = now_unix_ns_()});
  if (!id.ok()) return done(id.status());
  const uint32_t vector = registry_.FindEndpoint(*id)->vector;
  spdlog::debug("endpoint {} (incarnation {}) is '{}', process {}", id->index, id->incarnation,
                name, pid);
  done(GrantOf(*id, vector));
}

absl::StatusOr<Grant> HostBroker::GrantAgain(const ServedEndpoint& endpoint) {
  const EndpointInfo* live = registry_.FindEndpoint(endpoint.id);
  if (live != nullptr) return GrantOf(live->id, live->vector);
  return absl::FailedPreconditionError(absl::StrCat(
      "endpoint ", endpoint.id.index, " of this connection has ended; attach with a new one."));
}

Grant HostBroker::GrantOf(tombolo::EndpointId id, uint32_t vector) const {
  return {.id = id,
          .slot = kHostSlot,
          .vector = static_cast<uint16_t>(vector),
          .memory = BrokerMemory::kMemfd,
          .memory_bytes = region_.View().Limits().region_bytes,
          .memory_fd = region_.MemoryFd(),
          .wake_fd = doorbells_.Fd(kHostSlot, vector)};
}

void HostBroker::EndpointGone(tombolo::EndpointId id) {
  // NotFound when it is said twice, which is allowed.
  registry_.EndpointGone(id).IgnoreError();
}

absl::StatusOr<int> HostBroker::Doorbell(uint16_t slot, uint16_t vector) {
  if (slot < doorbells_.SlotCount() && vector < doorbells_.VectorCount()) {
    return doorbells_.Fd(slot, vector);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there is no doorbell (", slot, ", ", vector, "): the region has ",
                   doorbells_.SlotCount(), " slots and ", doorbells_.VectorCount(), " vectors."));
}

void HostBroker::OpenService(const std::string& name, tombolo::EndpointId writer,
                             OpenServiceDone done) {
  const absl::StatusOr<ServiceEntry> service = services_.Open(name, writer);
  if (!service.ok()) return done(service.status());
  spdlog::info("service {} is '{}', written by endpoint {}", service->index, name, writer.index);
  done(ServiceGrant{service->index, service->incarnation});
}

void HostBroker::CloseService(const std::string& name, tombolo::EndpointId, CloseServiceDone done) {
  done(services_.Close(name));
}

}  // namespace tombolo::control

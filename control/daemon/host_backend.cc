#include "control/daemon/host_backend.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "control/daemon/unix_time.h"
#include "spdlog/spdlog.h"

namespace tombolo::control {

void HostBackend::AttachEndpoint(const std::string& name, pid_t pid, AttachDone done) {
  done(Attach(name, pid));
}

absl::StatusOr<Grant> HostBackend::Attach(const std::string& name, pid_t pid) {
  const absl::StatusOr<EndpointId> id = registry_.AttachEndpoint(
      {.slot = kHostSlot, .name = name, .pid = pid, .now_unix_ns = NowUnixNs()});
  if (!id.ok()) return id.status();
  const auto vector = static_cast<uint16_t>(registry_.FindEndpoint(*id)->vector);
  return Grant{.id = *id,
               .slot = kHostSlot,
               .vector = vector,
               .memory = BrokerMemory::kMemfd,
               .memory_bytes = region_.View().Limits().region_bytes,
               .memory_fd = region_.MemoryFd(),
               .wake_fd = doorbells_.Fd(kHostSlot, vector)};
}

void HostBackend::EndpointGone(EndpointId id) {
  if (const auto gone = registry_.EndpointGone(id); !gone.ok()) {
    spdlog::warn("endpoint {} of the host: {}", id.index, gone.ToString());
  }
}

absl::StatusOr<int> HostBackend::Doorbell(uint16_t slot, uint16_t vector) {
  if (slot < doorbells_.SlotCount() && vector < doorbells_.VectorCount()) {
    return doorbells_.Fd(slot, vector);
  }
  return absl::NotFoundError(absl::StrCat("there is no doorbell (", slot, ", ", vector,
                                          "); this region has ", doorbells_.SlotCount(),
                                          " slots of ", doorbells_.VectorCount(), " vectors."));
}

}  // namespace tombolo::control

#include "transport/endpoint/endpoint.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/device/host_device.h"
#include "transport/device/module/module_device.h"
#include "transport/device/sysfs/sysfs_device.h"
#include "transport/device/vfio/vfio_device.h"

namespace tombolo {
namespace {

absl::StatusOr<std::unique_ptr<Device>> MakeDevice(Attachment& attachment, BrokerClient& broker) {
  switch (attachment.memory) {
    case BrokerMemory::kMemfd:
      return HostDevice::Map(
          attachment.memory_fd.Get(), attachment.memory_bytes,
          [&broker](uint16_t slot, uint16_t vector) { return broker.FetchDoorbell(slot, vector); });
    case BrokerMemory::kVfioDevice:
      return VfioDevice::Map(attachment.memory_fd.Get(),
                             {.memory_offset = attachment.memory_offset,
                              .memory_bytes = attachment.memory_bytes,
                              .registers_offset = attachment.registers_offset});
    case BrokerMemory::kSysfs:
      return SysfsDevice::Map({attachment.memory_fd.Get(), attachment.registers_fd.Get()},
                              attachment.memory_bytes, attachment.registers_offset);
    case BrokerMemory::kModule:
      return ModuleDevice::Map(std::move(attachment.memory_fd), attachment.memory_bytes);
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "the broker hands out memory of kind ", static_cast<int>(attachment.memory),
      ", which this program does not know: install one release of Tombolo everywhere."));
}

struct Attached {
  std::unique_ptr<BrokerClient> broker;
  Attachment attachment;
};

// A broker that is killed takes with it the connections whose processes were no endpoints yet. Its
// successor serves the same socket, so the next attempt waits for it there. That one may be killed
// too; but what kills each of them may be our own request.
constexpr int kAttempts = 4;

absl::Status CutOff() {
  return absl::UnavailableError(
      absl::StrCat("the broker has closed the connection ", kAttempts,
                   " times in place of an answer. The log of tombolod, or of tombolo-agent in this "
                   "guest, says why."));
}

absl::StatusOr<Attached> AttachTo(const std::string& broker_socket, std::string_view name) {
  for (int i = 0; i < kAttempts; ++i) {
    absl::StatusOr<std::unique_ptr<BrokerClient>> broker = BrokerClient::Connect(broker_socket);
    if (!broker.ok()) return broker.status();
    absl::StatusOr<Attachment> attachment = (*broker)->Attach(name);
    if (attachment.ok()) return Attached{*std::move(broker), *std::move(attachment)};
    if (!absl::IsUnavailable(attachment.status())) return attachment.status();
  }
  return CutOff();
}

absl::Status NoBroker() {
  return absl::FailedPreconditionError("this endpoint has no broker, and so no services.");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Endpoint>> Endpoint::Attach(const std::string& broker_socket,
                                                           std::string_view name) {
  absl::StatusOr<Attached> attached = AttachTo(broker_socket, name);
  if (!attached.ok()) return attached.status();
  Attachment& attachment = attached->attachment;
  absl::StatusOr<std::unique_ptr<Device>> device = MakeDevice(attachment, *attached->broker);
  if (!device.ok()) return device.status();
  absl::StatusOr<std::unique_ptr<Endpoint>> endpoint =
      Adopt(*std::move(device), attachment.id, attachment.slot, std::move(attachment.wake_fd));
  if (endpoint.ok()) (*endpoint)->broker_ = std::move(attached->broker);
  return endpoint;
}

absl::StatusOr<std::unique_ptr<Endpoint>> Endpoint::Adopt(std::unique_ptr<Device> device,
                                                          EndpointId id, uint16_t slot,
                                                          UniqueFd wake_fd) {
  absl::StatusOr<Region> region = Region::Attach(device->Memory(), device->Type());
  if (!region.ok()) return region.status();
  const RegionLimits& limits = region->Limits();
  if (id.index >= limits.endpoint_count || id.incarnation == 0 || slot >= limits.slot_count) {
    return absl::FailedPreconditionError(
        absl::StrCat("the broker gave endpoint ", id.index, " of slot ", slot,
                     ", but the region has ", limits.endpoint_count, " endpoints and ",
                     limits.slot_count, " slots: is the broker of another region?"));
  }
  auto endpoint = std::unique_ptr<Endpoint>(new Endpoint);
  endpoint->region_ = std::make_unique<Region>(*region);
  endpoint->device_ = std::move(device);
  endpoint->wake_fd_ = std::move(wake_fd);
  endpoint->id_ = id;
  endpoint->slot_ = slot;
  return endpoint;
}

absl::StatusOr<ServiceId> Endpoint::OpenService(std::string_view name) {
  if (broker_ == nullptr) return NoBroker();
  return broker_->OpenService(name);
}

absl::Status Endpoint::CloseService(std::string_view name) {
  return broker_ == nullptr ? NoBroker() : broker_->CloseService(name);
}

absl::Status Endpoint::Detach() {
  device_.reset();
  return broker_ ? broker_->Detach() : absl::OkStatus();
}

}  // namespace tombolo

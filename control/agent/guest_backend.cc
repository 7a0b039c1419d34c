#include "control/agent/guest_backend.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "spdlog/spdlog.h"
#include "transport/layout/service_record.h"

namespace tombolo::control {
namespace {

constexpr uint16_t kHostSlotNumber = 0;
constexpr uint16_t kLinkVector = 1;
constexpr int kLastStatusCode = static_cast<int>(absl::StatusCode::kUnauthenticated);

// Reply: LinkAttachReply, LinkServiceReply.
template <typename Reply>
absl::Status StatusOf(const Reply& reply) {
  if (reply.code < 0 || reply.code > kLastStatusCode) {
    return absl::InternalError(absl::StrCat("the daemon answered with code ", reply.code));
  }
  return absl::Status(static_cast<absl::StatusCode>(reply.code), reply.text);
}

LinkServiceRequest MakeRequest(const std::string& service, EndpointId endpoint) {
  LinkServiceRequest request{.endpoint = {endpoint.index, endpoint.incarnation}};
  memcpy(request.name, service.data(), std::min(service.size(), sizeof(request.name)));
  return request;
}

absl::StatusOr<ServiceGrant> ToServiceGrant(const LinkServiceReply& reply) {
  if (absl::Status status = StatusOf(reply); !status.ok()) return status;
  if (reply.service_index < kServiceCount) {
    return ServiceGrant{reply.service_index, reply.service_incarnation};
  }
  return absl::InternalError(absl::StrCat("the daemon answered with service ", reply.service_index,
                                          "; there are ", kServiceCount, "."));
}

}  // namespace

GuestBackend::GuestBackend(EventLoop& loop, const AgentDevice& device, const Region& region,
                           const Options& options, ListLiving list_living)
    : device_(device),
      list_living_(std::move(list_living)),
      attaches_(loop, options.deadline_ns),
      services_(loop, options.deadline_ns),
      link_(region.Control(device.slot), options.boot_id, *this,
            [doorbells = device.device] { doorbells->Ring(kHostSlotNumber, kLinkVector); }) {}

void GuestBackend::AttachEndpoint(const std::string& name, pid_t pid, AttachDone done) {
  LinkAttach attach{.pid = pid};
  memcpy(attach.name, name.data(), std::min(name.size(), sizeof(attach.name) - 1));
  attaches_.Add(
      [this, attach](uint64_t request) mutable {
        attach.request = request;
        link_.Attach(attach);
      },
      [this, done = std::move(done)](const absl::StatusOr<LinkAttachReply>& reply) {
        done(reply.ok() ? ToGrant(*reply) : reply.status());
      });
}

absl::StatusOr<Grant> GuestBackend::GrantAgain(const ServedEndpoint& endpoint) {
  return GrantOf(endpoint.id, endpoint.vector);
}

void GuestBackend::EndpointGone(EndpointId id) {
  // While the link is down nothing needs to be said: the next resync does not name it.
  link_.Gone(id);
}

absl::StatusOr<int> GuestBackend::Doorbell(uint16_t, uint16_t) {
  return absl::FailedPreconditionError(
      "in a guest doorbells are rung through the device, not through eventfds of its broker.");
}

void GuestBackend::OpenService(const std::string& name, EndpointId writer, OpenServiceDone done) {
  services_.Add(
      [this, open = MakeRequest(name, writer)](uint64_t request) mutable {
        open.request = request;
        link_.OpenService(open);
      },
      [done = std::move(done)](const absl::StatusOr<LinkServiceReply>& reply) {
        done(reply.ok() ? ToServiceGrant(*reply) : reply.status());
      });
}

void GuestBackend::CloseService(const std::string& name, EndpointId asker, CloseServiceDone done) {
  services_.Add(
      [this, close = MakeRequest(name, asker)](uint64_t request) mutable {
        close.request = request;
        link_.CloseService(close);
      },
      [done = std::move(done)](const absl::StatusOr<LinkServiceReply>& reply) {
        done(reply.ok() ? StatusOf(*reply) : reply.status());
      });
}

void GuestBackend::Tick() {
  if (!IsUp()) link_.SayHello();
  link_.Poll();
}

void GuestBackend::OnUp(uint32_t slot_incarnation) {
  spdlog::info("the daemon welcomes slot {}, incarnation {}", device_.slot, slot_incarnation);
  link_.Resync(list_living_());
  attaches_.AskAgain();
  services_.AskAgain();
}

void GuestBackend::OnAttachReply(const LinkAttachReply& reply) {
  if (attaches_.Answer(reply.request, reply)) return;
  if (reply.code == 0) EndpointGone({reply.endpoint.index, reply.endpoint.incarnation});
}

// An answer that came too late changes nothing: who opened is the writer until it ends, and may ask
// again.
void GuestBackend::OnServiceReply(const LinkServiceReply& reply) {
  services_.Answer(reply.request, reply);
}

absl::StatusOr<Grant> GuestBackend::ToGrant(const LinkAttachReply& reply) {
  if (absl::Status status = StatusOf(reply); !status.ok()) return status;
  const EndpointId id = {reply.endpoint.index, reply.endpoint.incarnation};
  absl::StatusOr<Grant> grant = GrantOf(id, reply.vector);
  if (!grant.ok()) EndpointGone(id);
  return grant;
}

absl::StatusOr<Grant> GuestBackend::GrantOf(EndpointId id, uint32_t vector) const {
  if (vector >= device_.eventfds.size()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the daemon chose vector ", vector, ", but this device has ", device_.eventfds.size(),
        " vectors. Start QEMU with the options of `tombolo vm-args`."));
  }
  Grant grant = device_.memory;
  grant.id = id;
  grant.slot = device_.slot;
  grant.vector = static_cast<uint16_t>(vector);
  grant.wake_fd = device_.eventfds[vector];
  return grant;
}

}  // namespace tombolo::control

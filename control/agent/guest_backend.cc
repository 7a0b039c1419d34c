#include "control/agent/guest_backend.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "spdlog/spdlog.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr uint16_t kHostSlotNumber = 0;
constexpr uint16_t kLinkVector = 1;
constexpr int kLastStatusCode = static_cast<int>(absl::StatusCode::kUnauthenticated);

absl::Status ErrorOf(const LinkAttachReply& reply) {
  if (reply.code < 0 || reply.code > kLastStatusCode) {
    return absl::InternalError(absl::StrCat("the daemon answered with code ", reply.code));
  }
  return absl::Status(static_cast<absl::StatusCode>(reply.code), reply.text);
}

absl::Status NoServices() {
  return absl::UnimplementedError(
      "services are opened by processes of the host only; the control link carries no such "
      "request.");
}

}  // namespace

GuestBackend::GuestBackend(EventLoop& loop, const AgentDevice& device, const Region& region,
                           const Options& options, ListLiving list_living)
    : loop_(loop),
      device_(device),
      attach_deadline_ns_(options.attach_deadline_ns),
      list_living_(std::move(list_living)),
      link_(region.Control(device.slot), options.boot_id, *this,
            [doorbells = device.device] { doorbells->Ring(kHostSlotNumber, kLinkVector); }) {}

void GuestBackend::AttachEndpoint(const std::string& name, pid_t pid, AttachDone done) {
  const uint64_t request = ++last_request_;
  Pending& pending = pending_[request];
  pending.attach = {.request = request, .pid = pid};
  memcpy(pending.attach.name, name.data(), std::min(name.size(), sizeof(pending.attach.name) - 1));
  pending.done = std::move(done);
  pending.deadline = loop_.After(attach_deadline_ns_, [this, request] { Expire(request); });
  link_.Attach(pending.attach);
}

void GuestBackend::EndpointGone(EndpointId id) {
  // While the link is down nothing needs to be said: the next resync does not name it.
  link_.Gone(id);
}

absl::StatusOr<int> GuestBackend::Doorbell(uint16_t, uint16_t) {
  return absl::FailedPreconditionError(
      "in a guest doorbells are rung through the device, not through eventfds of its broker.");
}

void GuestBackend::OpenService(const std::string&, EndpointId, OpenServiceDone done) {
  done(NoServices());
}

void GuestBackend::CloseService(const std::string&, CloseServiceDone done) { done(NoServices()); }

void GuestBackend::Tick() {
  if (!IsUp()) link_.SayHello();
  link_.Poll();
}

void GuestBackend::OnUp(uint32_t slot_incarnation) {
  spdlog::info("the daemon welcomes slot {}, incarnation {}", device_.slot, slot_incarnation);
  link_.Resync(list_living_());
  for (const auto& [request, pending] : pending_) link_.Attach(pending.attach);
}

void GuestBackend::OnAttachReply(const LinkAttachReply& reply) {
  const absl::StatusOr<Grant> grant = ToGrant(reply);
  auto found = pending_.extract(reply.request);
  if (!found.empty()) return found.mapped().done(grant);
  // Nobody waits for it any more.
  if (grant.ok()) EndpointGone(grant->id);
}

absl::StatusOr<Grant> GuestBackend::ToGrant(const LinkAttachReply& reply) {
  if (reply.code != 0) return ErrorOf(reply);
  if (reply.vector >= device_.eventfds.size()) {
    EndpointGone({reply.endpoint.index, reply.endpoint.incarnation});
    return absl::FailedPreconditionError(absl::StrCat(
        "the daemon chose vector ", reply.vector, ", but this device has ", device_.eventfds.size(),
        " vectors. Start QEMU with the options of `tombolo vm-args`."));
  }
  Grant grant = device_.memory;
  grant.id = {reply.endpoint.index, reply.endpoint.incarnation};
  grant.slot = device_.slot;
  grant.vector = static_cast<uint16_t>(reply.vector);
  grant.wake_fd = device_.eventfds[reply.vector];
  return grant;
}

void GuestBackend::Expire(uint64_t request) {
  auto found = pending_.extract(request);
  if (found.empty()) return;
  found.mapped().done(absl::UnavailableError(
      absl::StrCat("the daemon on the host has not answered within ",
                   attach_deadline_ns_ / kNsPerMs, " ms; is tombolod running there?")));
}

}  // namespace tombolo::control

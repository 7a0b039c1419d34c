#include "control/daemon/guest_links.h"

#include <string.h>
#include <sys/eventfd.h>

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/daemon/unix_time.h"
#include "spdlog/spdlog.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr uint32_t kLinkVector = 1;
constexpr int64_t kTimerNs = kNsPerSecond;

// Reply: LinkAttachReply, LinkServiceReply.
template <typename Reply>
Reply Outcome(const absl::Status& status) {
  Reply reply;
  reply.code = static_cast<int32_t>(status.code());
  status.message().copy(reply.text, sizeof(reply.text) - 1);
  return reply;
}

std::string NameIn(const LinkServiceRequest& request) {
  return std::string(request.name, strnlen(request.name, sizeof(request.name)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<GuestLinks>> GuestLinks::Start(EventLoop& loop, const Region& region,
                                                              const DoorbellTable& doorbells,
                                                              Registry& registry,
                                                              ServiceDesk& services) {
  std::unique_ptr<GuestLinks> links(new GuestLinks(loop, region, doorbells, registry, services));
  absl::StatusOr<Watch> watch = loop.WatchReadable(doorbells.Fd(kHostSlot, kLinkVector),
                                                   [raw = links.get()] { raw->Rung(); });
  if (!watch.ok()) return watch.status();
  links->doorbell_watch_ = *std::move(watch);
  links->timer_ = loop.Every(kTimerNs, [raw = links.get()] { raw->PollAll(); });
  return links;
}

GuestLinks::GuestLinks(EventLoop& loop, const Region& region, const DoorbellTable& doorbells,
                       Registry& registry, ServiceDesk& services)
    : loop_(loop),
      doorbells_(doorbells),
      registry_(registry),
      services_(services),
      unwelcome_(doorbells.SlotCount()) {
  for (uint32_t slot = 0; slot < doorbells.SlotCount(); ++slot) {
    links_.push_back(
        std::make_unique<DaemonLink>(static_cast<uint16_t>(slot), region.Control(slot), *this,
                                     [this, slot] { doorbells_.Ring(slot, kLinkVector); }));
  }
}

void GuestLinks::SlotVacated(uint32_t slot) { links_[slot]->Close(); }

void GuestLinks::Rung() {
  eventfd_t rings = 0;
  eventfd_read(doorbells_.Fd(kHostSlot, kLinkVector), &rings);
  PollAll();
}

void GuestLinks::PollAll() {
  bool more = false;
  for (uint32_t slot = kHostSlot + 1; slot < links_.size(); ++slot) more |= links_[slot]->Poll();
  if (!more || poll_posted_) return;
  // One broker that talks without end does not keep the others waiting.
  poll_posted_ = true;
  next_poll_ = loop_.After(0, [this] {
    poll_posted_ = false;
    PollAll();
  });
}

absl::StatusOr<uint32_t> GuestLinks::OnHello(uint16_t slot, const BootId& boot_id) {
  const auto dead = registry_.BrokerReady(slot, FormatBootId(boot_id));
  if (!dead.ok()) {
    // Any guest can say hello for a vacant slot, as often as it likes.
    if (unwelcome_[slot].MayLog(MonotonicNs())) {
      spdlog::warn("slot {}: its broker is not welcome: {}", slot, dead.status().ToString());
    }
    return dead.status();
  }
  if (!dead->empty()) {
    spdlog::info("slot {}: rebooted, and {} endpoints with it", slot, dead->size());
  }
  spdlog::info("slot {}: its broker says hello, boot {}", slot, FormatBootId(boot_id));
  return registry_.FindPeer(slot)->incarnation;
}

void GuestLinks::OnAttach(uint16_t slot, const LinkAttach& attach) {
  const std::string name(attach.name, strnlen(attach.name, sizeof(attach.name)));
  AttachRequest request{.slot = slot, .name = name, .pid = attach.pid, .now_unix_ns = NowUnixNs()};
  if (attach.wanted_vector != 0) request.vector = attach.wanted_vector - 1;
  const absl::StatusOr<EndpointId> id = registry_.AttachEndpoint(request);
  LinkAttachReply reply;
  if (id.ok()) {
    reply.endpoint = {id->index, id->incarnation};
    reply.vector = registry_.FindEndpoint(*id)->vector;
  } else {
    reply = Outcome<LinkAttachReply>(id.status());
  }
  reply.request = attach.request;
  links_[slot]->Reply(reply);
}

void GuestLinks::OnGone(uint16_t slot, EndpointId id) {
  const EndpointInfo* live = registry_.FindEndpoint(id);
  if (live == nullptr || live->slot != slot) return;  // Told twice, or not its own.
  registry_.EndpointGone(id).IgnoreError();
}

// The endpoint that asks, if it is a living one of the slot.
absl::StatusOr<EndpointId> GuestLinks::AskerOf(uint16_t slot,
                                               const LinkServiceRequest& request) const {
  const EndpointId id = {request.endpoint.index, request.endpoint.incarnation};
  const EndpointInfo* live = registry_.FindEndpoint(id);
  if (live != nullptr && live->slot == slot) return id;
  return absl::FailedPreconditionError(absl::StrCat("slot ", slot, " has no live endpoint ",
                                                    id.index, " of incarnation ", id.incarnation,
                                                    " that could ask for a service."));
}

void GuestLinks::OnOpenService(uint16_t slot, const LinkServiceRequest& request) {
  const absl::StatusOr<EndpointId> asker = AskerOf(slot, request);
  absl::StatusOr<ServiceEntry> service =
      asker.ok() ? services_.Open(NameIn(request), *asker) : asker.status();
  LinkServiceReply reply;
  if (service.ok()) {
    reply.service_index = service->index;
    reply.service_incarnation = service->incarnation;
    spdlog::info("service {} is '{}', written by endpoint {} of slot {}", service->index,
                 service->name, asker->index, slot);
  } else {
    reply = Outcome<LinkServiceReply>(service.status());
  }
  reply.request = request.request;
  links_[slot]->Reply(reply);
}

void GuestLinks::OnCloseService(uint16_t slot, const LinkServiceRequest& request) {
  absl::Status status = AskerOf(slot, request).status();
  if (status.ok()) status = services_.Close(NameIn(request));
  LinkServiceReply reply = Outcome<LinkServiceReply>(status);
  reply.request = request.request;
  links_[slot]->Reply(reply);
}

void GuestLinks::OnResync(uint16_t slot, const std::vector<EndpointId>& live) {
  const std::optional<PeerInfo> peer = registry_.FindPeer(slot);
  if (!peer) return;
  const std::set<EndpointId> known(live.begin(), live.end());
  for (const EndpointInfo& endpoint : peer->endpoints) {
    if (!known.contains(endpoint.id)) {
      registry_.EndpointGone(endpoint.id).IgnoreError();
    }
  }
}

}  // namespace tombolo::control

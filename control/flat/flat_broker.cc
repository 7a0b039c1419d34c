#include "control/flat/flat_broker.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "control/link/agent_link.h"
#include "control/link/boot_id.h"
#include "control/link/link_messages.h"
#include "transport/alloc/extent_map.h"
#include "transport/base/clock.h"
#include "transport/base/ring_eventfd.h"
#include "transport/base/units.h"
#include "transport/endpoint/link_directory.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/link.h"

namespace tombolo::control {
namespace {

constexpr uint16_t kLinkVector = 1;
constexpr int64_t kHostSlotNumber = 0;
constexpr int64_t kDeadlineNs = 10 * kNsPerSecond;
// The daemon may not know yet that the slot is ours, and then a hello stays without an answer.
constexpr int kHelloAgainMs = 100;

// Says hello, asks once, and keeps the answer.
class Asker final : public AgentLinkHandler {
 public:
  Asker(const SlotConnection& connection, const BootId& boot_id, const LinkAttach& attach)
      : attach_(attach),
        wake_fd_(connection.Doorbell(connection.Slot(), kLinkVector)),
        link_(connection.SharedRegion().Control(connection.Slot()), boot_id, *this,
              [fd = connection.Doorbell(kHostSlotNumber, kLinkVector)] { RingEventfd(fd); }) {}

  absl::StatusOr<LinkAttachReply> Ask() {
    const int64_t deadline_ns = MonotonicNs() + kDeadlineNs;
    while (!reply_ && MonotonicNs() < deadline_ns) {
      pollfd woken{.fd = wake_fd_, .events = POLLIN, .revents = 0};
      if (poll(&woken, 1, kHelloAgainMs) == 0 && !link_.IsUp()) link_.SayHello();
      eventfd_t rings = 0;
      if (woken.revents != 0) eventfd_read(wake_fd_, &rings);
      link_.Poll();
    }
    if (reply_) return *reply_;
    return absl::UnavailableError(absl::StrCat("tombolod has not answered within ",
                                               kDeadlineNs / kNsPerSecond,
                                               " s; its log may tell why."));
  }

 private:
  void OnUp(uint32_t /*slot_incarnation*/) override {
    link_.Resync({});
    link_.Attach(attach_);
  }
  void OnAttachReply(const LinkAttachReply& reply) override { reply_ = reply; }
  void OnServiceReply(const LinkServiceReply& /*reply*/) override {}

  const LinkAttach attach_;
  const int wake_fd_;
  std::optional<LinkAttachReply> reply_;
  AgentLink link_;
};

}  // namespace

absl::StatusOr<FlatEndpoint> RegisterFlatEndpoint(const SlotConnection& connection,
                                                  const std::string& name) {
  LinkAttach attach{.request = 1, .pid = getpid(), .wanted_vector = 1 + kFlatVector};
  memcpy(attach.name, name.data(), std::min(name.size(), sizeof(attach.name) - 1));
  // A boot of its own: whatever this slot's machine was before, it is gone.
  const BootId boot_id = {AgentLink::RandomNonce(), AgentLink::RandomNonce()};
  const absl::StatusOr<LinkAttachReply> reply = Asker(connection, boot_id, attach).Ask();
  if (!reply.ok()) return reply.status();
  if (reply->code != 0) {
    return absl::Status(static_cast<absl::StatusCode>(reply->code), reply->text);
  }
  return FlatEndpoint{.id = {reply->endpoint.index, reply->endpoint.incarnation},
                      .vector = reply->vector};
}

absl::Status ClaimFlatMemory(const Region& region, tombolo::EndpointId id, uint32_t links) {
  ExtentMap extents(region.ExtentMap());
  const auto owner = static_cast<uint16_t>(id.index);
  const auto claim = [&](uint32_t count, ExtentKind kind) {
    const std::optional<uint32_t> first = extents.Claim(count, owner, kind);
    if (first) memset(region.Extent(*first), 0, uint64_t{count} * kExtentBytes);
    return first.has_value();
  };
  bool claimed =
      claim(LinkDirectoryExtents(region.Limits().endpoint_count), ExtentKind::kLinkDirectory);
  for (uint32_t i = 0; i < links && claimed; ++i) claimed = claim(1, ExtentKind::kLink);
  if (claimed) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the region has no free extents for ", links,
                   " links; make it larger (tombolod --size), or ask for fewer --links."));
}

}  // namespace tombolo::control

// DaemonLink: the daemon's end of the control area of one slot.
//
//   DOWN --a nonce that was not answered yet--> hello accepted: links reset, welcome --> UP
//   UP   --another nonce--> the same again; a lane that makes no sense, Close(): DOWN
//
// The slot's broker may be hostile: it is believed only in what concerns its own slot, which the
// handler checks; messages are copied before they are looked at, and Poll() is bounded. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "control/link/boot_id.h"
#include "control/link/link_messages.h"
#include "control/link/message_lane.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/layout/control_area.h"

namespace tombolo::control {

class DaemonLinkHandler {
 public:
  virtual ~DaemonLinkHandler() = default;

  // The broker of `slot` has started, or starts its link anew. Gives the incarnation of the slot;
  // an error leaves the hello unanswered until the next one.
  virtual absl::StatusOr<uint32_t> OnHello(uint16_t slot, const BootId& boot_id) = 0;

  // To be answered with DaemonLink::Reply(), at once or later.
  virtual void OnAttach(uint16_t slot, const LinkAttach& attach) = 0;
  virtual void OnGone(uint16_t slot, tombolo::EndpointId id) = 0;

  // To be answered as OnAttach is. Nothing of `request` is checked.
  virtual void OnOpenService(uint16_t slot, const LinkServiceRequest& request) = 0;
  virtual void OnCloseService(uint16_t slot, const LinkServiceRequest& request) = 0;

  // All of the slot's endpoints that live are in `live`.
  virtual void OnResync(uint16_t slot, const std::vector<tombolo::EndpointId>& live) = 0;
};

class DaemonLink {
 public:
  using Ring = std::function<void()>;

  // `ring` wakes the slot's broker. `handler` and `area` must outlive the link. A hello that is in
  // `area` already was meant for a former daemon: the welcome is withdrawn and the broker woken, so
  // that it says hello anew.
  DaemonLink(uint16_t slot, ControlArea& area, DaemonLinkHandler& handler, Ring ring);

  // Looks for a hello and takes messages, at most kPollBudget. True: there may be more.
  bool Poll();

  void Reply(const LinkAttachReply& reply);
  void Reply(const LinkServiceReply& reply);

  // The slot is vacant: nobody writes here any more. Leaves the area as a newcomer expects it.
  void Close();

  bool IsUp() const { return up_ != nullptr; }

 private:
  static constexpr int kPollBudget = 64;
  // Endpoints in one resync; a broker that lists more is not sane.
  static constexpr size_t kMostResynced = 16384;

  // Exists while the link is up.
  struct Lanes {
    Lanes(ControlArea& area, const Ring& ring)
        : from_broker(area.to_daemon, ring), to_broker(area.to_broker, ring) {}
    MessageReceiver from_broker;
    MessageSender to_broker;
    std::vector<tombolo::EndpointId> resynced;
  };

  void LookForHello();
  void Welcome(uint64_t nonce, uint32_t slot_incarnation);
  bool Dispatch(const LinkMessage& message);
  bool DispatchResync(const LinkResync& resync);
  bool DispatchService(const LinkMessage& message);
  template <typename T>
  void Send(LinkTag tag, const T& payload);
  void GoDown();

  const uint16_t slot_;
  ControlArea& area_;
  DaemonLinkHandler& handler_;
  const Ring ring_;
  uint64_t seen_nonce_;
  std::unique_ptr<Lanes> up_;
};

}  // namespace tombolo::control

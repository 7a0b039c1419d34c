// AgentLink: a broker's end of its slot's control area.
//
//   HELLO --the welcome names our nonce--> UP --it names another, or a lane makes no sense--> HELLO
//
// In HELLO nothing is sent: whoever uses the link says all that matters again when it is up
// (link_messages.h). The daemon is trusted, but any guest of the region can write here, so what
// makes no sense only starts the link anew. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "control/link/boot_id.h"
#include "control/link/link_messages.h"
#include "control/link/message_lane.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/layout/control_area.h"

namespace tombolo::control {

class AgentLinkHandler {
 public:
  virtual ~AgentLinkHandler() = default;

  // The daemon has welcomed this broker, for the first time or again. Resync() first, then ask
  // again for what is still wanted.
  virtual void OnUp(uint32_t slot_incarnation) = 0;
  virtual void OnAttachReply(const LinkAttachReply& reply) = 0;
  virtual void OnServiceReply(const LinkServiceReply& reply) = 0;
};

class AgentLink {
 public:
  using Ring = std::function<void()>;
  using NonceSource = std::function<uint64_t()>;

  // `ring` wakes the daemon. `next_nonce` never gives 0, nor what an earlier broker of this slot
  // used. `handler` and `area` must outlive the link. Says hello.
  AgentLink(ControlArea& area, const BootId& boot_id, AgentLinkHandler& handler, Ring ring,
            NonceSource next_nonce = RandomNonce);

  // When the doorbell has rung, and now and then: looks for the welcome and takes messages.
  void Poll();

  // Now and then while not IsUp(): the daemon may have come and gone since the last hello.
  void SayHello();

  bool IsUp() const { return up_ != nullptr; }

  // All that follow do nothing unless IsUp().
  void Resync(const std::vector<tombolo::EndpointId>& live);
  void Attach(const LinkAttach& attach);
  void Gone(tombolo::EndpointId id);
  void OpenService(const LinkServiceRequest& request);
  void CloseService(const LinkServiceRequest& request);

  static uint64_t RandomNonce();

 private:
  static constexpr int kPollBudget = 256;

  // Exists while the link is up.
  struct Lanes {
    Lanes(ControlArea& area, const Ring& ring)
        : from_daemon(area.to_broker, ring), to_daemon(area.to_daemon, ring) {}
    MessageReceiver from_daemon;
    MessageSender to_daemon;
  };

  void LookForWelcome();
  bool Dispatch(const LinkMessage& message);
  template <typename T>
  bool DispatchReply(const LinkMessage& message, void (AgentLinkHandler::*on_reply)(const T&));
  template <typename T>
  void Send(LinkTag tag, const T& payload);

  ControlArea& area_;
  const BootId boot_id_;
  AgentLinkHandler& handler_;
  const Ring ring_;
  const NonceSource next_nonce_;
  uint64_t nonce_ = 0;
  std::unique_ptr<Lanes> up_;
};

}  // namespace tombolo::control

#include "control/link/agent_link.h"

#include <sys/random.h>

#include <algorithm>
#include <utility>

namespace tombolo::control {

AgentLink::AgentLink(ControlArea& area, const BootId& boot_id, AgentLinkHandler& handler, Ring ring,
                     NonceSource next_nonce)
    : area_(area),
      boot_id_(boot_id),
      handler_(handler),
      ring_(std::move(ring)),
      next_nonce_(std::move(next_nonce)) {
  SayHello();
}

void AgentLink::SayHello() {
  up_ = nullptr;
  nonce_ = next_nonce_();
  area_.hello_boot_id[0].store(boot_id_[0], std::memory_order_relaxed);
  area_.hello_boot_id[1].store(boot_id_[1], std::memory_order_relaxed);
  // Release: pairs with DaemonLink::LookForHello.
  area_.hello_nonce.store(nonce_, std::memory_order_release);
  ring_();
}

void AgentLink::Poll() {
  LookForWelcome();
  if (up_ == nullptr) return;
  up_->to_daemon.Flush();
  if (up_->to_daemon.Poisoned()) return SayHello();
  LinkMessage message;
  for (int i = 0; i < kPollBudget && up_ != nullptr; ++i) {
    const FrontResult result = up_->from_daemon.Take(message);
    if (result == FrontResult::kEmpty) return;
    if (result == FrontResult::kPoisoned || !Dispatch(message)) return SayHello();
  }
}

void AgentLink::LookForWelcome() {
  // Acquire: pairs with DaemonLink::Welcome.
  const bool welcome = area_.welcome_nonce.load(std::memory_order_acquire) == nonce_;
  if (welcome == IsUp()) return;
  if (!welcome) return SayHello();  // The daemon has lost us: it was restarted.
  up_ = std::make_unique<Lanes>(area_, ring_);
  handler_.OnUp(
      static_cast<uint32_t>(area_.welcome_slot_incarnation.load(std::memory_order_relaxed)));
}

bool AgentLink::Dispatch(const LinkMessage& message) {
  switch (static_cast<LinkTag>(message.tag)) {
    case LinkTag::kAttachReply:
      return DispatchReply(message, &AgentLinkHandler::OnAttachReply);
    case LinkTag::kServiceReply:
      return DispatchReply(message, &AgentLinkHandler::OnServiceReply);
    default:
      return false;
  }
}

template <typename T>
bool AgentLink::DispatchReply(const LinkMessage& message,
                              void (AgentLinkHandler::*on_reply)(const T&)) {
  T reply;
  if (!message.Into(reply)) return false;
  reply.text[kLinkTextBytes - 1] = '\0';
  (handler_.*on_reply)(reply);
  return true;
}

void AgentLink::Resync(const std::vector<tombolo::EndpointId>& live) {
  size_t next = 0;
  do {
    LinkResync resync;
    resync.count = static_cast<uint32_t>(std::min(live.size() - next, kResyncEndpoints));
    for (uint32_t i = 0; i < resync.count; ++i, ++next) {
      resync.endpoints[i] = {live[next].index, live[next].incarnation};
    }
    resync.is_last = next == live.size() ? 1 : 0;
    Send(LinkTag::kResync, resync);
  } while (next < live.size());
}

void AgentLink::Attach(const LinkAttach& attach) { Send(LinkTag::kAttach, attach); }

void AgentLink::Gone(tombolo::EndpointId id) {
  Send(LinkTag::kGone, LinkGone{{id.index, id.incarnation}});
}

void AgentLink::OpenService(const LinkServiceRequest& request) {
  Send(LinkTag::kOpenService, request);
}

void AgentLink::CloseService(const LinkServiceRequest& request) {
  Send(LinkTag::kCloseService, request);
}

template <typename T>
void AgentLink::Send(LinkTag tag, const T& payload) {
  if (up_ == nullptr) return;
  // A daemon that reads nothing is stopped: when it goes on, it gets a hello and a resync.
  if (!up_->to_daemon.Send(LinkMessage::Of(static_cast<uint8_t>(tag), payload))) SayHello();
}

uint64_t AgentLink::RandomNonce() {
  uint64_t nonce = 0;
  while (nonce == 0) {
    if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce)) nonce = 0;
  }
  return nonce;
}

}  // namespace tombolo::control

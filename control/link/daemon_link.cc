#include "control/link/daemon_link.h"

#include <utility>

namespace tombolo::control {

DaemonLink::DaemonLink(uint16_t slot, ControlArea& area, DaemonLinkHandler& handler, Ring ring)
    : slot_(slot),
      area_(area),
      handler_(handler),
      ring_(std::move(ring)),
      // Relaxed: a number to compare with, nothing is read on its account.
      seen_nonce_(area.hello_nonce.load(std::memory_order_relaxed)) {
  GoDown();
}

bool DaemonLink::Poll() {
  LookForHello();
  if (up_ == nullptr) return false;
  up_->to_broker.Flush();
  if (up_->to_broker.Poisoned()) {
    GoDown();
    return false;
  }
  LinkMessage message;
  for (int i = 0; i < kPollBudget; ++i) {
    const FrontResult result = up_->from_broker.Take(message);
    if (result == FrontResult::kEmpty) return false;
    if (result == FrontResult::kPoisoned || !Dispatch(message)) {
      GoDown();
      return false;
    }
    if (up_ == nullptr) return false;  // The handler's answer found no room.
  }
  return true;
}

void DaemonLink::LookForHello() {
  // Acquire: pairs with AgentLink::SayHello; the boot id is there.
  const uint64_t nonce = area_.hello_nonce.load(std::memory_order_acquire);
  if (nonce == 0 || nonce == seen_nonce_) return;
  seen_nonce_ = nonce;
  const BootId boot_id = {area_.hello_boot_id[0].load(std::memory_order_relaxed),
                          area_.hello_boot_id[1].load(std::memory_order_relaxed)};
  const absl::StatusOr<uint32_t> incarnation = handler_.OnHello(slot_, boot_id);
  if (incarnation.ok()) {
    Welcome(nonce, *incarnation);
  } else {
    GoDown();
  }
}

void DaemonLink::Welcome(uint64_t nonce, uint32_t slot_incarnation) {
  ResetLink(area_.to_daemon);
  ResetLink(area_.to_broker);
  up_ = std::make_unique<Lanes>(area_, ring_);
  area_.welcome_slot_incarnation.store(slot_incarnation, std::memory_order_relaxed);
  // Release: pairs with AgentLink::LookForWelcome; the links are reset.
  area_.welcome_nonce.store(nonce, std::memory_order_release);
  ring_();
}

bool DaemonLink::Dispatch(const LinkMessage& message) {
  switch (static_cast<LinkTag>(message.tag)) {
    case LinkTag::kResync: {
      LinkResync resync;
      return message.Into(resync) && DispatchResync(resync);
    }
    case LinkTag::kAttach: {
      LinkAttach attach;
      if (!message.Into(attach)) return false;
      handler_.OnAttach(slot_, attach);
      return true;
    }
    case LinkTag::kGone: {
      LinkGone gone;
      if (!message.Into(gone)) return false;
      handler_.OnGone(slot_, {gone.endpoint.index, gone.endpoint.incarnation});
      return true;
    }
    case LinkTag::kOpenService:
    case LinkTag::kCloseService:
      return DispatchService(message);
    case LinkTag::kAttachReply:
    case LinkTag::kServiceReply:
      break;
  }
  return false;
}

bool DaemonLink::DispatchService(const LinkMessage& message) {
  LinkServiceRequest request;
  if (!message.Into(request)) return false;
  if (static_cast<LinkTag>(message.tag) == LinkTag::kOpenService) {
    handler_.OnOpenService(slot_, request);
  } else {
    handler_.OnCloseService(slot_, request);
  }
  return true;
}

bool DaemonLink::DispatchResync(const LinkResync& resync) {
  std::vector<tombolo::EndpointId>& live = up_->resynced;
  if (resync.count > kResyncEndpoints || live.size() + resync.count > kMostResynced) return false;
  for (uint32_t i = 0; i < resync.count; ++i) {
    live.push_back({resync.endpoints[i].index, resync.endpoints[i].incarnation});
  }
  if (resync.is_last != 0) handler_.OnResync(slot_, std::exchange(live, {}));
  return true;
}

void DaemonLink::Reply(const LinkAttachReply& reply) { Send(LinkTag::kAttachReply, reply); }

void DaemonLink::Reply(const LinkServiceReply& reply) { Send(LinkTag::kServiceReply, reply); }

template <typename T>
void DaemonLink::Send(LinkTag tag, const T& payload) {
  // A broker that is not there says hello first, and asks again.
  if (up_ == nullptr) return;
  if (!up_->to_broker.Send(LinkMessage::Of(static_cast<uint8_t>(tag), payload))) GoDown();
}

void DaemonLink::Close() {
  up_ = nullptr;
  seen_nonce_ = 0;
  // Relaxed: nobody else is here.
  area_.hello_nonce.store(0, std::memory_order_relaxed);
  area_.welcome_nonce.store(0, std::memory_order_relaxed);
}

// The broker sees that its nonce is not the welcomed one, and says hello anew.
void DaemonLink::GoDown() {
  up_ = nullptr;
  area_.welcome_nonce.store(0, std::memory_order_release);
  if (seen_nonce_ != 0) ring_();
}

}  // namespace tombolo::control

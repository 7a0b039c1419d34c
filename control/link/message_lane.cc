#include "control/link/message_lane.h"

#include <string.h>

#include "transport/layout/shared_copy.h"
#include "transport/layout/shared_word.h"

namespace tombolo::control {
namespace {

void StoreWord(std::byte* payload, size_t index, uint64_t value) {
  // SAFETY: the payload of a cell begins 8 bytes into a cell, which is aligned to a line.
  auto* words = reinterpret_cast<SharedU64*>(payload);
  // Relaxed: ordered by the header, which is stored after (SmallLaneProducer::Publish).
  words[index].store(value, std::memory_order_relaxed);
}

}  // namespace

void LinkMessage::Copy(std::span<const std::byte> from, std::span<std::byte> to) {
  memcpy(to.data(), from.data(), from.size());
}

bool MessageSender::Send(LinkMessage message) {
  if (queue_.size() >= kMostQueued) return false;
  queue_.push_back(std::move(message));
  Flush();
  return true;
}

void MessageSender::Flush() {
  bool sent = false;
  while (!queue_.empty() && TrySend(queue_.front())) {
    queue_.pop_front();
    sent = true;
  }
  // Relaxed: whether it is seen in time decides only between a doorbell and the receiver's timer.
  link_->credit_wanted.store(queue_.empty() ? 0 : 1, std::memory_order_relaxed);
  if (sent) ring_();
}

bool MessageSender::TrySend(const LinkMessage& message) {
  const size_t bytes = message.words.size() * sizeof(uint64_t);
  SmallClaim claim;
  if (!lane_.TryClaim(bytes, claim)) return false;
  for (size_t i = 0; i < message.words.size(); ++i) StoreWord(claim.payload, i, message.words[i]);
  SmallLaneProducer::Publish(claim, CellKind::kInline, message.tag, bytes);
  return true;
}

FrontResult MessageReceiver::Take(LinkMessage& message) {
  SmallMessage front;
  const FrontResult result = lane_.Front(front);
  if (result != FrontResult::kMessage) {
    if (lane_.HasUnpublishedCredits()) GiveBack();
    return result;
  }
  // There is no bulk pool here, and messages are whole words.
  if (front.kind != CellKind::kInline || front.payload.size() % sizeof(uint64_t) != 0) {
    return FrontResult::kPoisoned;
  }
  message.tag = front.tag;
  message.words.resize(front.payload.size() / sizeof(uint64_t));
  CopySharedWords(front.payload.data(), message.words.data(), message.words.size());
  lane_.Release();
  if (lane_.CreditsDue()) GiveBack();
  return FrontResult::kMessage;
}

void MessageReceiver::GiveBack() {
  lane_.PublishCredits();
  // Relaxed: see MessageSender::Flush.
  if (link_->credit_wanted.load(std::memory_order_relaxed) != 0) ring_();
}

void ResetLink(Link& link) {
  // Relaxed throughout: whoever uses the link next learns of it through the welcome.
  auto* words = reinterpret_cast<SharedU64*>(&link);  // SAFETY: a Link fills one aligned extent.
  for (size_t i = 0; i < sizeof(Link) / sizeof(SharedU64); ++i) {
    words[i].store(0, std::memory_order_relaxed);
  }
}

}  // namespace tombolo::control

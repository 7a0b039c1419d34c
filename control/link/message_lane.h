// One direction of a control link: whole messages over a small lane, with a queue in front of it,
// because control traffic may wait but must not be lost to a full lane.
//
// Payloads are copied by aligned words, one load or store each: the lane may be mapped as device
// memory, and what a peer writes is read exactly once. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "transport/layout/link.h"
#include "transport/ring/small_lane.h"

namespace tombolo::control {

// Private copy of one message.
struct LinkMessage {
  uint8_t tag = 0;
  std::vector<uint64_t> words;

  template <typename T>
  static LinkMessage Of(uint8_t tag, const T& payload) {
    static_assert(sizeof(T) % sizeof(uint64_t) == 0 && sizeof(T) <= kMaxInlineBytes);
    LinkMessage message{.tag = tag, .words = std::vector<uint64_t>(sizeof(T) / sizeof(uint64_t))};
    Copy(std::as_bytes(std::span(&payload, 1)), std::as_writable_bytes(std::span(message.words)));
    return message;
  }

  // False when the message has another size than T.
  template <typename T>
  bool Into(T& payload) const {
    if (words.size() * sizeof(uint64_t) != sizeof(T)) return false;
    Copy(std::as_bytes(std::span(words)), std::as_writable_bytes(std::span(&payload, 1)));
    return true;
  }

 private:
  static void Copy(std::span<const std::byte> from, std::span<std::byte> to);
};

class MessageSender {
 public:
  using Ring = std::function<void()>;

  // `ring` wakes the receiver. The link must be in its first state.
  MessageSender(Link& link, Ring ring) : link_(&link), lane_(link), ring_(std::move(ring)) {}

  // Sends, or queues until Flush(). False: kMostQueued messages wait already; the receiver does not
  // read, and the link is to be given up.
  bool Send(LinkMessage message);

  // Sends what is queued, as far as the receiver has made room.
  void Flush();

  bool Poisoned() const { return lane_.Poisoned(); }

 private:
  static constexpr size_t kMostQueued = 4096;

  bool TrySend(const LinkMessage& message);

  Link* link_;
  SmallLaneProducer lane_;
  Ring ring_;
  std::deque<LinkMessage> queue_;
};

class MessageReceiver {
 public:
  using Ring = std::function<void()>;

  // `ring` wakes the sender, when it waits for room.
  MessageReceiver(Link& link, Ring ring) : link_(&link), lane_(link), ring_(std::move(ring)) {}

  // Takes the oldest message. kPoisoned: the sender's words made no sense.
  FrontResult Take(LinkMessage& message);

 private:
  void GiveBack();

  Link* link_;
  SmallLaneConsumer lane_;
  Ring ring_;
};

// Puts a link into its first state. Nobody else may be using it.
void ResetLink(Link& link);

}  // namespace tombolo::control

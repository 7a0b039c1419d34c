#include "control/benchmark/echo_server.h"

#include <string.h>

#include <algorithm>

#include "control/benchmark/messages.h"
#include "transport/base/clock.h"

namespace tombolo::control {

EchoServer::EchoServer(Channel& channel) : channel_(channel), bytes_(kLargestMessageBytes) {}

bool EchoServer::Turn(int64_t limit_ns) {
  if (!SendDue()) return channel_.Wait(*this, limit_ns) != 0;
  channel_.Poll(*this);
  return true;
}

void EchoServer::OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) {
  Visitor& visitor = visitors_[source.index];
  if (visitor.id != source) visitor = {.id = source};
  memcpy(bytes_.data(), payload.data(), std::min(payload.size(), bytes_.size()));
  visitor.received_bytes += payload.size();
  if (tag == ToTag(BenchmarkTag::kTurn)) {
    Answer(visitor, std::min<uint64_t>(visitor.received_bytes, kLargestMessageBytes));
  } else if (tag == ToTag(BenchmarkTag::kMark)) {
    Answer(visitor, kMarkAnswerBytes);
  }
}

void EchoServer::Answer(Visitor& visitor, size_t bytes) {
  visitor.received_bytes = 0;
  if (bytes == 0 || !channel_.Open(visitor.id).ok()) return;
  visitor.due_bytes = bytes;
  visitor.due_since_ns = MonotonicNs();
  // At once, so that the answer to a small message waits for nobody else's.
  while (visitor.due_bytes != 0 && SendPiece(visitor)) continue;
}

// True: something is still due.
bool EchoServer::SendDue() {
  bool due = false;
  for (auto& [index, visitor] : visitors_) {
    while (visitor.due_bytes != 0 && SendPiece(visitor)) continue;
    if (visitor.due_bytes == 0) continue;
    if (MonotonicNs() - visitor.due_since_ns > kPatienceNs) visitor.due_bytes = 0;
    due |= visitor.due_bytes != 0;
  }
  return due;
}

// False: there is no room now.
bool EchoServer::SendPiece(Visitor& visitor) {
  const size_t bytes = std::min(visitor.due_bytes, channel_.MaxPayloadBytes(visitor.id));
  Claim claim;
  if (!channel_.TryClaim(visitor.id, bytes, claim)) return false;
  memcpy(claim.payload.data(), bytes_.data(), bytes);
  visitor.due_bytes -= bytes;
  const auto tag = visitor.due_bytes == 0 ? BenchmarkTag::kTurn : BenchmarkTag::kPart;
  channel_.Publish(claim, ToTag(tag), bytes);
  return true;
}

void EchoServer::OnDeparted(EndpointId peer) {
  const auto visitor = visitors_.find(peer.index);
  if (visitor != visitors_.end() && visitor->second.id == peer) visitors_.erase(visitor);
}

}  // namespace tombolo::control

// StreamCore: one stream as the mux sees it. People who use streams see Stream (stream.h).
//
// States
//   opening   the opener sent kOpen, or is about to; nothing else may be sent. The acceptor's core
//             is never here: it begins open, with kAccept to be sent before anything else.
//   open      data, credits and ends go both ways. Each direction has an end of its own; after both
//             the stream is over and nobody says more about it.
//   ended     by a reset, which the other side is told of once, or by the peer's departure.
// What is due to be sent is a set of flags, not a queue: so what a slow link can pile up is
// bounded. A frame that breaks the protocol ends the stream and harms nothing else. Not
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "transport/stream/frame.h"
#include "transport/stream/frame_sender.h"
#include "transport/stream/receive_half.h"
#include "transport/stream/send_half.h"

namespace tombolo {

class StreamHandler;
class StreamPeer;

// Names a stream among those of one peer.
struct StreamKey {
  uint32_t id = 0;
  bool opened_here = false;

  constexpr uint64_t Packed() const { return uint64_t{id} << 1 | uint64_t{opened_here}; }
};

class StreamCore {
 public:
  // The most that is taken from a writer at once.
  static constexpr size_t kMaxWriteBytes = 64 * kKiB;

  // Opened here: kOpen with `service` is due.
  StreamCore(StreamPeer& peer, StreamKey key, std::string_view service, ReceiveBudget& budget);
  // Opened by the peer, which takes `send_limit` bytes: kAccept is due.
  StreamCore(StreamPeer& peer, StreamKey key, uint64_t send_limit, ReceiveBudget& budget);

  // What a frame means for the one who uses the stream.
  enum class Effect { kNothing, kReadable, kWritable, kEnded, kViolation };

  // Applies a frame of this stream, any but kOpen. kReadable: data is offered until KeepOffered()
  // of the receiving half. kEnded and kViolation: EndReason() says why.
  Effect Apply(const StreamFrame& frame);

  // The peer would take bytes now.
  bool WindowIsOpen() const;

  // Bytes that Write() would take now, if the link has room.
  size_t WritableBytes() const;

  // Something is to be sent.
  bool HasDue() const;

  // Sends one frame of what is due. False: no room now.
  bool SendNext(FrameSender& sender);

  // Takes up to WritableBytes() of `data`: sends what it can and keeps the rest. Gives the bytes
  // taken.
  size_t Write(FrameSender& sender, std::span<const std::byte> data);

  void CloseWrite();

  // Ends the stream and tells the peer, if it knows the stream.
  void Reset(const absl::Status& why);

  // The peer is gone, or is not talked to any more.
  void PeerGone(const absl::Status& why);

  // The reader took something: a grant may be due.
  void GrantMore();

  bool Ended() const { return state_ == State::kEnded; }
  const absl::Status& EndReason() const { return end_reason_; }

  // Nothing will be sent or is expected any more.
  bool IsOver() const;

  ReceiveHalf& Receiving() { return receive_; }
  const ReceiveHalf& Receiving() const { return receive_; }
  bool WriteClosed() const { return send_.Closed(); }
  const StreamKey& Key() const { return key_; }

  StreamPeer* peer;                  // nullptr once it is out of the peer's table.
  StreamHandler* handler = nullptr;  // nullptr while nobody listens.
  bool wants_writable = false;       // The handler is to be told once there is room.
  bool is_scheduled = false;         // In the peer's queue of those that have something to send.
  bool is_waiting = false;           // In the peer's queue of those that want to write.

 private:
  enum class State { kOpening, kOpen, kEnded };

  Effect ApplyAccept(const StreamFrame& frame);
  Effect ApplyData(const StreamFrame& frame);
  Effect ApplyFin(const StreamFrame& frame);
  Effect ApplyCredit(const StreamFrame& frame);
  Effect ApplyReset(const StreamFrame& frame);
  Effect Violation(const char* what);

  void End(const absl::Status& why);
  StreamFrameHeader Header(StreamFrameType type, uint64_t value) const;
  bool SendText(FrameSender& sender, StreamFrameType type, uint64_t value, std::string_view text);
  bool SendNextOfOpen(FrameSender& sender);
  bool SendWaiting(FrameSender& sender);

  const StreamKey key_;
  State state_;
  ReceiveHalf receive_;
  SendHalf send_;
  absl::Status end_reason_;
  std::string service_;    // While kOpen is due.
  bool open_due_ = false;  // As those below: a frame that is to be sent.
  bool accept_due_ = false;
  bool credit_due_ = false;
  bool reset_due_ = false;
};

}  // namespace tombolo

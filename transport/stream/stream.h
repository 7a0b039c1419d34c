// Stream: bytes in order in both directions between two endpoints, as a TCP connection has them.
//
// Each direction has a window: the reader grants room for so many bytes, and a writer without room
// waits. Each direction ends on its own: CloseWrite() here is AtEnd() there, after everything
// written before. A reset ends both at once, with a reason; so does the peer's departure.
//
// Ownership: the user owns the Stream; dropping it closes it (a stream that is not finished in both
// directions is reset; what was written and closed is still sent). It must not outlive its mux. The
// handler is not owned. Not thread-safe: all of it belongs to the thread that polls the channel.
//
// Callbacks come only while that thread is in Channel::Poll() or StreamMux::Flush(), never from
// within a Stream's own functions. A callback may do anything to any stream, dropping it included.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/stream/stream_core.h"

namespace tombolo {

class StreamMux;

class StreamHandler {
 public:
  virtual ~StreamHandler() = default;

  // Front() has more, or AtEnd() has become true.
  virtual void OnReadable() = 0;

  // WritableBytes() is not 0 any more; once per NotifyWritable().
  virtual void OnWritable() = 0;

  // The stream ended early: refused, reset by the other side (`why` is its reason), Unavailable
  // because the peer has departed, or Internal because it broke the protocol. But in the last case
  // Front() may still hold what came before. The last callback.
  virtual void OnReset(const absl::Status& why) = 0;
};

class Stream {
 public:
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void SetHandler(StreamHandler* handler) { core_->handler = handler; }

  // How many bytes Write() takes now. 0 until the other side has accepted, while its window or the
  // link is full, and after CloseWrite().
  size_t WritableBytes() const;

  // Takes up to WritableBytes() of `data` and gives the number of bytes taken. What the link has no
  // room for at once is kept.
  size_t Write(std::span<const std::byte> data);

  // Asks for one OnWritable() once WritableBytes() is not 0.
  void NotifyWritable();

  // No more will be written.
  void CloseWrite();
  bool WriteClosed() const { return core_->WriteClosed(); }

  // The oldest bytes that were not consumed, as many as lie together; empty when there are none.
  // Within OnReadable() they may lie in shared memory, where the peer may still change them: look
  // at each byte once, or copy first. Valid until the next call.
  std::span<const std::byte> Front() const { return core_->Receiving().Front(); }

  // Takes `bytes` off the front, at most Front().size().
  void Consume(size_t bytes);

  // The other side has closed, and everything before that was consumed.
  bool AtEnd() const { return core_->Receiving().AtEnd(); }

  // The other side has closed; some bytes may still be unread.
  bool EndHasCome() const { return core_->Receiving().Finished(); }

  // Ends the stream at once and tells the other side why. No callback comes after that.
  void Reset(const absl::Status& why);

 private:
  friend class StreamMux;
  explicit Stream(std::shared_ptr<StreamCore> core) : core_(std::move(core)) {}

  void Schedule();

  std::shared_ptr<StreamCore> core_;
};

}  // namespace tombolo

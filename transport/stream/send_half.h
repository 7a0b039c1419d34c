// SendHalf: the direction of a stream that goes out: window, what waits for room in the link, the
// end. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/stream/byte_queue.h"

namespace tombolo {

class SendHalf {
 public:
  // The peer takes bytes up to this position. False: it took a promise back.
  bool RaiseLimit(uint64_t position) {
    if (position < limit_) return false;
    limit_ = position;
    return true;
  }

  // Bytes that the peer would still take.
  uint64_t WindowBytes() const { return limit_ - sent_ - waiting_.SizeBytes(); }

  // Where the next byte goes that is sent.
  uint64_t Position() const { return sent_; }
  void Sent(size_t bytes) { sent_ += bytes; }

  // Bytes that found no room in the link.
  ByteQueue& Waiting() { return waiting_; }
  const ByteQueue& Waiting() const { return waiting_; }

  // The writer is done; the end is due once nothing waits.
  void Close() { closed_ = true; }
  bool Closed() const { return closed_; }
  bool EndIsDue() const { return closed_ && !end_sent_ && waiting_.IsEmpty(); }
  void EndSent() { end_sent_ = true; }
  bool Finished() const { return end_sent_; }

 private:
  uint64_t limit_ = 0;
  uint64_t sent_ = 0;
  ByteQueue waiting_;
  bool closed_ = false;
  bool end_sent_ = false;
};

}  // namespace tombolo

// ReceiveHalf: the direction of a stream that comes in: order, window, what was not read yet.
//
// Data that arrives is shown to the reader in place, in shared memory; what the reader leaves is
// copied once, then, into private memory. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/stream/byte_queue.h"
#include "transport/stream/receive_budget.h"

namespace tombolo {

class ReceiveHalf {
 public:
  // `budget` must outlive it.
  explicit ReceiveHalf(ReceiveBudget& budget);
  ~ReceiveHalf();
  ReceiveHalf(const ReceiveHalf&) = delete;
  ReceiveHalf& operator=(const ReceiveHalf&) = delete;

  // Data has come; it stays the front's tail until KeepOffered(). An answer other than nullptr says
  // how the peer broke the protocol.
  const char* Offer(uint64_t position, std::span<const std::byte> data);

  // The memory of what was offered is about to go: copies what was not consumed.
  void KeepOffered();

  // The end has come.
  const char* Finish(uint64_t position);

  std::span<const std::byte> Front() const { return kept_.IsEmpty() ? offered_ : kept_.Front(); }
  void Consume(size_t bytes);

  // Nothing more will come.
  void Cut();

  // Nothing more will be read: forgets all. There is no AtEnd() after that.
  void Discard();

  // Grants more when that is worth a message. True: Granted() has changed.
  bool Grant();

  // Position up to which the peer may send.
  uint64_t Granted() const { return granted_; }

  bool Finished() const { return finished_; }

  // The end has come and everything before it was consumed.
  bool AtEnd() const { return finished_ && consumed_ == received_; }

 private:
  ReceiveBudget& budget_;
  uint64_t granted_ = 0;
  uint64_t received_ = 0;
  uint64_t consumed_ = 0;
  ByteQueue kept_;
  std::span<const std::byte> offered_;
  bool finished_ = false;
};

}  // namespace tombolo

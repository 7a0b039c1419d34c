// Origin: the side of one-sided operations that begins them (put, get, atomic).
//
// On memory of the region, and on memory of this process, they are done at once: copies, or the
// processor's atomic operations. For private memory of a peer it asks the peer: the request waits
// until there is room, at most kMostOpenOperations are open at one peer, and nothing is refused or
// lost. Requests to one peer are sent in the order of their beginning; each ends by an answer, or
// with the peer's death.
//
// What it assumes of the peers: nothing. An answer is used only for an operation that is open at
// the peer that sends it, and within its bytes; one that makes no sense, and a handle that leads
// nowhere, is a complaint, after which the caller is to end the peer by Fail(). So an operation
// fails only with its peer. Not thread-safe; RankEngine calls it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "mpi_btl/engine/atomic_op.h"
#include "mpi_btl/engine/engine_message.h"
#include "mpi_btl/engine/memory_handle.h"
#include "mpi_btl/engine/region_memory.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::mpi {

enum class OperationKind { kPut, kGet, kAtomic };

struct Operation {
  OperationKind kind = OperationKind::kPut;
  EndpointId target;
  std::byte* local = nullptr;  // kPut: from; kGet: to; kAtomic: for what was there, or nullptr.
  uint64_t address = 0;        // At the target.
  MemoryHandle handle;         // Of the memory there.
  uint64_t bytes = 0;          // kAtomic: 4 or 8, and the address is aligned to it.
  AtomicOp atomic = AtomicOp::kAdd;
  uint64_t operand = 0;
  uint64_t expected = 0;
  void* context = nullptr;  // The caller's.
};

struct FinishedOperation {
  void* context = nullptr;
  bool is_good = false;  // Else the peer is lost, and what is in `local` is not to be used.
};

class Origin {
 public:
  // Tells of a peer that makes no sense.
  using Complain = std::function<void(EndpointId peer, std::string why)>;

  // `channel` and `memory` must outlive it.
  Origin(Channel& channel, RegionMemory& memory, Complain complain)
      : channel_(channel), memory_(memory), complain_(std::move(complain)) {}

  // True: it is done. Else TakeFinished() gives it later.
  bool Start(const Operation& operation);

  // Begins an operation at a peer that is lost: it waits for Fail().
  void StartLost(const Operation& operation) { Enqueue(operation).is_broken = true; }

  // An answer of `source`: `reply`, a private copy, and what follows it.
  void OnReply(EndpointId source, const OperationReply& reply, std::span<const std::byte> data);

  // Sends requests that waited, as far as there is room.
  void Flush();

  bool IsWaiting() const { return waiting_ != 0; }

  // Ends all operations at `peer`, which is lost.
  void Fail(EndpointId peer);
  bool HasOpen(EndpointId peer) const;

  bool HasFinished() const { return !finished_.empty(); }
  std::optional<FinishedOperation> TakeFinished();

 private:
  struct Open {
    Operation operation;
    uint64_t moved_bytes = 0;  // kPut: sent; kGet: received.
    bool is_sent = false;
  };

  // What is open at one peer.
  struct Queue {
    EndpointId peer;
    std::deque<uint32_t> waiting;  // Operations that are not, or not wholly, sent.
    uint32_t open = 0;             // All.
    bool is_broken = false;        // The peer made no sense and is about to be ended.
  };

  enum class Direct { kDone, kAsk, kBroken };

  Direct TryDirect(const Operation& operation);
  bool DoAt(const Operation& operation, std::byte* memory);
  Queue& Enqueue(const Operation& operation);
  void FlushQueue(Queue& queue);
  bool TrySend(uint32_t number, Open& open);
  bool TrySendPut(uint32_t number, Open& open);
  bool Receive(Open& open, const OperationReply& reply, std::span<const std::byte> data) const;
  void Finish(uint32_t number, bool is_good);

  Channel& channel_;
  RegionMemory& memory_;
  Complain complain_;
  uint32_t next_number_ = 0;
  std::unordered_map<uint32_t, Open> open_;     // By number.
  std::unordered_map<uint32_t, Queue> queues_;  // By endpoint index; those that were ever asked.
  size_t waiting_ = 0;                          // In all queues.
  std::deque<FinishedOperation> finished_;
};

}  // namespace tombolo::mpi

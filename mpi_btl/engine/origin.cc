#include "mpi_btl/engine/origin.h"

#include <string.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "mpi_btl/engine/operation_claim.h"
#include "transport/region/region_copy.h"

namespace tombolo::mpi {
namespace {

EndpointId OwnerOf(const MemoryHandle& handle) {
  return {handle.owner_index, handle.owner_incarnation};
}

// What a peer is asked; of a put, without its bytes.
OperationRequest RequestFor(uint32_t number, const Operation& operation) {
  return OperationRequest{.kind = operation.kind == OperationKind::kPut   ? EngineMessage::kPut
                                  : operation.kind == OperationKind::kGet ? EngineMessage::kGet
                                                                          : EngineMessage::kAtomic,
                          .operation = number,
                          .registration = operation.handle.place,
                          .generation = operation.handle.generation,
                          .address = operation.address,
                          .bytes = operation.bytes,
                          .is_last = 0,
                          .atomic = static_cast<uint32_t>(operation.atomic),
                          .operand = operation.operand,
                          .expected = operation.expected};
}

// Stores what an atomic operation found, as wide as it is.
void StoreResult(const Operation& operation, uint64_t value) {
  if (operation.local == nullptr) return;
  if (operation.bytes == sizeof(uint32_t)) {
    const auto narrow = static_cast<uint32_t>(value);
    memcpy(operation.local, &narrow, sizeof(narrow));
  } else {
    memcpy(operation.local, &value, sizeof(value));
  }
}

}  // namespace

bool Origin::Start(const Operation& operation) {
  switch (TryDirect(operation)) {
    case Direct::kDone:
      return true;
    case Direct::kAsk:
      FlushQueue(Enqueue(operation));
      return false;
    case Direct::kBroken:
      // It is not sent, and waits for the end of its peer.
      Enqueue(operation).is_broken = true;
      complain_(operation.target, "it gave a handle of memory that is not its own");
      return false;
  }
  return false;
}

Origin::Direct Origin::TryDirect(const Operation& operation) {
  if (operation.target == channel_.Self()) {
    // SAFETY: the address came from this process.
    auto* memory = reinterpret_cast<std::byte*>(operation.address);
    return DoAt(operation, memory) ? Direct::kDone : Direct::kBroken;
  }
  const MemoryHandle& handle = operation.handle;
  if (OwnerOf(handle) != operation.target) return Direct::kBroken;
  if (handle.kind == MemoryKind::kPrivate) return Direct::kAsk;
  // With a link, the death of the owner waits for this endpoint before its memory is given away.
  if (handle.kind != MemoryKind::kRegion || !channel_.Open(operation.target).ok()) {
    return Direct::kBroken;
  }
  std::byte* memory = memory_.Reach(handle, operation.target, operation.address, operation.bytes);
  if (memory == nullptr || !DoAt(operation, memory)) return Direct::kBroken;
  if (operation.kind == OperationKind::kGet && !memory_.StillReachable(handle, operation.target)) {
    return Direct::kBroken;
  }
  return Direct::kDone;
}

bool Origin::DoAt(const Operation& operation, std::byte* memory) {
  const MemoryType type = channel_.SharedRegion().Type();
  if (operation.kind == OperationKind::kPut) {
    CopyIn(type, memory, {operation.local, operation.bytes});
    return true;
  }
  if (operation.kind == OperationKind::kGet) {
    CopyOut(type, operation.local, {memory, operation.bytes});
    return true;
  }
  const std::optional<uint64_t> before =
      ApplyAtomic(memory, operation.atomic, operation.bytes, operation.operand, operation.expected);
  if (before) StoreResult(operation, *before);
  return before.has_value();
}

Origin::Queue& Origin::Enqueue(const Operation& operation) {
  Queue& queue = queues_[operation.target.index];
  queue.peer = operation.target;
  ++queue.open;
  queue.waiting.push_back(next_number_);
  ++waiting_;
  open_[next_number_++] = {.operation = operation};
  return queue;
}

void Origin::Flush() {
  for (auto& [index, queue] : queues_) FlushQueue(queue);
}

void Origin::FlushQueue(Queue& queue) {
  if (queue.waiting.empty() || queue.is_broken) return;
  if (const absl::Status status = channel_.Open(queue.peer); !status.ok()) {
    // The dead are found when they are looked for; a region without memory is not going to get any.
    if (absl::IsResourceExhausted(status)) complain_(queue.peer, std::string(status.message()));
    return;
  }
  while (!queue.waiting.empty()) {
    const uint32_t in_flight = queue.open - static_cast<uint32_t>(queue.waiting.size());
    const uint32_t number = queue.waiting.front();
    Open& open = open_[number];
    if (in_flight >= kMostOpenOperations || !TrySend(number, open)) return;
    open.is_sent = true;
    queue.waiting.pop_front();
    --waiting_;
  }
}

bool Origin::TrySend(uint32_t number, Open& open) {
  if (open.operation.kind == OperationKind::kPut) return TrySendPut(number, open);
  Claim claim;
  const OperationRequest request = RequestFor(number, open.operation);
  if (!TryClaimOperation(channel_, open.operation.target, sizeof(request), 0, claim)) return false;
  WriteHeader(channel_, claim, request);
  PublishOperation(channel_, claim);
  return true;
}

bool Origin::TrySendPut(uint32_t number, Open& open) {
  const Operation& put = open.operation;
  OperationRequest request = RequestFor(number, put);
  do {
    Claim claim;
    const uint64_t left = put.bytes - open.moved_bytes;
    if (!TryClaimOperation(channel_, put.target, sizeof(request), left, claim)) return false;
    const uint64_t part = claim.payload.size() - sizeof(request);
    request.address = put.address + open.moved_bytes;
    request.bytes = part;
    request.is_last = part == left ? 1 : 0;
    WriteHeader(channel_, claim, request);
    CopyIn(channel_.SharedRegion().Type(), claim.payload.data() + sizeof(request),
           {put.local + open.moved_bytes, part});
    PublishOperation(channel_, claim);
    open.moved_bytes += part;
  } while (request.is_last == 0);
  return true;
}

void Origin::OnReply(EndpointId source, const OperationReply& reply,
                     std::span<const std::byte> data) {
  const auto found = open_.find(reply.operation);
  if (found == open_.end() || found->second.operation.target != source) {
    return complain_(source, "it answered what it was not asked");
  }
  if (reply.kind == EngineMessage::kRefused) {
    return complain_(source, "it took back memory that operations were open on");
  }
  if (!Receive(found->second, reply, data)) {
    return complain_(source, "its answer to an operation on its memory makes no sense");
  }
  const Open& open = found->second;
  if (open.operation.kind == OperationKind::kGet && open.moved_bytes < open.operation.bytes) return;
  Finish(reply.operation, true);
}

bool Origin::Receive(Open& open, const OperationReply& reply,
                     std::span<const std::byte> data) const {
  const Operation& operation = open.operation;
  if (!open.is_sent) return false;
  if (operation.kind == OperationKind::kGet) {
    if (reply.kind != EngineMessage::kData || reply.offset_bytes != open.moved_bytes ||
        data.size() > operation.bytes - open.moved_bytes) {
      return false;
    }
    CopyOut(channel_.SharedRegion().Type(), operation.local + open.moved_bytes, data);
    open.moved_bytes += data.size();
    return true;
  }
  if (reply.kind != EngineMessage::kDone) return false;
  if (operation.kind == OperationKind::kAtomic) StoreResult(operation, reply.value);
  return true;
}

void Origin::Finish(uint32_t number, bool is_good) {
  const auto found = open_.find(number);
  const Operation& operation = found->second.operation;
  finished_.push_back({operation.context, is_good});
  Queue& queue = queues_.find(operation.target.index)->second;
  open_.erase(found);
  if (--queue.open == 0) queue.is_broken = false;
}

bool Origin::HasOpen(EndpointId peer) const {
  const auto found = queues_.find(peer.index);
  return found != queues_.end() && found->second.open != 0;
}

void Origin::Fail(EndpointId peer) {
  const auto found = queues_.find(peer.index);
  if (found == queues_.end() || found->second.peer != peer) return;
  waiting_ -= found->second.waiting.size();
  found->second.waiting.clear();
  std::vector<uint32_t> numbers;
  for (const auto& [number, open] : open_) {
    if (open.operation.target == peer) numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  for (const uint32_t number : numbers) Finish(number, false);
}

std::optional<FinishedOperation> Origin::TakeFinished() {
  if (finished_.empty()) return std::nullopt;
  const FinishedOperation finished = finished_.front();
  finished_.pop_front();
  return finished;
}

}  // namespace tombolo::mpi

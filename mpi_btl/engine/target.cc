#include "mpi_btl/engine/target.h"

#include <optional>
#include <utility>
#include <vector>

#include "mpi_btl/engine/atomic_op.h"
#include "mpi_btl/engine/operation_claim.h"
#include "transport/region/region_copy.h"

namespace tombolo::mpi {
namespace {

OperationReply ReplyTo(const OperationRequest& request, EngineMessage kind, uint64_t value = 0) {
  return {.kind = kind, .operation = request.operation, .offset_bytes = 0, .value = value};
}

Registrations::Key KeyOf(const OperationRequest& request) {
  return {request.registration, request.generation};
}

}  // namespace

void Target::OnRequest(EndpointId source, const OperationRequest& request,
                       std::span<const std::byte> data) {
  Answer answer = Do(request, data);
  // Only the last part of a put is answered, unless an earlier one is refused.
  if (request.kind == EngineMessage::kPut && request.is_last == 0 &&
      answer.reply.kind == EngineMessage::kDone) {
    return;
  }
  // Behind no other one it goes out at once, and nothing is allocated for it.
  if (!queues_.contains(source.index) && (!CanAnswer(source) || TrySend(source, answer))) return;
  Queue& queue = queues_[source.index];
  if (queue.peer != source) queue = {source, {}};
  if (queue.answers.size() >= kMostOpenOperations) {
    return complain_(source, "it asks for more operations at once than are allowed");
  }
  queue.answers.push_back(answer);
}

Target::Answer Target::Do(const OperationRequest& request, std::span<const std::byte> data) const {
  Answer refusal = {ReplyTo(request, EngineMessage::kRefused), {}};
  const bool is_put = request.kind == EngineMessage::kPut;
  if (is_put && data.size() != request.bytes) return refusal;
  const uint32_t access = is_put                                ? kMayWrite
                          : request.kind == EngineMessage::kGet ? kMayRead
                                                                : kMayOperate;
  std::byte* memory = registrations_.Find(KeyOf(request), request.address, request.bytes, access);
  if (memory == nullptr) return refusal;
  if (is_put) {
    CopyOut(channel_.SharedRegion().Type(), memory, data);
    return {ReplyTo(request, EngineMessage::kDone), {}};
  }
  if (request.kind == EngineMessage::kGet) return {ReplyTo(request, EngineMessage::kData), request};
  const std::optional<uint64_t> before =
      ApplyAtomic(memory, static_cast<AtomicOp>(request.atomic), request.bytes, request.operand,
                  request.expected);
  if (!before) return refusal;
  return {ReplyTo(request, EngineMessage::kDone, *before), {}};
}

void Target::Flush() {
  for (auto next = queues_.begin(); next != queues_.end();) {
    // By its index: a complaint may have forgotten it already.
    const uint32_t index = next->first;
    Queue& queue = (next++)->second;
    if (FlushQueue(queue)) queues_.erase(index);
  }
}

bool Target::CanAnswer(EndpointId peer) {
  const absl::Status status = channel_.Open(peer);
  // The dead want no answer; a region without memory is not going to get any.
  if (absl::IsResourceExhausted(status)) complain_(peer, std::string(status.message()));
  return status.ok();
}

// True: nothing is left of it.
bool Target::FlushQueue(Queue& queue) {
  if (!CanAnswer(queue.peer)) return true;
  while (!queue.answers.empty() && TrySend(queue.peer, queue.answers.front())) {
    queue.answers.pop_front();
  }
  return queue.answers.empty();
}

bool Target::TrySend(EndpointId peer, Answer& answer) {
  return answer.reply.kind == EngineMessage::kData ? TrySendData(peer, answer)
                                                   : TrySendReply(peer, answer.reply);
}

bool Target::TrySendReply(EndpointId peer, const OperationReply& reply) {
  Claim claim;
  if (!TryClaimOperation(channel_, peer, sizeof(reply), 0, claim)) return false;
  WriteHeader(channel_, claim, reply);
  PublishOperation(channel_, claim);
  return true;
}

bool Target::TrySendData(EndpointId peer, Answer& answer) {
  OperationReply& reply = answer.reply;
  const OperationRequest& get = answer.get;
  // Looked for anew: it may have been taken back while the answer waited.
  const std::byte* memory = registrations_.Find(KeyOf(get), get.address, get.bytes, kMayRead);
  if (memory == nullptr) {
    reply = ReplyTo(get, EngineMessage::kRefused);
    return TrySendReply(peer, reply);
  }
  do {
    Claim claim;
    const uint64_t left = get.bytes - reply.offset_bytes;
    if (!TryClaimOperation(channel_, peer, sizeof(reply), left, claim)) return false;
    const uint64_t part = claim.payload.size() - sizeof(reply);
    WriteHeader(channel_, claim, reply);
    CopyIn(channel_.SharedRegion().Type(), claim.payload.data() + sizeof(reply),
           {memory + reply.offset_bytes, part});
    PublishOperation(channel_, claim);
    reply.offset_bytes += part;
  } while (reply.offset_bytes < get.bytes);
  return true;
}

void Target::Forget(EndpointId peer) {
  const auto found = queues_.find(peer.index);
  if (found != queues_.end() && found->second.peer == peer) queues_.erase(found);
}

}  // namespace tombolo::mpi

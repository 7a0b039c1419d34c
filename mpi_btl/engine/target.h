// Target: the side of one-sided operations that owns the memory, where that is private: it does
// what peers ask (Origin), and answers.
//
// What it assumes of the peers: nothing. A request is done only within what is registered now, for
// what it is registered for; else it is refused. Answers wait until there is room; a peer that asks
// for more at once than Origin does is a complaint, so that answers don't pile up. Not thread-safe;
// RankEngine calls it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>

#include "mpi_btl/engine/engine_message.h"
#include "mpi_btl/engine/registrations.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::mpi {

class Target {
 public:
  // Tells of a peer that makes no sense.
  using Complain = std::function<void(EndpointId peer, std::string why)>;

  // `channel` and `registrations` must outlive it.
  Target(Channel& channel, const Registrations& registrations, Complain complain)
      : channel_(channel), registrations_(registrations), complain_(std::move(complain)) {}

  // A request of `source`: `request`, a private copy, and what follows it.
  void OnRequest(EndpointId source, const OperationRequest& request,
                 std::span<const std::byte> data);

  // Sends answers that waited, as far as there is room.
  void Flush();

  bool IsWaiting() const { return !queues_.empty(); }

  // `peer` is lost: it gets no answers.
  void Forget(EndpointId peer);

 private:
  struct Answer {
    OperationReply reply;
    OperationRequest get;  // When it is kData: what is still to be sent.
  };

  struct Queue {
    EndpointId peer;
    std::deque<Answer> answers;
  };

  Answer Do(const OperationRequest& request, std::span<const std::byte> data) const;
  bool CanAnswer(EndpointId peer);
  bool FlushQueue(Queue& queue);
  bool TrySend(EndpointId peer, Answer& answer);
  bool TrySendData(EndpointId peer, Answer& answer);
  bool TrySendReply(EndpointId peer, const OperationReply& reply);

  Channel& channel_;
  const Registrations& registrations_;
  Complain complain_;
  std::unordered_map<uint32_t, Queue> queues_;  // By endpoint index; those with answers.
};

}  // namespace tombolo::mpi

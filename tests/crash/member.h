// Member: one endpoint of the region with its channel, and what it has received so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "tests/crash/stream_side.h"
#include "transport/channel/channel.h"
#include "transport/channel/loan.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::crash {

// Beside AgentTag::kStream.
inline constexpr uint8_t kOrdinaryTag = 1;
inline constexpr uint8_t kLastTag = 2;

// Takes numbered messages and looks at every byte of them. Numbers of one sender must come without
// a gap. Loans are messages too; they are given back at once unless it is told to keep them.
class Mailbox final : public ChannelHandler {
 public:
  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnLoan(EndpointId source, uint8_t tag, Loan loan) override;
  void OnReturned(EndpointId borrower, uint64_t cookie) override;
  void OnDeparted(EndpointId peer) override;

  // Gets the frames of streams.
  StreamSide* streams = nullptr;

  uint64_t Received(EndpointId from) const;
  uint64_t ReceivedTotal() const { return received_total_; }

  // Whether a message with kLastTag has come.
  bool HasLast(EndpointId from) const { return last_.contains(from); }
  uint64_t Returned() const { return returned_; }

  void KeepLoans() { keeps_loans_ = true; }
  bool HoldsLoans() const { return !loans_.empty(); }
  // Looks at every byte of the loans once more.
  void CheckLoans();
  void DropLoans() { loans_.clear(); }

  // Messages that were not what their sender wrote, or not the one that was due.
  uint64_t Torn() const { return torn_; }

 private:
  std::map<EndpointId, uint64_t> received_;
  uint64_t received_total_ = 0;
  std::set<EndpointId> last_;
  std::vector<Loan> loans_;
  bool keeps_loans_ = false;
  uint64_t returned_ = 0;
  uint64_t torn_ = 0;
};

struct Member {
  EndpointId Id() const { return endpoint->Id(); }

  // Whether a numbered message of `bytes` went out.
  bool TrySend(EndpointId to, size_t bytes, uint8_t tag = kOrdinaryTag);

  size_t Poll() {
    mailbox.streams = &streams;
    return channel->Poll(mailbox);
  }

  std::unique_ptr<Endpoint> endpoint;
  std::unique_ptr<Channel> channel;
  Mailbox mailbox;
  StreamSide streams;
  std::map<EndpointId, uint64_t> sent;
};

}  // namespace tombolo::crash

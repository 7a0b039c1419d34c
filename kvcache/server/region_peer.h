// RegionPeer: a reader that asks the owner of a cache over a link of the region, and its
// OwnerSession.
//
//   message -> copied once -> Feed() -> the replies at once, as messages
//   what there is no room for in the link waits, and with too many replies waiting nothing is run;
//   then requests wait too, and a reader that sends more of them than kMostWaitingBytes is cut off
//   cut off, or refused: the reader is told, once there is room, and nothing more is run for it
//
// So a reader that does not take its replies costs so much memory, and nobody's time. The reader is
// not trusted. Belongs to the thread of its channel.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kvcache/protocol/server.h"
#include "kvcache/remote/owner_session.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::kvcache {

class RegionPeer {
 public:
  // Requests that were sent and not run yet: more than a reader needs who asks, waits and asks.
  static constexpr size_t kMostWaitingBytes = 512 * kKiB;

  // All must outlive it.
  RegionPeer(EndpointId id, Channel& channel, Server& server) : id_(id), channel_(channel) {
    session_.emplace(server);
  }

  // One that is served nothing; `refusal`: what it is told (OwnerRefusal).
  RegionPeer(EndpointId id, Channel& channel, std::string refusal)
      : id_(id), channel_(channel), last_words_(std::move(refusal)) {}

  EndpointId Id() const { return id_; }

  // Runs what has come, `most_requests` of it at most; the rest waits. `bytes` is private memory.
  void Take(std::span<const std::byte> bytes, size_t most_requests);

  // Goes on with what waits. True: some of it was done, so it may be worth another look at once.
  bool GoOn(size_t most_requests);

  // Whether something waits: requests, replies, or the end.
  bool IsWaiting() const;

  // What of the reader's ends it; nothing is run for it afterwards.
  void CutOff(std::string_view why);

  // Whether it is served: neither refused nor cut off.
  bool IsServed() const { return session_.has_value(); }

  // Why it was cut off; empty: it was not.
  const std::string& WhyCutOff() const { return why_cut_off_; }

 private:
  void Feed(std::span<const std::byte> bytes, size_t most_requests);
  size_t FeedSession(std::span<const std::byte> bytes, size_t most_requests);
  bool Send();
  size_t SendSome(std::string_view bytes);
  bool SendLastWords();

  const EndpointId id_;
  Channel& channel_;
  std::optional<OwnerSession> session_;
  std::string waiting_;  // Requests.
  std::string
      last_words_;  // Of one that is not served: what it is still to be sent before the end.
  bool is_end_sent_ = false;
  std::string why_cut_off_;
};

}  // namespace tombolo::kvcache

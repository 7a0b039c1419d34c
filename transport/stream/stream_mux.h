// StreamMux: byte streams over a Channel, to and from any number of endpoints.
//
//   opener                                       acceptor
//   Connect(peer, "memcached")  --- open --->    Acceptor::OnConnect: takes the stream, or refuses
//   OnWritable                  <-- accept --    (a refusal is a reset with its reason)
//   Write, CloseWrite           --- data, fin -> OnReadable
//   OnReadable                  <-- data, fin -- Write, CloseWrite
//                               <-- credit ->    as readers consume
//
// The user polls the channel, gives messages with AgentTag::kStream to OnMessage() and departures
// to OnDeparted(), and calls Flush() after every poll, before the channel may sleep: what found no
// room in a link goes on there.
//
// Waiting
//   One descriptor, Channel::Readable(), stands for all streams; the handlers tell which of them
//   has something. With poll(2), and anything else that the program waits for:
//
//     bool busy = channel.Poll(handler) != 0;
//     busy |= mux.Flush();
//     if (busy || !channel.PrepareToSleep()) continue;
//     pollfd waits[] = {{channel.Readable(), POLLIN}, {own_descriptor, POLLIN}};
//     if (poll(waits, 2, milliseconds of channel.MaxSleepNs()) == 0) channel.SleptInVain();
//     channel.WakeUp();
//
//   Readable() says that it is worth polling, not that there is something, and only between
//   PrepareToSleep(), which makes others ring, and WakeUp(), which comes before any stream is used
//   again. MaxSleepNs() is there for doorbells that got lost.
//   tests/transport/stream/poll_only_test.cc is a whole program.
//
// Memory: StreamLimits bounds what unread data and streams can take; unsent data is at most one
// write per stream that was told it may write.
//
// Peers may be hostile. A frame that breaks the rules of its stream resets that stream; one that no
// stream could have sent, or more streams than anybody may open, gets the peer's streams closed and
// the peer ignored for the rest of its life. Frames of streams that are not there are normal (they
// cross with a reset) and are dropped. All of it is counted. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/stream/receive_budget.h"
#include "transport/stream/stream.h"
#include "transport/stream/stream_peer.h"

namespace tombolo {

class StreamAcceptor {
 public:
  virtual ~StreamAcceptor() = default;

  // `peer` asks for `service` (the peer's word; printable ASCII). To accept, take `stream`, set its
  // handler and return OK. An error refuses; its code and message go to the peer.
  virtual absl::Status OnConnect(EndpointId id, std::string_view service,
                                 std::unique_ptr<Stream>& stream) = 0;
};

struct StreamCounters {
  uint64_t opened = 0;
  uint64_t accepted = 0;
  uint64_t refused = 0;
  uint64_t stray_frames = 0;    // Of streams that are not there.
  uint64_t violations = 0;      // Streams reset because a frame broke their rules.
  uint64_t banned_peers = 0;    // Peers dropped because their frames made no sense.
  uint64_t ignored_frames = 0;  // From those.
};

class StreamMux {
 public:
  // `channel` and `acceptor` must outlive it; without an acceptor everything is refused.
  StreamMux(Channel& channel, StreamAcceptor* acceptor, const StreamLimits& limits = {});
  ~StreamMux();
  StreamMux(const StreamMux&) = delete;
  StreamMux& operator=(const StreamMux&) = delete;

  // Asks endpoint `id` for a stream to `service`. The answer is OnWritable() (after
  // NotifyWritable()) or OnReset(). InvalidArgument: no name for a service. ResourceExhausted: too
  // many streams, or the region is full. NotFound: the peer is not alive.
  absl::StatusOr<std::unique_ptr<Stream>> Connect(EndpointId id, std::string_view service,
                                                  StreamHandler* handler);

  void OnMessage(EndpointId source, std::span<const std::byte> payload);
  void OnDeparted(EndpointId id);

  // Goes on with what waited for room. True: call again before sleeping.
  bool Flush();

  const StreamCounters& Counters() const { return counters_; }
  size_t StreamCount() const { return budget_.StreamCount(); }
  uint64_t HeldBytes() const { return budget_.HeldTotalBytes(); }
  uint64_t FramesSent() const;

 private:
  StreamPeer* FindPeer(EndpointId id) const;
  StreamPeer& EnsurePeer(EndpointId id);
  void OnOpen(EndpointId source, const StreamFrame& frame);
  absl::Status Offer(StreamPeer& peer, const StreamFrame& frame,
                     const std::shared_ptr<StreamCore>& core);
  void Dispatch(const std::shared_ptr<StreamCore>& core, const StreamFrame& frame);
  void TellWritable(const std::shared_ptr<StreamCore>& core);
  void Ban(EndpointId id);
  static void EndAll(StreamPeer& peer, const absl::Status& why);

  Channel& channel_;
  StreamAcceptor* acceptor_;
  const StreamLimits limits_;
  ReceiveBudget budget_;
  StreamCounters counters_;
  std::vector<std::unique_ptr<StreamPeer>> peers_;  // By endpoint index.
  std::vector<uint32_t> known_;                     // Indices of peers_ that are not null.
};

}  // namespace tombolo

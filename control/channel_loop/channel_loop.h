// ChannelLoop: an endpoint's channel in an EventLoop. It polls, sleeps, answers pings, gives stream
// frames to a StreamMux, and other messages to a ChannelUser if there is one.
//
// While there is traffic it looks at the region and at the loop's descriptors in turns, for at most
// kSpinNs after the last message; then it parks, arms, and sleeps in the loop until a doorbell, a
// descriptor or a timer is due. A doorbell may be lost, so each sleep has an end, from 1 ms up to
// 1 s while nothing comes.
//
// All of it belongs to the thread that runs it; the loop must be run by Run() or Turn(), not by
// itself. Stop() may be called from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "control/event_loop/event_loop.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/stream/stream_mux.h"

namespace tombolo::control {

// Who has messages of its own in the channel of a ChannelLoop: gets what is neither a ping nor a
// frame of a stream, and sends through ChannelLoop::Messages().
class ChannelUser : public ChannelHandler {
 public:
  // Once in each turn of the loop: sends what had to wait. True: something was sent since the last
  // time, so there is traffic, and the loop had better not sleep yet.
  virtual bool Flush() = 0;
};

class ChannelLoop final : private ChannelHandler {
 public:
  // `loop` and `endpoint` must outlive it, `acceptor` too unless it is nullptr (no stream is
  // accepted).
  static absl::StatusOr<std::unique_ptr<ChannelLoop>> Create(EventLoop& loop, Endpoint& endpoint,
                                                             StreamAcceptor* acceptor,
                                                             const StreamLimits& limits = {});

  StreamMux& Streams() { return *streams_; }

  Channel& Messages() { return *channel_; }

  // Before it runs; `user` must outlive the last turn.
  void SetUser(ChannelUser& user) { user_ = &user; }

  // Until Stop(), which is not lost when it comes first.
  void Run();
  void Stop();

  // One look at everything, with a sleep if nothing is going on.
  void Turn();

 private:
  static constexpr int64_t kSpinNs = 50 * kNsPerUs;
  // Looks at the region per look at the descriptors, which costs a system call.
  static constexpr int kPollsPerLoopTurn = 8;

  ChannelLoop(EventLoop& loop, std::unique_ptr<Channel> channel, StreamAcceptor* acceptor,
              const StreamLimits& limits);

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnReturned(EndpointId borrower, uint64_t cookie) override;
  void OnDeparted(EndpointId peer) override;

  bool PollChannel();
  void Spin();
  void SleepInLoop();

  EventLoop& loop_;
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<StreamMux> streams_;
  ChannelUser* user_ = nullptr;
  Watch doorbell_watch_;
  int64_t last_traffic_ns_ = 0;
  uint64_t frames_seen_ = 0;  // Sent, when last looked.
  std::atomic<bool> stopping_{false};
};

}  // namespace tombolo::control

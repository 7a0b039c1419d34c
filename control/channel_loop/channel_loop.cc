#include "control/channel_loop/channel_loop.h"

#include <sched.h>

#include <utility>

#include "control/ping/answer_ping.h"
#include "transport/base/clock.h"
#include "transport/channel/tags.h"

namespace tombolo::control {

absl::StatusOr<std::unique_ptr<ChannelLoop>> ChannelLoop::Create(EventLoop& loop,
                                                                 Endpoint& endpoint,
                                                                 StreamAcceptor* acceptor,
                                                                 const StreamLimits& limits) {
  absl::StatusOr<std::unique_ptr<Channel>> channel = Channel::Create(endpoint);
  if (!channel.ok()) return channel.status();
  std::unique_ptr<ChannelLoop> made(new ChannelLoop(loop, *std::move(channel), acceptor, limits));
  // Only to end the loop's sleep; Turn() does the rest.
  absl::StatusOr<Watch> watch = loop.WatchReadable(made->channel_->Readable(), [] {});
  if (!watch.ok()) return watch.status();
  made->doorbell_watch_ = *std::move(watch);
  return made;
}

ChannelLoop::ChannelLoop(EventLoop& loop, std::unique_ptr<Channel> channel,
                         StreamAcceptor* acceptor, const StreamLimits& limits)
    : loop_(loop),
      channel_(std::move(channel)),
      streams_(std::make_unique<StreamMux>(*channel_, acceptor, limits)) {}

void ChannelLoop::OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) {
  if (tag == ToTag(AgentTag::kStream)) {
    streams_->OnMessage(source, payload);
  } else if (!AnswerPing(*channel_, source, tag, payload) && user_ != nullptr) {
    user_->OnMessage(source, tag, payload);
  }
}

void ChannelLoop::OnReturned(EndpointId borrower, uint64_t cookie) {
  if (user_ != nullptr) user_->OnReturned(borrower, cookie);
}

void ChannelLoop::OnDeparted(EndpointId peer) {
  streams_->OnDeparted(peer);
  if (user_ != nullptr) user_->OnDeparted(peer);
}

bool ChannelLoop::PollChannel() {
  bool busy = channel_->Poll(*this) != 0;
  busy |= streams_->Flush();
  if (user_ != nullptr) busy |= user_->Flush();
  const uint64_t frames = streams_->FramesSent();
  busy |= frames != frames_seen_;
  frames_seen_ = frames;
  return busy;
}

void ChannelLoop::Turn() {
  if (PollChannel()) {
    last_traffic_ns_ = MonotonicNs();
    loop_.Poll();
  } else if (MonotonicNs() - last_traffic_ns_ < kSpinNs) {
    Spin();
  } else if (channel_->PrepareToSleep()) {
    SleepInLoop();
  }
}

void ChannelLoop::Spin() {
  for (int i = 0; i < kPollsPerLoopTurn; ++i) {
    if (!PollChannel()) continue;
    last_traffic_ns_ = MonotonicNs();
    break;
  }
  loop_.Poll();
  // The one that we wait for may need this core.
  sched_yield();
}

void ChannelLoop::SleepInLoop() {
  bool in_vain = false;
  const Watch timer = loop_.After(channel_->MaxSleepNs(), [&in_vain] { in_vain = true; });
  loop_.RunOnce();
  if (in_vain) channel_->SleptInVain();
  channel_->WakeUp();
}

void ChannelLoop::Run() {
  while (!stopping_.load(std::memory_order_relaxed)) Turn();
}

void ChannelLoop::Stop() {
  // Posted, so that a sleep ends; relaxed, because the post orders it.
  stopping_.store(true, std::memory_order_relaxed);
  loop_.Post([] {});
}

}  // namespace tombolo::control

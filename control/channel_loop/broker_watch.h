// BrokerWatch: ends a ChannelLoop when the broker is gone that its endpoint was attached to.
//
// Belongs to the thread that runs the loop.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/channel_loop/channel_loop.h"
#include "control/event_loop/event_loop.h"
#include "transport/endpoint/endpoint.h"

namespace tombolo::control {

class BrokerWatch {
 public:
  // Watches nothing when `endpoint` has no broker. All three must outlive it.
  static absl::StatusOr<std::unique_ptr<BrokerWatch>> Create(EventLoop& loop,
                                                             const Endpoint& endpoint,
                                                             ChannelLoop& channel_loop);

  // Unavailable once the broker is gone.
  absl::Status Verdict() const;

 private:
  BrokerWatch(const Endpoint& endpoint, ChannelLoop& channel_loop)
      : endpoint_(endpoint), channel_loop_(channel_loop) {}

  void Look();

  const Endpoint& endpoint_;
  ChannelLoop& channel_loop_;
  Watch watch_;
  bool is_gone_ = false;
};

}  // namespace tombolo::control

// What all connections of one tunnel thread share.
#pragma once

#include <cstddef>
#include <span>

#include "control/event_loop/event_loop.h"

namespace tombolo::control {

struct TunnelContext {
  EventLoop& loop;
  std::span<std::byte> scratch;  // Memory for one read from a socket.
};

}  // namespace tombolo::control

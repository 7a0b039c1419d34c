// Listener: accepts connections at a local address. When the process has no descriptors left it
// pauses, and those who connect wait in the kernel's queue. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "control/event_loop/event_loop.h"
#include "control/tunnel/socket_address.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

class Listener {
 public:
  using OnConnection = std::function<void(UniqueFd socket)>;

  // `loop` must outlive it. The sockets that `on_connection` gets do not block.
  static absl::StatusOr<std::unique_ptr<Listener>> Create(EventLoop& loop,
                                                          const SocketAddress& address,
                                                          unsigned unix_mode,
                                                          OnConnection on_connection);

  // Removes a Unix socket's file.
  ~Listener();

  // The TCP port, also when port 0 was asked for.
  uint16_t Port() const { return LocalPort(socket_.Get()); }

 private:
  Listener(EventLoop& loop, const SocketAddress& address, UniqueFd socket,
           OnConnection on_connection);

  void Resume();
  void AcceptSome();
  void Pause(int error);

  EventLoop& loop_;
  const SocketAddress address_;
  UniqueFd socket_;
  OnConnection on_connection_;
  bool told_of_pause_ = false;
  Watch watch_;
  Watch resume_timer_;
};

}  // namespace tombolo::control

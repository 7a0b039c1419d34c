// SlotListener: one listening socket of the ivshmem server. It accepts while it is not paused. Its
// socket file stays when it ends, for a successor that goes on with the socket.
//
// A process that has run out of descriptors cannot accept, but the socket stays readable: then the
// listener rests for a moment instead of spinning. Thread safety: the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

class SlotListener {
 public:
  // Gets a connected, non-blocking, close-on-exec socket. Must not end the listener.
  using AcceptCallback = std::function<void(UniqueFd socket)>;

  // Listens at `path`, or goes on with `inherited` if that is open, which does so already. Errors
  // as ListenUnix.
  static absl::StatusOr<std::unique_ptr<SlotListener>> Create(EventLoop& loop,
                                                              const std::string& path,
                                                              UniqueFd inherited,
                                                              AcceptCallback on_accept);
  SlotListener(const SlotListener&) = delete;
  SlotListener& operator=(const SlotListener&) = delete;

  // While paused, newcomers wait in the kernel's queue.
  void Pause();
  void Resume();

  int Socket() const { return socket_.Get(); }
  void RemoveSocketFile() const;

 private:
  SlotListener(EventLoop& loop, const std::string& path, UniqueFd socket, AcceptCallback on_accept);
  void Accept();
  void Rest(int error);

  EventLoop& loop_;
  const std::string path_;
  const UniqueFd socket_;
  const AcceptCallback on_accept_;
  bool paused_ = false;
  Watch readable_;
  Watch rest_;  // Active while the listener rests.
};

}  // namespace tombolo::control

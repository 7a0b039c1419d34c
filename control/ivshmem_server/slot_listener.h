// SlotListener: one listening socket of the ivshmem server. It accepts while it is not paused, and
// removes its socket file when it ends.
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

  // Listens at `path`; errors as ListenUnix.
  static absl::StatusOr<std::unique_ptr<SlotListener>> Create(EventLoop& loop,
                                                              const std::string& path,
                                                              AcceptCallback on_accept);
  ~SlotListener();
  SlotListener(const SlotListener&) = delete;
  SlotListener& operator=(const SlotListener&) = delete;

  // While paused, newcomers wait in the kernel's queue.
  void Pause();
  void Resume();

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

// Connection: a vfio-user Session on a socket, driven by the event loop. It reads one message after
// the other, answers it, and reads the next one when the socket has taken the answer: who does not
// read its answers is not listened to, and costs no memory.
//
// What it assumes of QEMU: nothing. Whatever it sends, and however it ends, `on_end` is called
// once, with what has happened, for the log. Thread safety: the loop's thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/vfio_user/pci_device.h"
#include "control/vfio_user/session.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control::vfio_user {

class Connection {
 public:
  // OK: QEMU has closed its end, or was killed. May end the connection.
  using EndCallback = std::function<void(const absl::Status& status)>;

  // `socket` is a connected, non-blocking stream socket. Fails when it cannot be watched.
  static absl::StatusOr<std::unique_ptr<Connection>> Create(EventLoop& loop, UniqueFd socket,
                                                            PciDevice& device, EndCallback on_end);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Whether the other side has closed, though on_end was not called yet.
  bool HasHungUp() const;

 private:
  Connection(EventLoop& loop, UniqueFd socket, PciDevice& device, EndCallback on_end);

  // What is to be waited for; an error: the end.
  enum class Progress { kWaitsForMessage, kWaitsForRoom, kGoesOn };

  absl::Status Watch();
  void OnReady();
  absl::Status Advance();
  absl::StatusOr<Progress> Receive();
  absl::StatusOr<Progress> HandleMessage();
  absl::StatusOr<Progress> SendAnswer();
  size_t BytesWanted() const;

  EventLoop& loop_;
  const UniqueFd socket_;
  const EndCallback on_end_;
  Session session_;
  std::vector<std::byte> message_;  // What has arrived of it.
  uint32_t message_bytes_ = 0;      // 0: its header is not complete.
  std::vector<UniqueFd> fds_;
  Answer answer_;  // Empty: there is none to be sent.
  unsigned waits_for_ = 0;
  control::Watch watch_;
};

}  // namespace tombolo::control::vfio_user

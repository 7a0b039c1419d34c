#include "control/ivshmem_server/slot_listener.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/status/status.h"
#include "spdlog/spdlog.h"
#include "transport/base/errno_status.h"
#include "transport/base/units.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

// Read and write for owner and group: whoever opens it can become a peer of the region.
constexpr unsigned kSocketMode = 0660;

constexpr int64_t kRestNs = 100 * kNsPerMs;

// Errors that concern one connection only: the newcomer gave up before it was accepted.
bool IsTransient(int error) { return error == EAGAIN || error == EINTR || error == ECONNABORTED; }

}  // namespace

absl::StatusOr<std::unique_ptr<SlotListener>> SlotListener::Create(EventLoop& loop,
                                                                   const std::string& path,
                                                                   UniqueFd inherited,
                                                                   AcceptCallback on_accept) {
  if (!inherited.IsOpen()) {
    absl::StatusOr<UniqueFd> socket = ListenUnix(path, SOCK_STREAM | SOCK_NONBLOCK, kSocketMode);
    if (!socket.ok()) return socket.status();
    inherited = *std::move(socket);
  }
  std::unique_ptr<SlotListener> listener(
      new SlotListener(loop, path, std::move(inherited), std::move(on_accept)));
  listener->Resume();
  if (!listener->readable_.IsActive()) return ErrnoStatus(errno, "watch " + path);
  return listener;
}

SlotListener::SlotListener(EventLoop& loop, const std::string& path, UniqueFd socket,
                           AcceptCallback on_accept)
    : loop_(loop), path_(path), socket_(std::move(socket)), on_accept_(std::move(on_accept)) {}

void SlotListener::RemoveSocketFile() const { unlink(path_.c_str()); }

void SlotListener::Pause() {
  paused_ = true;
  readable_.Reset();
}

void SlotListener::Resume() {
  paused_ = false;
  if (readable_.IsActive() || rest_.IsActive()) return;
  absl::StatusOr<Watch> watch = loop_.WatchReadable(socket_.Get(), [this] { Accept(); });
  if (watch.ok()) {
    readable_ = *std::move(watch);
  } else {
    Rest(errno);
  }
}

void SlotListener::Accept() {
  UniqueFd socket(accept4(socket_.Get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket.IsOpen()) {
    on_accept_(std::move(socket));
  } else if (!IsTransient(errno)) {
    Rest(errno);
  }
}

void SlotListener::Rest(int error) {
  spdlog::warn("{}: nobody can join for a moment: {}. If it is the limit of open files, raise it.",
               path_, std::string(ErrnoStatus(error, "accept").message()));
  readable_.Reset();
  rest_ = loop_.After(kRestNs, [this] {
    rest_.Reset();
    if (!paused_) Resume();
  });
}

}  // namespace tombolo::control

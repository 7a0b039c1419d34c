#include "control/copy/copy_server.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "spdlog/spdlog.h"
#include "transport/base/errno_status.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

constexpr unsigned kSocketMode = 0600;
// Between two attempts to accept when the process has no descriptors left.
constexpr int kPauseMs = 100;

// The standard library reports by an exception; it ends here.
bool TryStart(std::thread& thread, auto&& body) {
  try {
    thread = std::thread(std::forward<decltype(body)>(body));
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

}  // namespace

std::string CopySocket(const std::string& runtime_dir) {
  return absl::StrCat(runtime_dir, "/copy.sock");
}

absl::StatusOr<std::unique_ptr<CopyServer>> CopyServer::Start(const std::string& socket_path,
                                                              const std::vector<FolderRule>& rules,
                                                              int64_t silence_limit_ns) {
  absl::StatusOr<Folders> folders = Folders::Open(rules);
  if (!folders.ok()) return folders.status();
  absl::StatusOr<UniqueFd> listener =
      ListenUnix(socket_path, SOCK_STREAM | SOCK_NONBLOCK, kSocketMode);
  if (!listener.ok()) return listener.status();
  UniqueFd wake_up(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_up.IsOpen()) return ErrnoStatus(errno, "make an eventfd");
  std::unique_ptr<CopyServer> made(new CopyServer(*std::move(folders), *std::move(listener),
                                                  std::move(wake_up), socket_path,
                                                  silence_limit_ns));
  if (!TryStart(made->thread_, [made = made.get()] { made->Run(); })) {
    return absl::ResourceExhaustedError(
        "no thread can be had for copies. Raise the limit of processes (`ulimit -u`, or pids.max "
        "of the cgroup).");
  }
  return made;
}

CopyServer::CopyServer(Folders folders, UniqueFd listener, UniqueFd wake_up,
                       std::string socket_path, int64_t silence_limit_ns)
    : folders_(std::move(folders)),
      listener_(std::move(listener)),
      wake_up_(std::move(wake_up)),
      socket_path_(std::move(socket_path)),
      silence_limit_ns_(silence_limit_ns) {}

CopyServer::~CopyServer() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  eventfd_write(wake_up_.Get(), 1);
  thread_.join();
  for (Session& session : sessions_) shutdown(session.socket.Get(), SHUT_RDWR);
  for (Session& session : sessions_) session.thread.join();
  unlink(socket_path_.c_str());
}

void CopyServer::Run() {
  while (!stopping_) {
    const bool is_full = sessions_.size() >= kMostSessions;
    pollfd waits[] = {{.fd = wake_up_.Get(), .events = POLLIN, .revents = 0},
                      {.fd = is_full ? -1 : listener_.Get(), .events = POLLIN, .revents = 0}};
    poll(waits, 2, -1);
    eventfd_t rings = 0;
    eventfd_read(wake_up_.Get(), &rings);
    ForgetEnded();
    if (waits[1].revents != 0 && !stopping_) Accept();
  }
}

void CopyServer::Accept() {
  UniqueFd socket(accept4(listener_.Get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket.IsOpen()) {
    // A listener is always ready; when no descriptor can be had, that is no reason to hurry.
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) poll(nullptr, 0, kPauseMs);
    return;
  }
  if (!SetSilenceLimit(socket.Get(), silence_limit_ns_).ok()) return;
  Session& session = sessions_.emplace_back();
  session.socket = std::move(socket);
  // Without a thread the connection is closed, which its other side is told.
  if (!TryStart(session.thread, [this, &session] { Serve(session); })) sessions_.pop_back();
}

void CopyServer::Tell(const SessionEnd& end) {
  // A peer can ask as often as it likes: one line for each change of the reason.
  const int code = end.status.raw_code();
  const bool is_news = code != last_told_.exchange(code);
  if (end.status.ok()) {
    spdlog::debug("copy: {}: done", end.what);
  } else if (is_news) {
    spdlog::warn("copy: {}: {}", end.what, std::string(end.status.message()));
  }
}

void CopyServer::Serve(Session& session) {
  Tell(ServeCopy(session.socket.Get(), folders_));
  // The descriptor itself stays until the thread is joined: the destructor may look at it.
  shutdown(session.socket.Get(), SHUT_RDWR);
  session.is_over = true;
  eventfd_write(wake_up_.Get(), 1);
}

void CopyServer::ForgetEnded() {
  std::erase_if(sessions_, [](Session& session) {
    if (!session.is_over) return false;
    session.thread.join();
    return true;
  });
}

}  // namespace tombolo::control

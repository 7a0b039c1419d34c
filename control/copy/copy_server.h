// CopyServer: serves copies (session.h) at a Unix socket, each in a thread of its own, because
// disks are slow and connections of others should not wait for them. An agent makes the socket a
// service of its tunnels; nobody else than its own user may connect.
//
// At most kMostSessions at a time, the others wait for their turn. Whoever is silent for
// `silence_limit_ns` is given up.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/copy/folders.h"
#include "control/copy/frames.h"
#include "control/copy/session.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

// Where an agent serves it.
std::string CopySocket(const std::string& runtime_dir);

class CopyServer {
 public:
  static constexpr size_t kMostSessions = 8;

  // Errors are those of the folders and of listening at `socket_path`, which is replaced when
  // nobody serves it.
  static absl::StatusOr<std::unique_ptr<CopyServer>> Start(
      const std::string& socket_path, const std::vector<FolderRule>& rules,
      int64_t silence_limit_ns = kSilenceLimitNs);

  // Cuts all copies and waits for their threads.
  ~CopyServer();
  CopyServer(const CopyServer&) = delete;
  CopyServer& operator=(const CopyServer&) = delete;

 private:
  struct Session {
    UniqueFd socket;
    std::atomic<bool> is_over{false};
    std::thread thread;
  };

  CopyServer(Folders folders, UniqueFd listener, UniqueFd wake_up, std::string socket_path,
             int64_t silence_limit_ns);

  void Run();
  void Accept();
  void Serve(Session& session);
  void Tell(const SessionEnd& end);
  void ForgetEnded();

  const Folders folders_;
  const UniqueFd listener_;
  const UniqueFd wake_up_;  // An eventfd: stop, or a session has ended.
  const std::string socket_path_;
  const int64_t silence_limit_ns_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> last_told_{0};  // A code of absl::Status; of all sessions.
  std::list<Session> sessions_;    // The server's thread's.
  std::thread thread_;
};

}  // namespace tombolo::control

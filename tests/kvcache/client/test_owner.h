// TestOwner: an owner of a cache in this process, which can be killed, started anew, and told to
// misbehave. It has a memory file, an owner socket, and one thread for all who connect.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "kvcache/protocol/server.h"
#include "kvcache/remote/owner_session.h"
#include "kvcache/server/memory_file.h"
#include "kvcache/server/owned_shards.h"
#include "kvcache/server/server_clock.h"
#include "kvcache/server/worker_backend.h"
#include "tests/support/temp_dir.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {

struct TestOwnerOptions {
  uint64_t file_bytes = 8 * kMiB;
  uint32_t shards = 1;
  uint64_t segment_bytes = 64 * kKiB;
  uint32_t item_max_bytes = 16 * kKiB;
  bool allows_flush = true;
};

class TestOwner {
 public:
  explicit TestOwner(const TestOwnerOptions& options = {}) : options_(options) { Start(); }
  TestOwner(const TestOwner&) = delete;
  TestOwner& operator=(const TestOwner&) = delete;
  ~TestOwner() { Kill(); }

  // As by kill -9: connections end, nobody listens, and the file does not say so.
  void Kill();

  // The next owner, at the same paths.
  void Start();
  void Start(const TestOwnerOptions& options) {
    options_ = options;
    Start();
  }

  const std::string& Socket() const { return socket_; }
  const std::string& Window() const { return window_; }
  OwnedShards& Shards() { return *shards_; }
  uint64_t Requests() const { return server_->counters.remote_requests.Get(); }
  int Accepted() const { return accepted_.load(std::memory_order_relaxed); }

  // Of so many of the next things that are sent to it, it does what they ask, and closes the
  // connection in place of a reply.
  std::atomic<int> swallowed = 0;
  // It reads nothing.
  std::atomic<bool> is_stuck = false;

 private:
  struct Connection {
    UniqueFd socket;
    OwnerSession session;
  };

  void Run();
  void Accept();
  bool Serve(Connection& connection);

  TestOwnerOptions options_;
  TempDir folder_;
  const std::string socket_ = folder_.File("owner.sock");
  const std::string window_ = folder_.File("memory");
  std::optional<MemoryFile> file_;
  ServerClock clock_;
  std::unique_ptr<OwnedShards> shards_;
  std::unique_ptr<WorkerBackend> backend_;
  std::optional<Server> server_;
  UniqueFd listening_;
  UniqueFd wake_up_;
  std::list<Connection> connections_;
  std::atomic<int> accepted_ = 0;
  std::thread thread_;
};

}  // namespace tombolo::kvcache

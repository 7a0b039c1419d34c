// RegionReaders: a thread that serves readers elsewhere who come over links of the region
// (kvcache/client/region_carrier.h), beside the workers, who have those that come by a socket.
//
//   attached as an endpoint, the writer of the service by which readers find it
//   looks for messages -> runs them, replies at once -> looks again, for at most 50 us after the
//   last one, less while that finds nothing (transport/wait/adaptive_spin.h) -> sleeps, armed
//   a reader departs -> its connection has ended, and what it had sent last is not run
//   the broker is gone for good -> nobody is served, and it attaches anew, as soon as it can
//
// Readers are not trusted: each costs what a RegionPeer may have, and others have their turn after
// `requests_per_turn` of its requests.
//
// Thread safety: Start(), Stop() and Join(), who made it; the counters, any thread.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvcache/protocol/backend.h"
#include "kvcache/protocol/counter.h"
#include "kvcache/protocol/server.h"
#include "kvcache/server/cut_off_log.h"
#include "kvcache/server/region_peer.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/layout/link.h"

namespace tombolo::kvcache {

struct RegionReadersOptions {
  std::string service;  // For the log.
  uint64_t max_readers = 256;
  uint64_t requests_per_turn = 20;
};

struct RegionReadersCounters {
  Counter begun;
  Counter ended;
  Counter rejected;
};

class RegionReaders final : private ChannelHandler {
 public:
  // Gives the endpoint that readers find (owner_endpoint.h).
  using Attach = std::function<absl::StatusOr<std::unique_ptr<Endpoint>>()>;

  // Attached, but serves nobody yet. `backend`: only the thread calls it. Errors: those of
  // `attach`, which the thread calls too, when the broker was gone.
  static absl::StatusOr<std::unique_ptr<RegionReaders>> Create(std::unique_ptr<Backend> backend,
                                                               const RegionReadersOptions& options,
                                                               Attach attach);
  RegionReaders(const RegionReaders&) = delete;
  RegionReaders& operator=(const RegionReaders&) = delete;
  ~RegionReaders() override;

  // std::system_error: there is no thread to be had.
  void Start();
  // Ends the thread and leaves the region; does not wait for it.
  void Stop();
  // Waits for the thread, after Stop().
  void Join();

  // Facts are to be filled in before Start(). Others may read the counters only.
  Server& TheServer() { return server_; }
  const Server& TheServer() const { return server_; }
  const RegionReadersCounters& Counters() const { return counters_; }
  uint64_t LockFreeHits() const { return backend_->LockFreeHits(); }
  uint64_t OpenConnections() const;
  const std::string& Service() const { return options_.service; }

 private:
  static constexpr int64_t kLongestWaitNs = kNsPerSecond;
  static constexpr uint64_t kBusyTurnsPerLookAtBroker = 65'536;

  RegionReaders(std::unique_ptr<Backend> backend, const RegionReadersOptions& options,
                Attach attach);

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnLoan(EndpointId source, uint8_t tag, Loan loan) override;
  void OnDeparted(EndpointId peer) override;

  absl::Status EnterRegion();
  void LeaveRegion();
  bool IsStopping() const { return is_stopping_.load(std::memory_order_relaxed); }
  bool BrokerIsGone() const;
  void Run();
  void Turn();
  bool AttachAnew();
  RegionPeer* PeerOf(EndpointId source);
  std::unique_ptr<RegionPeer> Begin(EndpointId source);
  void Settle(RegionPeer& peer, bool was_served);
  void End(std::unique_ptr<RegionPeer>& peer);
  bool ServeWaiting();

  const RegionReadersOptions options_;
  const Attach attach_;
  std::unique_ptr<Backend> backend_;
  Server server_;
  RegionReadersCounters counters_;
  CutOffLog log_;
  std::vector<std::unique_ptr<RegionPeer>> peers_;  // By endpoint index.
  std::vector<uint32_t> waiting_;                   // Indices of peers that wait for something.
  std::array<std::byte, kBulkChunkBytes> buffer_;
  std::unique_ptr<Channel> channel_;
  uint64_t busy_turns_ = 0;

  std::mutex mutex_;
  std::unique_ptr<Endpoint> endpoint_;  // Changed by the thread, with mutex_; rung by Stop().
  std::condition_variable stops_;
  std::atomic<bool> is_stopping_ = false;  // Stored with mutex_. Relaxed: a ring follows.
  std::thread thread_;
};

}  // namespace tombolo::kvcache

// Acceptor: accepts connections and deals them out to the workers, one after the other.
//
// Over the limit a client is told so, "ERROR Too many open connections" or OwnerRefusal(), and
// closed. Without descriptors for new connections none is accepted for a while; they wait in the
// kernel meanwhile.
//
// Belongs to the thread of its base; Counters() and IsAccepting(), any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "kvcache/protocol/counter.h"
#include "kvcache/server/dialect.h"
#include "kvcache/server/event.h"
#include "kvcache/server/listen.h"
#include "kvcache/server/worker.h"

namespace tombolo::kvcache {

struct AcceptorCounters {
  Counter accepted;  // And handed to a worker.
  Counter rejected;
  Counter pauses;
};

class Acceptor {
 public:
  using Workers = std::span<const std::unique_ptr<Worker>>;

  // All who come by `sockets` speak `dialect`. `base` and `workers` must outlive it.
  Acceptor(event_base* base, std::vector<ListeningSocket> sockets, Dialect dialect, Workers workers,
           uint64_t max_connections);

  // Begins. ResourceExhausted: the sockets cannot be watched.
  absl::Status Start();

  // Closes the listening sockets; whoever waits in them is refused.
  void Stop();

  const std::vector<ListeningSocket>& Sockets() const { return sockets_; }
  const AcceptorCounters& Counters() const { return counters_; }
  bool IsAccepting() const { return is_accepting_.load(std::memory_order_relaxed); }
  uint64_t OpenConnections() const;

 private:
  static void OnConnection(evutil_socket_t fd, int16_t what, void* self);
  static void OnResume(evutil_socket_t fd, int16_t what, void* self);

  void AcceptSome(int listening);
  void Deal(UniqueFd socket);
  void Pause(int error);
  bool Resume();

  std::vector<ListeningSocket> sockets_;
  const Dialect dialect_;
  Workers workers_;
  const uint64_t max_connections_;
  std::vector<Event> events_;  // One for each socket.
  Event resume_timer_;
  size_t next_worker_ = 0;
  bool told_of_pause_ = false;
  AcceptorCounters counters_;
  std::atomic<bool> is_accepting_ = false;  // Relaxed: for statistics.
};

}  // namespace tombolo::kvcache

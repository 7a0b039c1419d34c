// ConnectionList: all connections of a server, whichever worker has them, for `stats conns`.
//
//   begins -> Entry: added, under a mutex      runs commands -> stores the time, without one
//   ends   -> removed, under a mutex           stats conns   -> copied, under a mutex, a bounded
//                                                               number of them
//
// Thread safety: the list, any thread; an entry belongs to its connection's thread.
#pragma once

#include <time.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "kvcache/protocol/server.h"
#include "kvcache/server/socket_name.h"

namespace tombolo::kvcache {

class ConnectionList {
 public:
  static constexpr size_t kMostTold = 4096;

  enum class State : uint8_t { kListening, kReading, kSending, kWatching };

  class Entry {
   public:
    // `socket` is open for as long as it lives. The list must outlive it.
    Entry(ConnectionList& list, int socket, State state = State::kReading);
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry();

    // Relaxed, both: told on their own.
    void CommandsRun(uint32_t now_s) { last_command_s_.store(now_s, std::memory_order_relaxed); }
    void SetState(State state) { state_.store(state, std::memory_order_relaxed); }

    const SocketName& Peer() const { return peer_; }

   private:
    friend class ConnectionList;

    ConnectionFacts Facts(uint32_t now_s) const;

    ConnectionList& list_;
    const int socket_;
    const SocketName peer_;
    const std::string local_;
    std::atomic<uint32_t> last_command_s_;
    std::atomic<State> state_;
  };

  // The clock of CommandsRun(): seconds, since whenever.
  static uint32_t NowS() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<uint32_t>(now.tv_sec);
  }

  // By their descriptors; the first kMostTold of them.
  std::vector<ConnectionFacts> All() const;

 private:
  mutable std::mutex mutex_;
  std::map<int, const Entry*> entries_;  // Guarded by mutex_: by descriptor.
};

}  // namespace tombolo::kvcache

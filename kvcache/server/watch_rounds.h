// WatchRounds: which connections of a worker watch (WatchLog), and when they are told next: a round
// of all of them every kEveryNs, as long as there is something to tell. Then none, until the log
// rings.
//
// Belongs to the worker's thread.
#pragma once

#include <cstdint>
#include <vector>

#include "transport/base/units.h"

namespace tombolo::kvcache {

class Connection;

class WatchRounds {
 public:
  static constexpr int64_t kEveryNs = 5 * kNsPerMs;

  void Add(Connection& connection) { connections_.push_back(&connection); }
  void Remove(const Connection& connection) { std::erase(connections_, &connection); }

  // There may be something to tell.
  void Wake() { is_awake_ = true; }

  // Makes a round, if it is time for one.
  void Look();

  // When Look() has something to do, as time to wait; below 0: when it is woken.
  int MsUntilDue() const;

 private:
  bool IsIdle() const { return !is_awake_ || connections_.empty(); }

  std::vector<Connection*> connections_;
  bool is_awake_ = false;
  int64_t next_ns_ = 0;
};

}  // namespace tombolo::kvcache

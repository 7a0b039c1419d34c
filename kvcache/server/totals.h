// Totals: what the workers of a server are together, for its statistics. No worker is stopped or
// slowed down for it: each counts for itself, and what is told is a sum of what is read.
//
// All functions: any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "kvcache/protocol/server.h"
#include "kvcache/server/acceptor.h"
#include "kvcache/server/connection_list.h"
#include "kvcache/server/region_readers.h"
#include "kvcache/server/worker.h"

namespace tombolo::kvcache {

class Totals final : public WholeServer {
 public:
  using Workers = std::span<const std::unique_ptr<Worker>>;

  // `facts`: those that do not change. `connections`: of all workers. `acceptor`: of memcached's
  // clients; `reader_acceptor` and `region_readers`: of readers elsewhere, null if none may come
  // that way. All others must outlive it.
  Totals(const ServerFacts& facts, Workers workers, const ConnectionList& connections,
         const Acceptor& acceptor, const Acceptor* reader_acceptor,
         const RegionReaders* region_readers);

  void SumUp(Server& sum) override;
  void Reset(const BackendFacts& facts) override;
  void SetVerbosity(uint32_t level) override {
    verbosity_.store(level, std::memory_order_relaxed);  // A setting on its own.
  }
  std::vector<ConnectionFacts> Connections() override { return connections_.All(); }

 private:
  // What is counted, and forgotten by a reset.
  struct Counted {
    CommandCounters commands;
    uint64_t accepted = 0;
    uint64_t rejected = 0;
    uint64_t rejected_readers = 0;
    uint64_t pauses = 0;
    uint64_t yields = 0;
    uint64_t idle_kicks = 0;
    uint64_t lock_free_hits = 0;
  };

  Counted CountAll() const;
  uint64_t CurrentReaders() const;

  const ServerFacts facts_;
  Workers workers_;
  const ConnectionList& connections_;
  const Acceptor& acceptor_;
  const Acceptor* const reader_acceptor_;
  const RegionReaders* const region_readers_;
  std::atomic<uint32_t> verbosity_;

  std::mutex mutex_;
  Counted reset_;                // Guarded by mutex_: what there was at the last reset.
  BackendFacts facts_at_reset_;  // Guarded by mutex_.
};

}  // namespace tombolo::kvcache

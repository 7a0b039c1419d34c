#include "kvcache/server/totals.h"

#include "kvcache/protocol/statistics.h"

namespace tombolo::kvcache {

Totals::Totals(const ServerFacts& facts, Workers workers, const ConnectionList& connections,
               const Acceptor& acceptor, const Acceptor* reader_acceptor,
               const RegionReaders* region_readers)
    : facts_(facts),
      workers_(workers),
      connections_(connections),
      acceptor_(acceptor),
      reader_acceptor_(reader_acceptor),
      region_readers_(region_readers),
      verbosity_(facts.verbosity) {}

Totals::Counted Totals::CountAll() const {
  Counted all;
  for (const auto& worker : workers_) {
    AddCounters(worker->TheServer().counters, all.commands);
    all.yields += worker->Counters().yields.Get();
    all.idle_kicks += worker->Counters().idle_kicks.Get();
    all.lock_free_hits += worker->LockFreeHits();
  }
  all.accepted = acceptor_.Counters().accepted.Get();
  all.rejected = acceptor_.Counters().rejected.Get();
  if (reader_acceptor_ != nullptr) {
    all.rejected_readers = reader_acceptor_->Counters().rejected.Get();
  }
  if (region_readers_ != nullptr) {
    AddCounters(region_readers_->TheServer().counters, all.commands);
    all.lock_free_hits += region_readers_->LockFreeHits();
    all.rejected_readers += region_readers_->Counters().rejected.Get();
  }
  all.pauses = acceptor_.Counters().pauses.Get();
  return all;
}

uint64_t Totals::CurrentReaders() const {
  uint64_t readers = 0;
  if (reader_acceptor_ != nullptr) readers += reader_acceptor_->OpenConnections();
  if (region_readers_ != nullptr) readers += region_readers_->OpenConnections();
  return readers;
}

void Totals::SumUp(Server& sum) {
  const std::lock_guard lock(mutex_);
  const Counted all = CountAll();
  sum.facts = facts_;
  sum.facts.verbosity = verbosity_.load(std::memory_order_relaxed);
  sum.facts.is_accepting = acceptor_.IsAccepting();
  sum.facts.curr_connections = acceptor_.OpenConnections();
  sum.facts.total_connections = all.accepted - reset_.accepted;
  sum.facts.rejected_connections = all.rejected - reset_.rejected;
  sum.facts.curr_readers = CurrentReaders();
  sum.facts.rejected_readers = all.rejected_readers - reset_.rejected_readers;
  sum.facts.listen_disabled_num = all.pauses - reset_.pauses;
  sum.facts.conn_yields = all.yields - reset_.yields;
  sum.facts.idle_kicks = all.idle_kicks - reset_.idle_kicks;
  sum.facts.lock_free_hits = all.lock_free_hits - reset_.lock_free_hits;
  sum.counters = all.commands;
  SubtractCounters(reset_.commands, sum.counters);
  sum.at_reset = facts_at_reset_;
}

void Totals::Reset(const BackendFacts& facts) {
  const std::lock_guard lock(mutex_);
  reset_ = CountAll();
  facts_at_reset_ = facts;
}

}  // namespace tombolo::kvcache

#include "control/agent/polled_doorbells.h"

#include <algorithm>
#include <span>
#include <utility>

#include "transport/base/ring_eventfd.h"
#include "transport/endpoint/membership_view.h"
#include "transport/layout/shared_word.h"

namespace tombolo::control {

void PolledDoorbells::Look() {
  // Acquire: pairs with MemberTableMirror::Write; the records that made this epoch are visible.
  const uint64_t epoch = region_.MembershipEpoch().load(std::memory_order_acquire);
  if (epoch != epoch_) LookAtMembers(epoch);
  for (Sleeper& sleeper : sleepers_) LookAt(sleeper);
}

// Everybody is rung: whoever was linked with somebody who died has something to do.
void PolledDoorbells::LookAtMembers(uint64_t epoch) {
  epoch_ = epoch;
  std::vector<Sleeper> now;
  for (const EndpointInfo& endpoint : LiveEndpoints(region_)) {
    if (endpoint.slot != slot_) continue;
    const auto known = std::ranges::find(sleepers_, endpoint.id, &Sleeper::id);
    now.push_back(known == sleepers_.end() ? Sleeper{endpoint.id, endpoint.vector, {}}
                                           : std::move(*known));
  }
  sleepers_ = std::move(now);
  const auto count = static_cast<uint16_t>(eventfds_.size());
  for (uint16_t vector = 0; vector < count; ++vector) Ring(vector);
}

// SUBTLE: the row is read first and `armed` second. Who was not armed after the row was read will
// look at its inbox once it has armed, and see no less than we did: so that row needs no ring, and
// only a later change does. The other way round, a byte that changed while it armed would count as
// seen.
void PolledDoorbells::LookAt(Sleeper& sleeper) {
  const bool changed = RowChanged(sleeper);
  // seq_cst: stays behind the row's loads, and pairs with Channel::PrepareToSleep.
  const bool armed = region_.Line(sleeper.id.index).armed.load(std::memory_order_seq_cst) != 0;
  if (changed && armed) Ring(sleeper.vector);
}

// Whether it is another one than last time, which it is now.
bool PolledDoorbells::RowChanged(Sleeper& sleeper) const {
  const std::span<SharedU64> row = region_.InboxRow(sleeper.id.index);
  sleeper.row.resize(row.size());
  // Senders from the mark on do not exist yet, and nobody has stored there.
  // Relaxed: an endpoint that is newer than the mark we see makes a new epoch, which rings.
  const uint32_t mark = std::min(region_.EndpointHighWater().load(std::memory_order_relaxed),
                                 region_.Limits().endpoint_count);
  const size_t words = (mark + sizeof(uint64_t) - 1) / sizeof(uint64_t);
  bool changed = false;
  for (size_t i = 0; i < words; ++i) {
    // seq_cst: pairs with Channel::Announce.
    const uint64_t word = row[i].load(std::memory_order_seq_cst);
    changed |= word != std::exchange(sleeper.row[i], word);
  }
  return changed;
}

void PolledDoorbells::Ring(uint16_t vector) const {
  if (vector < eventfds_.size()) RingEventfd(eventfds_[vector]);
}

}  // namespace tombolo::control

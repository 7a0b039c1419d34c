#include "tests/crash/talker.h"

#include <stdlib.h>

#include <algorithm>

#include "tests/crash/numbered_message.h"
#include "transport/base/units.h"
#include "transport/endpoint/membership_view.h"
#include "transport/layout/link.h"

namespace tombolo::crash {
namespace {

constexpr size_t kRoundsPerLook = 8;  // Peers come and go.
constexpr size_t kMostPerRound = 4;
constexpr int64_t kRestNs = kNsPerMs;
constexpr uint64_t kBufferBytes = 2 * kExtentBytes;

// Only this process writes its seat's counters.
void Add(std::atomic<uint64_t>& counter, uint64_t amount) {
  counter.fetch_add(amount, std::memory_order_relaxed);
}

}  // namespace

Talker::Talker(const World& world, EndpointId id, Board& board, size_t seat, uint64_t seed)
    : region_(world.SharedRegion()),
      board_(board),
      seat_(board.seats[seat]),
      random_(static_cast<std::minstd_rand::result_type>(seed)),
      member_(world.Enter(id)) {
  auto channel = Channel::Create(*member_.endpoint);
  if (!channel.ok()) abort();
  member_.channel = *std::move(channel);
}

void Talker::Run() {
  for (uint64_t round = 0;; ++round) {
    const Phase phase = board_.phase.load(std::memory_order_relaxed);
    if (phase == Phase::kLeave) return;
    if (round % kRoundsPerLook == 0) LookForPeers();
    member_.Poll();
    if (phase == Phase::kTalk) TalkALittle();
    if (phase == Phase::kLast) SayLast();
    LookAfterLoans();
    Report();
    Rest();
  }
}

void Talker::LookForPeers() {
  peers_.clear();
  for (const EndpointInfo& info : LiveEndpoints(region_)) {
    if (info.id != member_.Id()) peers_.push_back(info.id);
  }
}

void Talker::TalkALittle() {
  if (peers_.empty()) return;
  for (size_t i = Below(kMostPerRound); i > 0; --i) SendOne();
}

void Talker::SendOne() {
  const EndpointId to = peers_[Below(peers_.size())];
  // Mostly small ones, some of many cells, few in a chunk or as a loan.
  const size_t what = Below(64);
  if (what == 0) return LendOne(to);
  const size_t most = what < 3 ? kBulkChunkBytes : what < 12 ? kMaxInlineBytes : 120;
  member_.TrySend(to, kLeastMessageBytes + Below(most - kLeastMessageBytes + 1));
}

void Talker::LendOne(EndpointId to) {
  if (buffer_.bytes.empty()) {
    const auto buffer = member_.channel->Allocate(kBufferBytes);
    if (!buffer.ok()) return;
    buffer_ = *buffer;
  }
  if (member_.channel->LoanCount(buffer_) != 0 || !member_.channel->Open(to).ok()) return;
  const size_t bytes = kLeastMessageBytes + Below(kBufferBytes - kLeastMessageBytes);
  WriteNumbered(buffer_.bytes.first(bytes), member_.Id(), member_.sent[to]);
  const auto result = member_.channel->TryLend(to, buffer_, 0, bytes, kOrdinaryTag, 0);
  if (!result.ok() || *result != LendResult::kLent) return;
  ++member_.sent[to];
  // Freed while it is lent, sometimes: then it waits in quarantine.
  if (Below(2) == 0 && member_.channel->Free(buffer_).ok()) buffer_ = {};
}

// They are held for a while, also beyond the death of whoever lent them.
void Talker::LookAfterLoans() {
  member_.mailbox.KeepLoans();
  if (!member_.mailbox.HoldsLoans() || Below(4) != 0) return;
  member_.mailbox.CheckLoans();
  member_.mailbox.DropLoans();
}

void Talker::SayLast() {
  // Looked up here: who was killed last may still have been among the peers.
  LookForPeers();
  bool has_all = peers_.size() == kSeats - 1;
  for (const EndpointId peer : peers_) {
    const bool is_told = std::ranges::find(told_, peer) != told_.end();
    if (!is_told && member_.TrySend(peer, kLeastMessageBytes, kLastTag)) told_.push_back(peer);
    has_all &= member_.mailbox.HasLast(peer);
  }
  seat_.has_all.store(has_all && told_.size() == kSeats - 1, std::memory_order_relaxed);
}

void Talker::Report() {
  Add(seat_.rounds, 1);
  Add(seat_.received, member_.mailbox.ReceivedTotal() - received_);
  Add(seat_.torn, member_.mailbox.Torn() - torn_);
  received_ = member_.mailbox.ReceivedTotal();
  torn_ = member_.mailbox.Torn();
}

// Often enough for doorbells to matter.
void Talker::Rest() {
  if (Below(3) == 0) member_.channel->Sleep(kRestNs);
}

}  // namespace tombolo::crash

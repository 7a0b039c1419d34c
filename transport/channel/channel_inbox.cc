// Channel, the part that finds out who has announced itself: the inbox row, and the links that are
// polled again because of it.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/membership_view.h"

namespace tombolo {
namespace {

constexpr uint32_t kSendersPerWord = 8;
constexpr uint32_t kWordsPerLine = kCacheLineBytes / sizeof(uint64_t);
constexpr uint32_t kSendersPerLine = kWordsPerLine * kSendersPerWord;
// A row is made of whole lines.
static_assert(kEndpointCountStep % kSendersPerLine == 0);
// What one poll looks at: the inbox bytes of 256 senders, so that its cost does not grow with the
// endpoints of the region. Parked links of more senders are found a few polls later.
constexpr uint32_t kLinesPerPoll = 4;

// Which bits of a line of an inbox row have changed. Without a branch or a counter per word,
// because this is what each poll does with each line, and nearly always nothing has changed.
// seq_cst: as in ScanInboxWord.
template <size_t... kWord>
uint64_t Changes(const SharedU64* line, const uint64_t* seen, std::index_sequence<kWord...>) {
  return ((line[kWord].load(std::memory_order_seq_cst) ^ seen[kWord]) | ...);
}

bool LineIsAsSeen(const SharedU64* line, const uint64_t* seen) {
  return Changes(line, seen, std::make_index_sequence<kWordsPerLine>()) == 0;
}

uint8_t ByteOf(uint64_t word, uint32_t byte) { return static_cast<uint8_t>(word >> (8 * byte)); }

}  // namespace

bool Channel::Admit(uint32_t sender) {
  if (const auto parked = std::ranges::find(parked_, sender); parked != parked_.end()) {
    parked_.erase(parked);
    in_[sender]->Unpark();
    active_.push_back(sender);
    return true;
  }
  if (in_[sender] != nullptr) return false;
  const std::optional<EndpointInfo> info = ReadEndpoint(region_, sender);
  // Of a dead one only what it sent before its death was handled here; after the acknowledgement
  // its memory is no longer ours to read.
  if (!info || (info->state == EndpointState::kDead && info->changed_epoch <= epoch_)) return false;
  if (info->id.incarnation == dropped_[sender]) return false;
  std::unique_ptr<InLink> link = InLink::Find(region_, info->id, self_);
  if (link == nullptr) return false;
  link->Unpark();
  in_[sender] = std::move(link);
  active_.push_back(sender);
  return true;
}

uint32_t Channel::InboxLines() const {
  // seq_cst: as the bytes below it is looked at after `armed` was stored; a newcomer's byte lies
  // beyond an old value.
  const uint32_t high_water = std::min<uint32_t>(
      region_.EndpointHighWater().load(std::memory_order_seq_cst), region_.Limits().endpoint_count);
  return (high_water + kSendersPerLine - 1) / kSendersPerLine;
}

bool Channel::ScanInbox() {
  // SUBTLE: at first every byte counts as changed. No value could stand for "not looked at yet":
  // earlier holders of this index leave any of them behind, and a peer may announce itself before
  // we look.
  const bool is_first = !std::exchange(inbox_scanned_, true);
  return ScanInboxLines(0, InboxLines(), is_first);
}

void Channel::ScanPartOfInbox() {
  const uint32_t lines = InboxLines();
  if (inbox_next_line_ >= lines) inbox_next_line_ = 0;
  const uint32_t end = std::min(lines, inbox_next_line_ + kLinesPerPoll);
  ScanInboxLines(inbox_next_line_, end, false);
  inbox_next_line_ = end;
}

bool Channel::ScanInboxLines(uint32_t first, uint32_t end, bool is_first) {
  bool changed = false;
  for (uint32_t line = first; line < end; ++line) {
    const uint32_t word = line * kWordsPerLine;
    if (!is_first && LineIsAsSeen(&inbox_[word], &inbox_seen_[word])) continue;
    for (uint32_t i = word; i < word + kWordsPerLine; ++i) changed |= ScanInboxWord(i, is_first);
  }
  return changed;
}

bool Channel::ScanInboxWord(uint32_t index, bool is_first) {
  // seq_cst: pairs with Announce; after `armed` was stored this is the second look.
  const uint64_t word = inbox_[index].load(std::memory_order_seq_cst);
  const uint64_t seen = std::exchange(inbox_seen_[index], word);
  if (word == seen && !is_first) return false;
  bool changed = false;
  for (uint32_t byte = 0; byte < kSendersPerWord; ++byte) {
    if (is_first || ByteOf(word, byte) != ByteOf(seen, byte)) {
      changed |= Admit(index * kSendersPerWord + byte);
    }
  }
  return changed;
}

}  // namespace tombolo

#include "kvcache/client/reader.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>

#include "absl/strings/str_cat.h"
#include "kvcache/layout/superblock.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

// A test builds a reader that does not look again after its copy, and must catch it.
#ifdef TOMBOLO_KVCACHE_UNCHECKED_READER
constexpr bool kLooksAgain = false;
#else
constexpr bool kLooksAgain = true;
#endif

#if defined(__x86_64__)
constexpr bool kLoadsStayInOrder = true;
#else
constexpr bool kLoadsStayInOrder = false;
#endif

// Of an item of usual size, which are fetched before they are needed.
constexpr size_t kItemLines = 3;

bool IsKey(std::string_view key) { return !key.empty() && key.size() <= kMaxKeyBytes; }

// The slot that the lowest bit of Hint::slots stands for.
uint64_t SlotOfBit(const BucketPair& buckets, uint32_t slots) {
  const auto bit = static_cast<uint32_t>(std::countr_zero(slots));
  const uint64_t bucket = bit < kBucketSlots ? buckets.first : buckets.second;
  return bucket * kBucketSlots + bit % kBucketSlots;
}

Found FoundOf(const ItemHeader& header, uint64_t slot) {
  return {.value_bytes = header.sizes.value_bytes,
          .flags = header.life.flags,
          .expiry_s = header.life.expiry_s,
          .cas = header.cas,
          .marks = header.sizes.marks,
          .slot = slot};
}

}  // namespace

int64_t CoarseMonotonicNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return int64_t{now.tv_sec} * kNsPerSecond + now.tv_nsec;
}

absl::StatusOr<Reader> Reader::Attach(std::span<const std::byte> memory, ClockNs clock) {
  if (memory.size() < kExtentBytes ||
      reinterpret_cast<uintptr_t>(memory.data()) % kCacheLineBytes != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a shard begins at a multiple of 64 and has more than ", memory.size(), " bytes."));
  }
  Reader reader(memory, clock);
  if (absl::Status status = reader.Load(); !status.ok()) return status;
  reader.heartbeat_ = reader.LoadHeartbeat();
  reader.looked_at_ns_ = clock();
  return reader;
}

// Reads shape, seed and epoch anew: at first, and whenever the epoch has changed.
absl::Status Reader::Load() {
  // SAFETY: Attach() checked size and alignment.
  const auto& superblock = *reinterpret_cast<const Superblock*>(memory_.data());
  const auto acquire = std::memory_order_acquire;  // Pairs with Store::Format.
  const uint64_t epoch = superblock.epoch.load(acquire);
  const uint64_t magic = superblock.magic.load(acquire);
  if (magic == 0) return absl::FailedPreconditionError("there is no shard here yet.");
  const uint32_t version = superblock.layout_version.load(acquire);
  if (magic != kShardMagic || version != kShardLayoutVersion) {
    return absl::DataLossError(absl::StrCat("no shard of layout ", kShardLayoutVersion,
                                            ": the magic is ", magic, ", the layout ", version,
                                            "."));
  }
  const ShardShape shape{.bucket_count = superblock.bucket_count.load(acquire),
                         .segment_bytes = superblock.segment_bytes.load(acquire),
                         .segment_count = superblock.segment_count.load(acquire),
                         .item_max_bytes = superblock.item_max_bytes.load(acquire)};
  const uint64_t seed = superblock.hash_seed.load(acquire);
  const absl::StatusOr<ShardGeometry> geometry = PlaceShape(shape, memory_.size());
  if (superblock.magic.load(acquire) != magic || superblock.epoch.load(acquire) != epoch) {
    return absl::FailedPreconditionError("the shard is just being formatted; try again.");
  }
  if (!geometry.ok()) return absl::DataLossError(geometry.status().message());
  shard_ = ShardView(memory_, *geometry);
  seed_ = seed;
  epoch_ = epoch;
  return absl::OkStatus();
}

Reader::Moment Reader::LoadMoment() const {
  // Acquire, all of them: what is loaded later is no older. Pairs with Store::FlushNow and Begin.
  const Superblock& superblock = shard_.TheSuperblock();
  return {.epoch = superblock.epoch.load(std::memory_order_acquire),
          .flush_cas = superblock.flush_cas.load(std::memory_order_acquire),
          .now_s = superblock.now_s.load(std::memory_order_acquire)};
}

uint64_t Reader::LoadHeartbeat() const {
  // Acquire: pairs with Store::Tick, whose time is then no older than that beat.
  return shard_.TheSuperblock().heartbeat.load(std::memory_order_acquire);
}

// SUBTLE: a beat that differs from the one of long ago says that the owner has lived since, not
// that it lives: it may have been killed an hour ago, and its time be an hour old. So a change
// counts only when the last look was short ago.
bool Reader::OwnerIsAlive() {
  const uint64_t heartbeat = LoadHeartbeat();
  const int64_t now_ns = clock_();
  const bool is_proof = now_ns - looked_at_ns_ <= kOwnerStaleNs;
  looked_at_ns_ = now_ns;
  if (heartbeat != heartbeat_ && is_proof) Believe(heartbeat, now_ns);
  heartbeat_ = heartbeat;
  return now_ns <= alive_until_ns_;
}

void Reader::OwnerWasHeard() {
  const uint64_t heartbeat = LoadHeartbeat();
  if (believed_heartbeat_ == heartbeat) return;
  heartbeat_ = heartbeat;
  looked_at_ns_ = clock_();
  Believe(heartbeat, looked_at_ns_);
}

void Reader::Believe(uint64_t heartbeat, int64_t now_ns) {
  believed_heartbeat_ = heartbeat;
  alive_until_ns_ = now_ns + kOwnerStaleNs;
}

const SharedU64& Reader::WordOf(uint64_t slot) const {
  return shard_.BucketAt(slot / kBucketSlots).slots[slot % kBucketSlots];
}

// Whether nothing that was read through `candidate` was written meanwhile. Acquire, all of them,
// and after the copy, whose loads are acquires: pairs with SegmentLog::EndRecycling.
bool Reader::IsUnchanged(const Candidate& candidate, uint64_t epoch) const {
  if (!kLooksAgain) return true;
  const auto acquire = std::memory_order_acquire;
  const SegmentHeader& segment = shard_.HeaderOf(candidate.place.segment);
  return segment.generation.load(acquire) == candidate.generation &&
         WordOf(candidate.slot).load(acquire) == candidate.word &&
         shard_.TheSuperblock().epoch.load(acquire) == epoch;
}

// Of the slots of a bucket, those with that tag, a bit each; without a branch for each of them,
// which nobody could foresee.
uint32_t Reader::SlotsWithTag(uint64_t bucket, uint16_t tag) const {
  uint32_t slots = 0;
  for (uint32_t i = 0; i < kBucketSlots; ++i) {
    // Relaxed: a hint.
    const uint64_t word = WordOf(bucket * kBucketSlots + i).load(std::memory_order_relaxed);
    slots |= uint32_t{UnpackSlot(word).tag == tag} << i;
  }
  return slots;
}

template <typename Take>
Reader::Attempt Reader::Copy(std::string_view key, Candidate& candidate, const Moment& moment,
                             Found& found, Take& take) {
  const uint64_t room = shard_.Shape().segment_bytes - candidate.place.offset_bytes;
  const std::byte* at = shard_.At(candidate.place);
  candidate.header = LoadItemHeader(at);
  const ItemHeader& header = candidate.header;
  const bool is_key = header.IsSane(room) && header.sizes.key_bytes == key.size() &&
                      HoldsKey(at + sizeof(Item), key);
  if (!is_key) return IsUnchanged(candidate, moment.epoch) ? Attempt::kMiss : Attempt::kRetry;
  const bool has_room = take(candidate, at + sizeof(Item) + key.size());
  if (!IsUnchanged(candidate, moment.epoch)) return Attempt::kRetry;
  if (!header.IsVisible(moment.now_s, moment.flush_cas)) return Attempt::kMiss;
  found = FoundOf(header, candidate.slot);
  return has_room ? Attempt::kHit : Attempt::kTooSmall;
}

template <typename Take>
Reader::Attempt Reader::Scan(std::string_view key, const KeyHash& hash, Found& found, Take& take) {
  const Moment moment = LoadMoment();
  if (moment.epoch != epoch_) return Attempt::kReattach;
  const BucketPair buckets = hash.Buckets(shard_.Shape().bucket_count);
  // Every other key is there, and would wait for one line after the other.
  __builtin_prefetch(&shard_.BucketAt(buckets.second));
  // SUBTLE: the first one first. An item may move from there to the second at any moment, where it
  // then is before it leaves; the other way round it would be missed (Store::SlotForNew).
  for (const uint64_t bucket : {buckets.first, buckets.second}) {
    for (uint32_t i = 0; i < kBucketSlots; ++i) {
      const uint64_t slot = bucket * kBucketSlots + i;
      const Attempt attempt = TrySlot(key, hash.Tag(), slot, moment, found, take);
      if (attempt != Attempt::kMiss) return attempt;
    }
  }
  return Attempt::kMiss;
}

// The slots that PrefetchItem() has met. A miss means nothing: the key may be in another one by
// now.
template <typename Take>
Reader::Attempt Reader::TryHinted(std::string_view key, const Hint& hint, Found& found,
                                  Take& take) {
  const Moment moment = LoadMoment();
  if (moment.epoch != epoch_ || hint.epoch != epoch_) return Attempt::kMiss;
  const BucketPair buckets = hint.hash.Buckets(shard_.Shape().bucket_count);
  for (uint32_t left = hint.slots; left != 0; left &= left - 1) {
    const uint64_t slot = SlotOfBit(buckets, left);
    const Attempt attempt = TrySlot(key, hint.hash.Tag(), slot, moment, found, take);
    if (attempt != Attempt::kMiss) return attempt;
  }
  return Attempt::kMiss;
}

template <typename Take>
Reader::Attempt Reader::TrySlot(std::string_view key, uint16_t tag, uint64_t slot,
                                const Moment& moment, Found& found, Take& take) {
  Candidate candidate{.slot = slot};
  // Acquire: pairs with SlotIndex::Fill; the item that it leads to is complete.
  candidate.word = WordOf(slot).load(std::memory_order_acquire);
  const Slot seen = UnpackSlot(candidate.word);
  if (seen.tag != tag || candidate.word == 0) return Attempt::kMiss;
  const std::optional<Place> place = shard_.PlaceOf(seen.location);
  if (!place) return Attempt::kMiss;  // The owner wrote no such slot.
  candidate.place = *place;
  candidate.generation = shard_.HeaderOf(place->segment).generation.load(std::memory_order_acquire);
  if (static_cast<uint8_t>(candidate.generation) != seen.generation) return Attempt::kRetry;
  return Copy(key, candidate, moment, found, take);
}

template <typename Take>
ReadResult Reader::Read(std::string_view key, Found& found, Take take) {
  if (!IsKey(key)) return ReadResult::kMiss;
  return Proven(Find(key, HintOf(key), found, take));
}

// What the memory says, whether its owner lives or not.
template <typename Take>
ReadResult Reader::Find(std::string_view key, Hint hint, Found& found, Take take) {
  if (hint.slots != 0) {
    const Attempt attempt = TryHinted(key, hint, found, take);
    if (attempt == Attempt::kHit) return ReadResult::kHit;
    if (attempt == Attempt::kTooSmall) return ReadResult::kTooSmall;
  }
  for (int attempts = 0; attempts < kMaxAttempts; ++attempts) {
    // Another shard was made here since.
    if (hint.epoch != epoch_) hint = HintOf(key);
    switch (Scan(key, hint.hash, found, take)) {
      case Attempt::kHit:
        return ReadResult::kHit;
      case Attempt::kMiss:
        return ReadResult::kMiss;
      case Attempt::kTooSmall:
        return ReadResult::kTooSmall;
      case Attempt::kRetry:
        ++counters_.retries;
        break;
      case Attempt::kReattach:
        ++counters_.reattached;
        if (!Load().ok()) attempts = kMaxAttempts;
    }
  }
  ++counters_.fallbacks;
  return ReadResult::kAskOwner;
}

// SUBTLE: after what was found, never before. Whoever is stopped in between for an hour, as a
// machine may be, would else take for proven what nobody has told the time for so long.
ReadResult Reader::Proven(ReadResult found) {
  return OwnerIsAlive() ? Counted(found) : ReadResult::kOwnerGone;
}

ReadResult Reader::Counted(ReadResult found) {
  if (found == ReadResult::kMiss) ++counters_.misses;
  if (found == ReadResult::kHit || found == ReadResult::kTooSmall) ++counters_.hits;
  return found;
}

ReadResult Reader::Get(std::string_view key, std::span<std::byte> buffer, Found& found) {
  return Read(key, found, [buffer](const Candidate& candidate, const std::byte* from) {
    const uint32_t bytes = candidate.header.sizes.value_bytes;
    if (bytes > buffer.size()) return false;
    LoadBytes(from, buffer.first(bytes));
    return true;
  });
}

ReadResult Reader::Get(std::string_view key, std::string& value, Found& found) {
  return Get(key, HintOf(key), value, found);
}

ReadResult Reader::Get(std::string_view key, const Hint& hint, std::string& value, Found& found) {
  if (!IsKey(key)) return ReadResult::kMiss;
  return Proven(FindTo(key, hint, value, found));
}

ReadResult Reader::FindTo(std::string_view key, const Hint& hint, std::string& value,
                          Found& found) {
  return Find(key, hint, found, [&value](const Candidate& candidate, const std::byte* from) {
    value.resize(candidate.header.sizes.value_bytes);
    LoadBytes(from, std::as_writable_bytes(std::span(value)));
    return true;
  });
}

ReadResult Reader::Describe(std::string_view key, Found& found) {
  return Read(key, found, [](const Candidate&, const std::byte*) { return true; });
}

void Reader::GetMany(std::span<const std::string_view> keys, std::span<ManyAnswer> answers) {
  std::array<std::optional<Hint>, kReadBatch> hints;
  for (size_t begin = 0; begin < keys.size(); begin += kReadBatch) {
    const auto batch = keys.subspan(begin, std::min(kReadBatch, keys.size() - begin));
    for (size_t i = 0; i < batch.size(); ++i) hints[i] = PrefetchBuckets(batch[i]);
    for (size_t i = 0; i < batch.size(); ++i) PrefetchItem(*hints[i]);
    for (size_t i = 0; i < batch.size(); ++i) {
      ManyAnswer& answer = answers[begin + i];
      answer.result = ReadResult::kMiss;
      if (IsKey(batch[i])) answer.result = FindTo(batch[i], *hints[i], answer.value, answer.found);
    }
    const bool is_alive = OwnerIsAlive();
    for (size_t i = 0; i < batch.size(); ++i) {
      ReadResult& result = answers[begin + i].result;
      if (IsKey(batch[i])) result = is_alive ? Counted(result) : ReadResult::kOwnerGone;
    }
  }
}

Reader::Hint Reader::PrefetchBuckets(std::string_view key) const {
  const Hint hint = HintOf(key);
  const BucketPair pair = hint.hash.Buckets(shard_.Shape().bucket_count);
  __builtin_prefetch(&shard_.BucketAt(pair.first));
  __builtin_prefetch(&shard_.BucketAt(pair.second));
  return hint;
}

void Reader::PrefetchItem(Hint& hint) const {
  const BucketPair pair = hint.hash.Buckets(shard_.Shape().bucket_count);
  hint.slots = SlotsWithTag(pair.first, hint.hash.Tag()) |
               SlotsWithTag(pair.second, hint.hash.Tag()) << kBucketSlots;
  for (uint32_t left = hint.slots; left != 0; left &= left - 1) {
    // Relaxed: a hint.
    const uint64_t word = WordOf(SlotOfBit(pair, left)).load(std::memory_order_relaxed);
    const std::optional<Place> place = shard_.PlaceOf(UnpackSlot(word).location);
    if (!place) continue;
    __builtin_prefetch(&shard_.HeaderOf(place->segment));
    for (size_t line = 0; line < kItemLines; ++line) {
      __builtin_prefetch(shard_.At(*place) + line * kCacheLineBytes);
    }
  }
}

ReadResult Reader::Look(std::string_view key, View& view) {
  if (!kLoadsStayInOrder) return ReadResult::kAskOwner;
  return Read(key, view.found, [this, &view](const Candidate& candidate, const std::byte* from) {
    view.value = {from, candidate.header.sizes.value_bytes};
    view.token = {.slot_word = candidate.word,
                  .epoch = epoch_,
                  .segment = candidate.place.segment,
                  .generation = candidate.generation};
    return true;
  });
}

bool Reader::StillValid(const View& view) const {
  // Keeps the compiler from looking again before the value was used; the processor does not.
  std::atomic_signal_fence(std::memory_order_acquire);
  const View::Token& token = view.token;
  // A shard that was formatted since has another shape, perhaps.
  if (shard_.TheSuperblock().epoch.load(std::memory_order_acquire) != token.epoch ||
      token.epoch != epoch_) {
    return false;
  }
  // SUBTLE: the same epoch is no proof of the same shape where others can write it.
  if (token.segment >= shard_.Shape().segment_count ||
      view.found.slot / kBucketSlots >= shard_.Shape().bucket_count) {
    return false;
  }
  return IsUnchanged({.slot = view.found.slot,
                      .word = token.slot_word,
                      .place = {.segment = token.segment, .offset_bytes = 0},
                      .generation = token.generation,
                      .header = {}},
                     token.epoch);
}

}  // namespace tombolo::kvcache

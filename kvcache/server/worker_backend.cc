#include "kvcache/server/worker_backend.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kvcache/layout/item.h"
#include "kvcache/shard/item_bytes.h"

namespace tombolo::kvcache {

absl::StatusOr<std::unique_ptr<WorkerBackend>> WorkerBackend::Create(OwnedShards& shards) {
  std::unique_ptr<WorkerBackend> backend(new WorkerBackend(shards));
  for (uint32_t shard = 0; shard < shards.Count(); ++shard) {
    // The owner is this process, and TellTime() tells it the time: its heartbeat does not matter.
    absl::StatusOr<Reader> reader = Reader::Attach(shards.Memory(shard), [] { return int64_t{0}; });
    if (!reader.ok()) return reader.status();
    reader->OwnerWasHeard();
    backend->lanes_.push_back({.reader = *std::move(reader)});
  }
  return backend;
}

WorkerBackend::Owner::Owner(WorkerBackend& backend, uint32_t shard)
    : lock_(backend.shards_.At(shard).mutex), store_(backend.shards_.At(shard).store.get()) {
  backend.TellSamples(shard, *store_);
}

bool WorkerBackend::Get(std::string_view key, StoredValue& value, GetUse use) {
  const uint32_t shard = shards_.ShardOf(key);
  TellTime(shard);
  Found found;
  const ReadResult result = lanes_[shard].reader.Get(key, value.value, found);
  if (IsRead(shard, result, found, value, use)) return true;
  return Owner(*this, shard)->Get(key, value, use);
}

// Copied once, from where it lies.
bool WorkerBackend::GetTo(std::string_view key, StoredValue& item, GetUse use,
                          ValueTarget& target) {
  const uint32_t shard = shards_.ShardOf(key);
  TellTime(shard);
  Reader& reader = lanes_[shard].reader;
  View view;
  const ReadResult result = reader.Look(key, view);
  // Changing too fast, or no processor for that: Get() copies it by other means.
  if (result == ReadResult::kAskOwner) return Backend::GetTo(key, item, use, target);
  if (Takes(result, view.found, item, use)) {
    LoadBytes(view.value.data(), {target.RoomFor(item), view.value.size()});
    if (reader.StillValid(view)) {
      CountHit(shard, view.found.slot, use);
      return true;
    }
  }
  if (!Owner(*this, shard)->Get(key, item, use)) return false;
  Hand(item, target);
  return true;
}

void WorkerBackend::Expect(std::span<const std::string_view> keys) {
  std::array<uint32_t, kReadBatch> shards;
  std::array<std::optional<Reader::Hint>, kReadBatch> hints;
  const size_t count = std::min(keys.size(), hints.size());
  for (size_t i = 0; i < count; ++i) {
    shards[i] = shards_.ShardOf(keys[i]);
    hints[i] = lanes_[shards[i]].reader.PrefetchBuckets(keys[i]);
  }
  for (size_t i = 0; i < count; ++i) lanes_[shards[i]].reader.PrefetchItem(*hints[i]);
}

bool WorkerBackend::Describe(std::string_view key, StoredValue& value, GetUse use) {
  const uint32_t shard = shards_.ShardOf(key);
  TellTime(shard);
  View view;
  const ReadResult result = lanes_[shard].reader.Look(key, view);
  value.value.clear();
  if (IsRead(shard, result, view.found, value, use)) return true;
  return Owner(*this, shard)->Describe(key, value, use);
}

// Who finds the mutex taken need not wait: whoever has it has told the time just now.
void WorkerBackend::TellTime(uint32_t shard) {
  Lane& lane = lanes_[shard];
  const uint32_t now_s = shards_.NowS();
  if (lane.told_s == now_s) return;
  OwnedShard& owned = shards_.At(shard);
  const std::unique_lock lock(owned.mutex, std::try_to_lock);
  if (!lock.owns_lock()) return;
  owned.store->NowS();
  TellSamples(shard, *owned.store);
  lane.told_s = now_s;
}

// Takes over what a reader found. False: the owner has to be asked, for whatever reason.
bool WorkerBackend::IsRead(uint32_t shard, ReadResult result, const Found& found,
                           StoredValue& value, GetUse use) {
  if (!Takes(result, found, value, use)) return false;
  CountHit(shard, found.slot, use);
  return true;
}

// The same, as long as it is not sure that this is the answer.
bool WorkerBackend::Takes(ReadResult result, const Found& found, StoredValue& value, GetUse use) {
  if (result != ReadResult::kHit) return false;
  if (use == GetUse::kCounts && (found.marks & kMarkFetched) == 0) return false;
  value.value_bytes = found.value_bytes;
  value.flags = found.flags;
  value.expiry_s = found.expiry_s;
  value.cas = found.cas;
  value.marks = found.marks;
  return true;
}

void WorkerBackend::CountHit(uint32_t shard, uint64_t slot, GetUse use) {
  ++lock_free_hits_;
  if (use == GetUse::kCounts && --hits_until_sample_ == 0) Sample(shard, slot);
}

void WorkerBackend::Touched(uint32_t shard, uint64_t slot) {
  if (shard < shards_.Count()) Keep(shard, slot);
}

void WorkerBackend::Sample(uint32_t shard, uint64_t slot) {
  hits_until_sample_ = kHitsPerSample;
  Keep(shard, slot);
}

// Until somebody has the mutex.
void WorkerBackend::Keep(uint32_t shard, uint64_t slot) {
  Lane& lane = lanes_[shard];
  lane.samples[lane.sample_count++] = slot;
  if (lane.sample_count < kMaxSamples) return;
  OwnedShard& owned = shards_.At(shard);
  const std::unique_lock lock(owned.mutex, std::try_to_lock);
  if (lock.owns_lock()) TellSamples(shard, *owned.store);
  lane.sample_count = 0;
}

void WorkerBackend::TellSamples(uint32_t shard, Store& store) {
  Lane& lane = lanes_[shard];
  for (size_t i = 0; i < lane.sample_count; ++i) store.Touched(lane.samples[i]);
  lane.sample_count = 0;
}

// Shard by shard; the others wait for the owner's mutex no longer than for a step.
WalkStep WorkerBackend::Walk(WalkPlace& place, std::string& key, StoredValue& item) {
  if (place.shard >= shards_.Count()) return WalkStep::kEnd;
  const WalkStep step = Owner(*this, place.shard)->Walk(place.slot, key, item);
  if (step != WalkStep::kEnd) return step;
  place = {.shard = place.shard + 1, .slot = 0};
  return place.shard < shards_.Count() ? WalkStep::kNothingYet : WalkStep::kEnd;
}

StoreAnswer WorkerBackend::Put(const PutRequest& request) {
  return OwnerOf(request.key)->Put(request);
}

StoreAnswer WorkerBackend::Count(const CountRequest& request) {
  return OwnerOf(request.key)->Count(request);
}

StoreAnswer WorkerBackend::Remove(const RemoveRequest& request) {
  return OwnerOf(request.key)->Remove(request);
}

StoreAnswer WorkerBackend::Visit(const VisitRequest& request, StoredValue& seen) {
  return OwnerOf(request.key)->Visit(request, seen);
}

}  // namespace tombolo::kvcache

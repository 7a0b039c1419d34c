// A shard whose superblock, slots, segment headers and items somebody changes as the input says,
// while an owner, the owners that are started after it, and a reader work on it, one after the
// other. Nobody leaves the memory or stays for ever; what the reader gives lies whole within it, in
// each of its ways of reading; and when nobody changes it any more, the next owner makes it work.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kvcache/client/reader.h"
#include "kvcache/layout/superblock.h"
#include "kvcache/shard/shard_parts.h"
#include "kvcache/store/store.h"
#include "tests/fuzz/hostile_loads.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "tests/kvcache/shard_memory.h"
#include "transport/base/units.h"

namespace tombolo::fuzz {
namespace {

using kvcache::Found;
using kvcache::ManyAnswer;
using kvcache::Reader;
using kvcache::ReadResult;
using kvcache::ShardMemory;
using kvcache::ShardView;
using kvcache::Store;
using kvcache::StoredValue;
using kvcache::StoreOptions;
using kvcache::StoreResult;
using kvcache::Superblock;
using kvcache::View;

constexpr uint32_t kNowS = 1'700'000'000;
constexpr uint32_t kKeys = 40;
constexpr uint64_t kWordBytes = 8;

StoreOptions SmallShard() {
  return {.limits = {.shard_bytes = 96 * kKiB,
                     .expected_item_bytes = 40,
                     .segment_bytes = 4 * kKiB,
                     .item_max_bytes = 4 * kKiB},
          .hash_seed = 17};
}

std::unique_ptr<Store> Open(ShardMemory& memory) {
  auto store = Store::Open(memory.Bytes(), SmallShard(), [] { return kNowS; });
  if (!store.ok()) abort();
  return *std::move(store);
}

std::string KeyOf(uint32_t number) {
  return std::string(number % 3 * 9, 'k') + std::to_string(number % kKeys);
}

// A shard as an owner leaves it, and where in it a change matters.
struct Template {
  Template() : memory(SmallShard().limits.shard_bytes) {
    const std::unique_ptr<Store> store = Open(memory);
    // Several times what it holds.
    for (uint32_t i = 0; i < 10 * kKeys; ++i) {
      store->Set(KeyOf(i), std::string(i * 41 % 900, 'v'), i, i % 5 == 0 ? 100 : 0);
    }
    const ShardView shard(memory.Bytes(), store->Geometry());
    headers_at = shard.Geometry().segment_headers.bytes;
    segment_count = shard.Shape().segment_count;
    for (uint64_t bucket = 0; bucket < shard.Shape().bucket_count; ++bucket) {
      for (const auto& slot : shard.BucketAt(bucket).slots) Use(shard, slot);
    }
    if (slots_at.empty()) abort();
  }

  template <typename Word>
  void Use(const ShardView& shard, const Word& slot) {
    const uint64_t word = slot.load(std::memory_order_relaxed);
    if (word == 0) return;
    const auto* at = reinterpret_cast<const std::byte*>(&slot);
    slots_at.push_back(static_cast<uint64_t>(at - memory.Bytes().data()));
    items_at.push_back(shard.OffsetOf(*shard.PlaceOf(kvcache::UnpackSlot(word).location)).bytes);
  }

  ShardMemory memory;
  uint64_t headers_at = 0;
  uint32_t segment_count = 0;
  std::vector<uint64_t> slots_at;
  std::vector<uint64_t> items_at;
};

Template& Made() {
  static Template made;
  return made;
}

// Choices of an input, for Seeds() too.
enum Part : uint8_t { kSuperblock, kSlot, kSegmentHeader, kItem, kAnywhere, kParts };
enum Way : uint8_t { kWhole, kBit, kByte, kMore, kOfAnother, kZero, kWays };
enum Step : uint8_t {
  kChange,
  kRead,
  kHold,     // A view,
  kAskHeld,  // and whether it still holds.
  kAttach,   // A reader.
  kNextOwner,
  kOwnerWrites,
  kSteps
};

class Scene {
 public:
  Scene() : memory_(SmallShard().limits.shard_bytes) {
    std::ranges::copy(Made().memory.Bytes(), memory_.Bytes().begin());
    store_ = Open(memory_);
    if (!store_->Report().is_warm) abort();
    Attach();
  }

  void Do(uint32_t step, Input& input) {
    switch (step) {
      case kChange:
        return Change(input);
      case kRead:
        return Read(KeyOf(input.Below(kKeys)));
      case kHold:
        is_held_ = reader_ && reader_->Look(KeyOf(input.Below(kKeys)), held_) == ReadResult::kHit;
        return;
      case kAskHeld:
        if (is_held_ && reader_->StillValid(held_)) Touch(held_);
        return;
      case kAttach:
        return Attach();
      case kNextOwner:
        store_ = Open(memory_);
        return;
      default:
        return Write(input);
    }
  }

  void ReadAll() {
    for (uint32_t i = 0; i < kKeys; ++i) Read(KeyOf(i));
    ReadMany();
  }

  // Nobody lies any more.
  void End() {
    store_ = Open(memory_);
    if (store_->Set("fresh", "value", 0, 0).result != StoreResult::kStored) abort();
    StoredValue stored;
    if (!store_->Get("fresh", stored) || stored.value != "value") abort();
    Attach();
    std::string value;
    Found found;
    if (!reader_ || reader_->Get("fresh", value, found) != ReadResult::kHit) abort();
    if (value != "value") abort();
    ReadAll();
  }

 private:
  void Attach() {
    is_held_ = false;
    auto reader = Reader::Attach(memory_.Bytes(), [] { return int64_t{0}; });
    reader_.reset();
    if (!reader.ok()) return;
    reader_ = *std::move(reader);
    reader_->OwnerWasHeard();
  }

  uint64_t At(Input& input) {
    const auto within = [&input](const std::vector<uint64_t>& places) {
      return places[input.Below(static_cast<uint32_t>(places.size()))];
    };
    switch (input.Below(kParts)) {
      case kSuperblock:
        return input.Below(sizeof(Superblock) / kWordBytes) * kWordBytes;
      case kSlot:
        return within(Made().slots_at);
      case kSegmentHeader:
        return Made().headers_at + input.Below(Made().segment_count) * kCacheLineBytes +
               input.Below(3) * kWordBytes;
      case kItem:
        return within(Made().items_at) + input.Below(4) * kWordBytes;
      default:
        return input.Below(static_cast<uint32_t>(memory_.Bytes().size() / kWordBytes)) * kWordBytes;
    }
  }

  uint64_t WordAt(uint64_t at) {
    uint64_t word;
    memcpy(&word, memory_.Bytes().data() + at, sizeof(word));
    return word;
  }

  uint64_t Changed(uint64_t word, Input& input) {
    switch (input.Below(kWays)) {
      case kWhole:
        return input.Number<uint64_t>();
      case kBit:
        return word ^ uint64_t { 1 } << input.Below(64);
      case kByte: {
        const uint32_t shift = 8 * input.Below(8);
        return (word & ~(uint64_t{0xff} << shift)) | uint64_t{input.Byte()} << shift;
      }
      case kMore:
        return word + input.Byte();
      case kOfAnother:
        return WordAt(At(input));
      default:
        return 0;
    }
  }

  void Change(Input& input) {
    const uint64_t at = At(input);
    const uint64_t word = Changed(WordAt(at), input);
    memcpy(memory_.Bytes().data() + at, &word, sizeof(word));
  }

  // That these bytes may be read.
  void Touch(const View& view) {
    const std::span<const std::byte> all = memory_.Bytes();
    const std::span<const std::byte> value = view.value;
    if (value.data() < all.data() || value.size() > all.size()) abort();
    if (static_cast<size_t>(value.data() - all.data()) > all.size() - value.size()) abort();
    if (value.size() != view.found.value_bytes) abort();
  }

  // In each way. Nothing changes meanwhile, so all of them say the same.
  void Read(const std::string& key) {
    if (!reader_) return;
    View view;
    const ReadResult looked = reader_->Look(key, view);
    std::string value;
    Found found;
    const ReadResult got = reader_->Get(key, value, found);
    std::array<std::byte, 100> buffer;
    Found found_too;
    const ReadResult got_too = reader_->Get(key, buffer, found_too);
    const ReadResult described = reader_->Describe(key, found_too);
    if (value.size() > memory_.Bytes().size()) abort();
    if (looked == ReadResult::kHit) Touch(view);
    if (loads_are_hostile) return;
    if (got != looked || described != looked) abort();
    const bool is_too_large = looked == ReadResult::kHit && value.size() > buffer.size();
    if (got_too != (is_too_large ? ReadResult::kTooSmall : looked)) abort();
    if (looked != ReadResult::kHit) return;
    if (!reader_->StillValid(view) || !IsWhole(key, view, value)) abort();
    if (!is_too_large && memcmp(buffer.data(), value.data(), value.size()) != 0) abort();
    if (found.cas != view.found.cas || found_too.cas != found.cas) abort();
  }

  // Whether that is the value of an item of that key.
  static bool IsWhole(const std::string& key, const View& view, const std::string& value) {
    return value.size() == view.value.size() &&
           memcmp(value.data(), view.value.data(), value.size()) == 0 &&
           memcmp(view.value.data() - key.size(), key.data(), key.size()) == 0;
  }

  void ReadMany() {
    if (!reader_) return;
    std::array<std::string, kKeys> keys;
    std::array<std::string_view, kKeys> views;
    for (uint32_t i = 0; i < kKeys; ++i) views[i] = keys[i] = KeyOf(i);
    std::vector<ManyAnswer> answers(kKeys);
    reader_->GetMany(views, answers);
    for (uint32_t i = 0; i < kKeys && !loads_are_hostile; ++i) {
      std::string value;
      Found found;
      if (reader_->Get(keys[i], value, found) != answers[i].result) abort();
      if (answers[i].result == ReadResult::kHit && answers[i].value != value) abort();
    }
  }

  void Write(Input& input) {
    const std::string key = KeyOf(input.Below(kKeys));
    switch (input.Below(8)) {
      case 0:
        store_->Touched(input.Number<uint64_t>());
        break;
      case 1:
        store_->Append(key, "more");
        break;
      case 2:
        store_->Touch(key, input.Byte());
        break;
      case 3:
        store_->Delete(key);
        break;
      case 4:
        store_->FlushAll(0);
        break;
      default:
        store_->Set(key, std::string(input.Below(3000), 'w'), 0, input.Below(2) * 100);
    }
    StoredValue stored;
    store_->Get(key, stored);
    if (stored.value.size() > memory_.Bytes().size()) abort();
    store_->Tick();
  }

  ShardMemory memory_;
  std::unique_ptr<Store> store_;
  std::optional<Reader> reader_;
  View held_;
  bool is_held_ = false;
};

// Input from which a seed is made.
template <typename... Numbers>
void Add(Bytes& bytes, Numbers... numbers) {
  (bytes.push_back(static_cast<uint8_t>(numbers)), ...);
}

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  Scene scene;
  {
    const HostileLoads hostile(input);
    while (!input.IsEmpty()) scene.Do(input.Below(kSteps), input);
    scene.ReadAll();
  }
  scene.End();
}

std::vector<Bytes> Seeds() {
  std::vector<Bytes> seeds;
  for (uint8_t part = 0; part < kParts; ++part) {
    Bytes seed;
    for (uint8_t way = 0; way < kWays; ++way) {
      // Which one, and which word of it; what the change needs; one more, which no change needs.
      Add(seed, kChange, part, 3 * way + 2, way % 3, way, 1, 9);
      Add(seed, kRead, way, kHold, way + 1, kOwnerWrites, way, way, 9, 9, 1, kAskHeld);
    }
    Add(seed, kNextOwner, kRead, 1, kAttach, kRead, 2);
    seeds.push_back(seed);
  }
  return seeds;
}

}  // namespace tombolo::fuzz

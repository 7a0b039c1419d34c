// The owner dies after each instruction that changes the shard, in the middle of each operation.
// What it leaves is opened by another owner: every key is as it was before the operation or as it
// is after it. A reader that was there all the time reads the same.
//
// The operation runs in a child, one instruction at a time (tests/crash/stepper.h). Nobody needs to
// be killed for that: a copy of the memory at that instruction is what the next owner would find.
#include <string.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kvcache/client/reader.h"
#include "kvcache/layout/item.h"
#include "kvcache/store/store.h"
#include "tests/crash/stepper.h"
#include "tests/kvcache/shard_memory.h"
#include "tests/kvcache/shared_mapping.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kBytes = 32 * kKiB;
constexpr uint32_t kNowS = 1'700'000'000;

using Contents = std::map<std::string, std::string>;

constexpr uint64_t kItemBytes = 100;
constexpr uint64_t kItemBytesForFewSlots = 1000;

StoreOptions Options(uint64_t expected_item_bytes) {
  return {.limits = {.shard_bytes = kBytes,
                     .expected_item_bytes = expected_item_bytes,
                     .segment_bytes = 4 * kKiB,
                     .item_max_bytes = 2048},
          .hash_seed = 17};
}

std::unique_ptr<Store> OpenStore(std::span<std::byte> memory, const StoreOptions& options) {
  auto store = Store::Open(memory, options, [] { return kNowS; });
  EXPECT_TRUE(store.ok()) << store.status().ToString();
  return *std::move(store);
}

struct KillCase {
  const char* name = "";
  std::function<void(Store&)> prepare = {};
  std::function<void(Store&)> operate = {};
  bool may_lose = false;  // Keys that an eviction takes away, wholly or half way.
  uint64_t item_bytes = kItemBytes;
  // Instead of `operate`: another owner opens the shard, for items of so many bytes.
  uint64_t heirs_item_bytes = 0;
};

void PrintTo(const KillCase& which, std::ostream* out) { *out << which.name; }

std::string ValueOf(const std::string& key) { return key + std::string(90, '.'); }

void SetSome(Store& store, const std::string& name, int count) {
  for (int i = 0; i < count; ++i) {
    const std::string key = name + std::to_string(i);
    store.Set(key, ValueOf(key), 0, 0);
  }
}

// Until the next item that is written has to evict.
void FillUp(Store& store) {
  SetSome(store, "old", 20);
  for (int i = 0; i < 10; ++i) store.Touched(static_cast<uint64_t>(i) * 3);
  for (int i = 0; store.Counters().recycled_segments == 0 && i < 1000; ++i) {
    const std::string key = "new" + std::to_string(i % 30);
    store.Set(key, ValueOf(key), 0, 0);
  }
}

// How many keys go in before one makes an item move to its second bucket.
int KeysBeforeAMove() {
  ShardMemory memory(kBytes);
  const auto store = OpenStore(memory.Bytes(), Options(kItemBytesForFewSlots));
  int keys = 0;
  while (keys < 40 && store->Counters().moved_items == 0) {
    const std::string key = "key" + std::to_string(keys++);
    store->Set(key, ValueOf(key), 0, 0);
  }
  EXPECT_EQ(store->Counters().moved_items, 1u);
  EXPECT_EQ(store->Counters().displaced_items, 0u);
  return keys - 1;
}

const KillCase kCases[] = {
    {.name = "SetOfANewKey",
     .prepare = [](Store& store) { SetSome(store, "other", 5); },
     .operate = [](Store& store) { store.Set("key", ValueOf("key"), 1, 0); }},
    {.name = "SetOfAKeyThatIsThere",
     .prepare = [](Store& store) { SetSome(store, "key", 5); },
     .operate = [](Store& store) { store.Set("key3", "after", 1, 0); }},
    {.name = "TheFirstSet", .operate = [](Store& store) { store.Set("key0", "value", 1, 0); }},
    {.name = "SetThatOpensASegment",
     .prepare = [](Store& store) { SetSome(store, "other", 30); },
     .operate = [](Store& store) { store.Set("key0", std::string(1500, 'x'), 1, 0); }},
    {.name = "Append",
     .prepare = [](Store& store) { SetSome(store, "key", 3); },
     .operate = [](Store& store) { store.Append("key1", "more"); }},
    {.name = "Incr",
     .prepare = [](Store& store) { store.Set("key0", "41", 0, 0); },
     .operate = [](Store& store) { store.Incr("key0", 1); }},
    {.name = "Delete",
     .prepare = [](Store& store) { SetSome(store, "key", 3); },
     .operate = [](Store& store) { store.Delete("key1"); }},
    {.name = "Touch",
     .prepare = [](Store& store) { SetSome(store, "key", 3); },
     .operate = [](Store& store) { store.Touch("key1", -1); }},
    {.name = "LeavingItStale",
     .prepare = [](Store& store) { SetSome(store, "key", 3); },
     .operate =
         [](Store& store) { store.Remove({.key = "key1", .leaves_stale = true, .exptime = 9}); }},
    {.name = "VisitThatChangesExpiryAndMarks",
     .prepare = [](Store& store) { SetSome(store, "key", 3); },
     .operate =
         [](Store& store) {
           StoredValue seen;
           store.Visit({.key = "key1", .use = GetUse::kCounts, .exptime = -1}, seen);
         }},
    {.name = "VisitThatMakes",
     .prepare = [](Store& store) { SetSome(store, "key", 3); },
     .operate =
         [](Store& store) {
           StoredValue seen;
           store.Visit({.key = "key", .makes = 100}, seen);
         }},
    {.name = "Flush",
     .prepare = [](Store& store) { store.Set("key0", "value", 0, 0); },
     .operate = [](Store& store) { store.FlushAll(0); }},
    {.name = "Eviction",
     .prepare = FillUp,
     .operate =
         [](Store& store) {
           for (int i = 0; i < 4; ++i) store.Set("key0", std::string(1000, 'x'), 0, 0);
         },
     .may_lose = true},
    {.name = "EvictionWithSurvivors",
     .prepare =
         [](Store& store) {
           FillUp(store);
           StoredValue value;
           for (int i = 0; i < 30; ++i) store.Get("new" + std::to_string(i), value);
         },
     .operate =
         [](Store& store) {
           for (int i = 0; i < 4; ++i) store.Set("key0", std::string(1000, 'x'), 0, 0);
         },
     .may_lose = true},
    {.name = "SetThatMovesAnItem",
     .prepare = [](Store& store) { SetSome(store, "key", KeysBeforeAMove()); },
     .operate =
         [](Store& store) {
           const std::string key = "key" + std::to_string(store.ItemCount());
           store.Set(key, ValueOf(key), 0, 0);
         },
     .item_bytes = kItemBytesForFewSlots},
    {.name = "WarmRestart",
     .prepare = [](Store& store) { SetSome(store, "key", 40); },
     .heirs_item_bytes = kItemBytes},
    {.name = "ColdStartInAnotherShape",
     .prepare = [](Store& store) { SetSome(store, "key", 40); },
     .may_lose = true,
     .heirs_item_bytes = 40},
};

class KillStepsTest : public testing::TestWithParam<KillCase> {
 protected:
  StoreOptions NextOptions() const {
    const uint64_t item_bytes = GetParam().heirs_item_bytes;
    return item_bytes == 0 ? OwnOptions() : Options(item_bytes);
  }
  static StoreOptions OwnOptions() { return Options(GetParam().item_bytes); }

  void Operate(std::unique_ptr<Store>& store) {
    if (GetParam().operate) return GetParam().operate(*store);
    store = OpenStore(shared_.Bytes(), NextOptions());
  }

  static std::vector<std::string> AllKeys() {
    std::vector<std::string> keys = {"key"};
    for (const char* name : {"key", "other", "old", "new"}) {
      for (int i = 0; i < 40; ++i) keys.push_back(name + std::to_string(i));
    }
    return keys;
  }

  static Contents ContentsOf(Store& store) {
    Contents contents;
    StoredValue value;
    for (const std::string& key : AllKeys()) {
      if (store.Get(key, value)) contents[key] = value.value;
    }
    return contents;
  }

  // What another owner finds in a copy of the memory.
  Contents Inherit(const StoreOptions& options) {
    memcpy(copy_.Bytes().data(), shared_.Bytes().data(), kBytes);
    const auto heir = OpenStore(copy_.Bytes(), options);
    Contents contents = ContentsOf(*heir);
    EXPECT_EQ(heir->ItemCount(), contents.size());
    EXPECT_TRUE(heir->Report().is_warm || contents.empty());
    // It works, and the one after it finds the same.
    const auto next = OpenStore(copy_.Bytes(), options);
    EXPECT_EQ(ContentsOf(*next), contents);
    EXPECT_EQ(next->Set("fresh", "value", 0, 0).result, StoreResult::kStored);
    StoredValue value;
    EXPECT_TRUE(next->Get("fresh", value));
    return contents;
  }

  static const std::string* Find(const Contents& contents, const std::string& key) {
    const auto found = contents.find(key);
    return found == contents.end() ? nullptr : &found->second;
  }

  bool IsLegal(const std::string& key, const std::string* seen) const {
    const std::string* before = Find(before_, key);
    const std::string* after = Find(after_, key);
    if (seen != nullptr) {
      return (before != nullptr && *seen == *before) || (after != nullptr && *seen == *after);
    }
    return before == nullptr || after == nullptr || GetParam().may_lose;
  }

  void CheckHere(Reader& reader) {
    const Contents inherited = Inherit(NextOptions());
    for (const std::string& key : AllKeys()) {
      EXPECT_TRUE(IsLegal(key, Find(inherited, key))) << key << " for the next owner";
      std::string value;
      Found found;
      const ReadResult result = reader.Get(key, value, found);
      // Whoever asks the owner, who is dead, gets no wrong answer.
      if (result == ReadResult::kAskOwner) continue;
      EXPECT_TRUE(IsLegal(key, result == ReadResult::kHit ? &value : nullptr))
          << key << " for a reader";
    }
  }

  SharedMapping shared_{kBytes};
  ShardMemory copy_{kBytes};
  Contents before_;
  Contents after_;
};

TEST_P(KillStepsTest, LeavesEveryKeyAsItWasOrAsItIs) {
  auto store = OpenStore(shared_.Bytes(), OwnOptions());
  if (GetParam().prepare) GetParam().prepare(*store);
  before_ = Inherit(OwnOptions());
  const std::vector<std::byte> start(shared_.Bytes().begin(), shared_.Bytes().end());
  // Once in a child at full speed, to see what it comes to.
  {
    crash::Stepper dress_rehearsal([&] { Operate(store); });
    while (dress_rehearsal.Step()) continue;
    after_ = Inherit(NextOptions());
  }
  memcpy(shared_.Bytes().data(), start.data(), kBytes);
  auto reader = Reader::Attach(shared_.Bytes(), [] { return int64_t{0}; });
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  reader->OwnerWasHeard();
  std::vector<std::byte> last = start;
  crash::Stepper stepper([&] { Operate(store); });
  int points = 0;
  while (stepper.Step() && !HasFailure()) {
    if (memcmp(last.data(), shared_.Bytes().data(), kBytes) == 0) continue;
    memcpy(last.data(), shared_.Bytes().data(), kBytes);
    ++points;
    SCOPED_TRACE(testing::Message() << "point " << points << " in " << stepper.Where());
    CheckHere(*reader);
  }
  EXPECT_GT(points, 0);
  RecordProperty("points", points);
  printf("%d points\n", points);
}

INSTANTIATE_TEST_SUITE_P(All, KillStepsTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tombolo::kvcache

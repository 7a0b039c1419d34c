// A reader is stopped at every ninth of its instructions, and while it stands still the owner
// rewrites the shard: the read must end with the value as it was or as it is, whole. Built a second
// time with a reader that does not look again after its copy, which must be caught.
#include <string.h>

#include <array>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "kvcache/client/reader.h"
#include "kvcache/layout/bucket.h"
#include "kvcache/store/store.h"
#include "tests/crash/stepper.h"
#include "tests/kvcache/shared_mapping.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kBytes = 28 * kKiB;
constexpr size_t kValueBytes = 100;
constexpr int kMaxInstructions = 100'000;
constexpr int kStride = 9;  // All of them take a minute.

const StoreOptions kOptions = {.limits = {.shard_bytes = kBytes,
                                          .expected_item_bytes = 500,
                                          .segment_bytes = 4 * kKiB,
                                          .item_max_bytes = 4 * kKiB},
                               .hash_seed = 17};

std::string ValueOf(int version) {
  return std::string(kValueBytes, static_cast<char>('A' + version % 50));
}

// What the reader found, told through shared memory.
struct Told {
  ReadResult result;
  std::array<std::byte, kValueBytes> value;
};

constexpr int kGone = 0;

struct Interference {
  const char* name = "";
  // Gives the version of the key afterwards.
  std::function<int(Store&, Reader&)> act = {};
};

void PrintTo(const Interference& which, std::ostream* out) { *out << which.name; }

int SetOften(Store& store, int versions) {
  for (int version = 2; version <= versions; ++version) store.Set("key", ValueOf(version), 0, 0);
  return versions;
}

uint64_t SlotWord(Reader& reader) {
  View view;
  EXPECT_EQ(reader.Look("key", view), ReadResult::kHit);
  return view.token.slot_word;
}

// Until the key's slot is the same word again: same place, and 256 generations later. The key's
// item lay behind another one, so now and then one is stored that is as large as that.
int SetUntilTheSlotRepeats(Store& store, Reader& reader) {
  constexpr int kMostVersions = 1'000'000;
  const uint64_t word = SlotWord(reader);
  std::minstd_rand random(1);
  for (int version = 2; version < kMostVersions; ++version) {
    if (random() % 2 == 0) store.Set("before", "it", 0, 0);
    store.Set("key", ValueOf(version), 0, 0);
    if (SlotWord(reader) == word && ValueOf(version) != ValueOf(1)) return version;
  }
  ADD_FAILURE() << "the slot did not repeat";
  return kMostVersions;
}

// A value all of whose pieces of 32 bytes look like an item with that key. It begins 32 bytes into
// its own item, so whatever item lay at a multiple of 32 has such a piece in its place.
std::string ForgedItems() {
  std::string forged;
  for (int i = 0; i < 40; ++i) {
    const uint64_t header[] = {uint64_t{3} << 32 | 100, 0, UINT64_MAX};
    forged.append(reinterpret_cast<const char*>(header), sizeof(header));
    forged.append("key").append(5, '!');
  }
  return forged;
}
std::string ForgerName(int number) { return "forger" + std::to_string(10 + number % 90); }

int ForgeItems(Store& store) {
  store.Delete("key");
  for (int i = 0; i < 30; ++i) store.Set(ForgerName(i), ForgedItems(), 0, 0);
  return kGone;
}

// The slot that the reader has seen names the low 8 bits of a generation: as they are now again.
int ForgeItemsUntilTheGenerationRepeats(Store& store, Reader& reader) {
  View key;
  EXPECT_EQ(reader.Look("key", key), ReadResult::kHit);
  store.Delete("key");
  View forger;
  for (int i = 0; i < 1'000'000; ++i) {
    store.Set(ForgerName(i), ForgedItems(), 0, 0);
    EXPECT_EQ(reader.Look(ForgerName(i), forger), ReadResult::kHit);
    if (forger.token.segment != key.token.segment) continue;
    if (forger.token.generation == key.token.generation + 256) return kGone;
  }
  ADD_FAILURE() << "the generation did not repeat";
  return kGone;
}

int Delete(Store& store) {
  store.Delete("key");
  return kGone;
}

uint64_t BucketOfKey(Reader& reader) {
  Found found;
  EXPECT_EQ(reader.Describe("key", found), ReadResult::kHit);
  return found.slot / kBucketSlots;
}

constexpr int kOthers = 40;  // With them the index is as full as it may be.

// Other keys come and go, until both buckets of one of them are full and the key makes room.
int MoveTheKey(Store& store, Reader& reader) {
  const uint64_t before = BucketOfKey(reader);
  for (int i = 0; i < 10'000; ++i) {
    store.Set("other" + std::to_string(i), "x", 0, 0);
    store.Delete("other" + std::to_string(i - kOthers));
    if (BucketOfKey(reader) != before) return 1;
    // Neither displaced by another nor evicted.
    StoredValue value;
    store.Get("key", value);
  }
  ADD_FAILURE() << "the key did not move";
  return 1;
}

const Interference kInterferences[] = {
    {"Replaces", [](Store& store, Reader&) { return SetOften(store, 2); }},
    {"Deletes", [](Store& store, Reader&) { return Delete(store); }},
    {"Recycles", [](Store& store, Reader&) { return SetOften(store, 100); }},
    {"RecyclesUntilTheSlotRepeats", SetUntilTheSlotRepeats},
    {"MovesTheKey", MoveTheKey},
    {"ForgesItems", [](Store& store, Reader&) { return ForgeItems(store); }},
    {"ForgesItemsUntilTheGenerationRepeats", ForgeItemsUntilTheGenerationRepeats},
};

class ReadStepsTest : public testing::TestWithParam<Interference> {
 protected:
  std::unique_ptr<Store> OpenStore() {
    auto store = Store::Open(shard_.Bytes(), kOptions, [] { return 1000u; });
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    return *std::move(store);
  }

  // One read that is interfered with after `instructions`; false: it had ended by then.
  bool ReadOnce(int instructions) {
    memset(shard_.Bytes().data(), 0, kBytes);
    const auto store = OpenStore();
    // Of 32 bytes, after which the key's item lies: ForgedItems().
    store->Set("before", "it", 0, 0);
    store->Set("key", ValueOf(1), 0, 0);
    auto reader = Reader::Attach(shard_.Bytes(), [] { return int64_t{0}; });
    EXPECT_TRUE(reader.ok()) << reader.status().ToString();
    reader->OwnerWasHeard();
    Found found;
    crash::Stepper stepper([&] { TheTold().result = reader->Get("key", TheTold().value, found); });
    for (int i = 0; i < instructions; ++i) {
      if (!stepper.Step()) return false;
    }
    last_version_ = GetParam().act(*store, *reader);
    while (stepper.Step()) continue;
    if (!IsLegal()) ++wrong_;
    return true;
  }

  bool IsLegal() {
    if (TheTold().result == ReadResult::kMiss) return last_version_ == kGone;
    if (TheTold().result != ReadResult::kHit) return false;
    const std::string_view value(reinterpret_cast<const char*>(TheTold().value.data()),
                                 kValueBytes);
    if (value == ValueOf(1)) return true;
    return last_version_ != kGone && value == ValueOf(last_version_);
  }

  Told& TheTold() { return *reinterpret_cast<Told*>(told_.Bytes().data()); }

  void ReadInterruptedEverywhere() {
    int instructions = 0;
    while (instructions < kMaxInstructions && ReadOnce(instructions)) instructions += kStride;
    EXPECT_GT(instructions, 100);
    EXPECT_LT(instructions, kMaxInstructions);
  }

  SharedMapping shard_{kBytes};
  SharedMapping told_{sizeof(Told)};
  int last_version_ = kGone;
  int wrong_ = 0;
};

#ifdef EXPECT_TORN_READS
TEST_P(ReadStepsTest, AReaderThatDoesNotLookAgainIsCaught) {
  ReadInterruptedEverywhere();
  EXPECT_GT(wrong_, 0);
}

INSTANTIATE_TEST_SUITE_P(Recycling, ReadStepsTest,
                         testing::Values(kInterferences[2], kInterferences[5]),
                         [](const auto& info) { return std::string(info.param.name); });
#else
TEST_P(ReadStepsTest, EndsWithTheValueAsItWasOrAsItIs) {
  ReadInterruptedEverywhere();
  EXPECT_EQ(wrong_, 0);
}

INSTANTIATE_TEST_SUITE_P(All, ReadStepsTest, testing::ValuesIn(kInterferences),
                         [](const auto& info) { return std::string(info.param.name); });
#endif

}  // namespace
}  // namespace tombolo::kvcache

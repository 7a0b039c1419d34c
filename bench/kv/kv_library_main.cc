// kv_library ROUNDS NAME=ADDRESS...: gets through kvcache's Reader, with small and with large
// pages, alone and while the owner writes; and gets of servers of memcached's text protocol, one
// connection, one request after the other. ADDRESS: as in kv_front.
// Prints a line for each measurement and round, in the form of transport_pair; ratios are of one
// round.
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/kv/asked_keys.h"
#include "bench/kv/owned_shard.h"
#include "bench/kv/text_client.h"
#include "bench/transport/cores.h"
#include "bench/transport/require.h"
#include "kvcache/client/reader.h"
#include "kvcache/layout/item.h"
#include "kvcache/shard/geometry.h"
#include "kvcache/shard/item_bytes.h"
#include "kvcache/shard/shard_parts.h"
#include "kvcache/store/store.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::bench {
namespace {

using kvcache::Found;
using kvcache::Reader;

constexpr size_t kGets = 200'000;         // Of one measurement.
constexpr size_t kSets = 20'000;          // The same by the owner.
constexpr size_t kTimedGets = 50'000;     // The same, each by itself.
constexpr size_t kServerGets = 500;       // Of each server.
constexpr size_t kAsked = 10 * kGets;     // Different ones: a round takes those after the last.
constexpr size_t kBatch = 64;             // Of a GetMany.
constexpr size_t kGetsPerSet = 9;         // Of ten requests one is a write.
constexpr int64_t kSetPeriodNs = 10'000;  // 100,000 in a second.

struct Quantile {
  const char* name;
  size_t slower_one_of;  // One of so many is slower.
};
constexpr Quantile kQuantiles[] = {{"p50", 2}, {"p90", 10}, {"p99", 100}, {"p99.9", 1000}};

void Print(const std::string& name, double value, const char* unit, bool is_disturbed = false) {
  printf("{\"name\": \"%s\", \"unit\": \"%s\", \"value\": %.9g, \"disturbed\": %s}\n", name.c_str(),
         unit, value, is_disturbed ? "true" : "false");
}

// Prints how often in a second `work` was done, which does it `count` times.
template <typename Work>
void PrintRate(const std::string& name, size_t count, Work work) {
  const uint64_t preempted = TimesPreempted();
  const int64_t begin_ns = MonotonicNs();
  work();
  const double seconds = static_cast<double>(MonotonicNs() - begin_ns) / kNsPerSecond;
  Print(name, static_cast<double>(count) / seconds, "/s", TimesPreempted() != preempted);
}

// Times each call of `work(i)`, and prints quantiles. The clock's own time is in them.
template <typename Work>
void PrintTimes(const std::string& name, size_t count, Work work) {
  std::vector<int64_t> ns(count);
  const uint64_t preempted = TimesPreempted();
  for (size_t i = 0; i < count; ++i) {
    const int64_t begin_ns = MonotonicNs();
    work(i);
    ns[i] = MonotonicNs() - begin_ns;
  }
  const bool is_disturbed = TimesPreempted() != preempted;
  std::sort(ns.begin(), ns.end());
  for (const Quantile& quantile : kQuantiles) {
    const size_t rank = count - 1 - count / quantile.slower_one_of;
    Print(name + "/" + quantile.name, static_cast<double>(ns[rank]), "ns", is_disturbed);
  }
}

// What a get cannot do without: a word of the index, and the item that it leads to.
class BarePairs {
 public:
  explicit BarePairs(const OwnedShard& shard) : view_(shard.Memory(), shard.Geometry()) {}

  void Clear() { slots_.clear(); }
  void Add(uint64_t slot) { slots_.push_back(static_cast<uint32_t>(slot)); }

  uint64_t ReadAll() const {
    uint64_t sum = 0;
    for (const uint32_t slot : slots_) {
      const auto& bucket = view_.BucketAt(slot / kvcache::kBucketSlots);
      // Relaxed: nobody writes.
      const uint64_t word =
          bucket.slots[slot % kvcache::kBucketSlots].load(std::memory_order_relaxed);
      const auto place = view_.PlaceOf(kvcache::UnpackSlot(word).location);
      if (place) sum += kvcache::LoadItemHeader(view_.At(*place)).cas;
    }
    return sum;
  }

 private:
  kvcache::ShardView view_;
  std::vector<uint32_t> slots_;
};

// A shard with its reader, and everything that is measured of it.
class Library {
 public:
  Library(std::string name, Pages pages, std::span<const Key> keys, int core)
      : name_(std::move(name)),
        keys_(keys),
        shard_(pages, core),
        reader_(shard_.MakeReader()),
        pairs_(shard_) {}

  bool HasPages() const { return shard_.HasPages(); }

  // What a measurement asks for is there, as it is for whoever fills a cache after each miss.
  void FindAll(size_t from) {
    pairs_.Clear();
    for (const Key& key : keys_.subspan(from, kGets)) {
      if (reader_.Describe(key.View(), found_) != kvcache::ReadResult::kHit) {
        Set(key);
        if (reader_.Describe(key.View(), found_) != kvcache::ReadResult::kHit) Fail("no item");
      }
      pairs_.Add(found_.slot);
    }
  }

  void MeasureAlone(size_t from) {
    PrintRate(name_ + "/pairs", kGets, [&] { sum_ += pairs_.ReadAll(); });
    PrintRate(name_ + "/get", kGets, [&] { GetAll(from, kGets); });
    PrintRate(name_ + "/many", kGets, [&] { GetMany(from, kGets); });
    PrintRate(name_ + "/set", kSets, [&] { SetAll(from, kSets); });
    PrintTimes(name_ + "/get", kTimedGets, [&](size_t i) { GetAll(from + i, 1); });
  }

  void MeasureBesideAWriter(size_t from) {
    shard_.WriteEvery(kSetPeriodNs, keys_);
    const int64_t begin_ns = MonotonicNs();
    PrintTimes(name_ + "/written", kTimedGets, [&](size_t i) { GetAll(from + i, 1); });
    const double seconds = static_cast<double>(MonotonicNs() - begin_ns) / kNsPerSecond;
    Print(name_ + "/written/sets", static_cast<double>(shard_.Rest()) / seconds, "/s");
  }

  // Every tenth request is a set, at the same time on the owner's core.
  void MeasureFallbacks(size_t from) {
    const kvcache::ReaderCounters before = reader_.Counters();
    shard_.WriteWhatIsOwed(keys_);
    for (size_t done = 0; done < kGets; done += kGetsPerSet) {
      shard_.Owe(1);
      GetAll(from + done, std::min(kGetsPerSet, kGets - done));
    }
    const double sets = static_cast<double>(shard_.Rest());
    const kvcache::ReaderCounters& after = reader_.Counters();
    const double gets = kGets;
    Print(name_ + "/mixed/fallbacks",
          static_cast<double>(after.fallbacks - before.fallbacks) / gets, "");
    Print(name_ + "/mixed/retries", static_cast<double>(after.retries - before.retries) / gets, "");
    Print(name_ + "/mixed/sets", sets / (sets + gets), "");
  }

 private:
  void GetAll(size_t from, size_t count) {
    for (const Key& key : keys_.subspan(from, count)) reader_.Get(key.View(), buffer_, found_);
  }

  void SetAll(size_t from, size_t count) {
    for (const Key& key : keys_.subspan(from, count)) Set(key);
  }

  void Set(const Key& key) { shard_.TheStore().Set(key.View(), value_, 0, 0); }

  void GetMany(size_t from, size_t count) {
    for (size_t i = from; i < from + count; i += kBatch) {
      const size_t size = std::min(kBatch, from + count - i);
      for (size_t j = 0; j < size; ++j) batch_[j] = keys_[i + j].View();
      reader_.GetMany(std::span(batch_).first(size), answers_);
    }
  }

  const std::string name_;
  std::span<const Key> keys_;
  OwnedShard shard_;
  Reader reader_;
  BarePairs pairs_;
  std::array<std::byte, kValueBytes> buffer_ = {};
  Found found_;
  const std::string value_ = std::string(kValueBytes, 'v');
  std::vector<std::string_view> batch_ = std::vector<std::string_view>(kBatch);
  std::vector<kvcache::ManyAnswer> answers_ = std::vector<kvcache::ManyAnswer>(kBatch);
  uint64_t sum_ = 0;
};

// A server of memcached's text protocol, with one item for each key that it is asked for.
class Server {
 public:
  Server(const std::string& name, const std::string& address) : name_(name), client_(address, 1) {
    for (size_t i = 0; i < kServerGets; ++i) {
      const std::string key(KeyOf(i).View());
      const std::string bytes = std::to_string(kValueBytes);
      const std::string value(kValueBytes, 'v');
      client_.Ask({"set " + key + " 0 0 " + bytes + "\r\n" + value + "\r\n"},
                  std::string_view("STORED\r\n").size(), 1);
      requests_.push_back({"get " + key + "\r\n"});
      answer_bytes_ = ("VALUE " + key + " 0 " + bytes + "\r\n" + value + "\r\nEND\r\n").size();
    }
  }

  void Measure() {
    PrintTimes(name_ + "/get", kServerGets,
               [&](size_t i) { client_.Ask(requests_[i], answer_bytes_, 1); });
  }

 private:
  const std::string name_;
  TextClient client_;
  std::vector<std::vector<std::string>> requests_;
  size_t answer_bytes_ = 0;
};

// Of a shard that is full, and goes on being filled with items that are written once: there is one
// segment less or more of them at different times.
double MeanItemCount(kvcache::Store& store) {
  constexpr size_t kSetsPerLook = 1000;
  constexpr size_t kLooks = kItems / kSetsPerLook;
  const std::string value(kValueBytes, 'v');
  size_t key = kItems;
  for (size_t i = 0; i < 3 * kItems; ++i) store.Set(KeyOf(key++).View(), value, 0, 0);
  double sum = 0;
  for (size_t look = 0; look < kLooks; ++look) {
    for (size_t i = 0; i < kSetsPerLook; ++i) store.Set(KeyOf(key++).View(), value, 0, 0);
    sum += static_cast<double>(store.ItemCount());
  }
  return sum / static_cast<double>(kLooks);
}

// How many bytes of a shard an item takes over those of its key and value; and how long the next
// owner takes for one of a GiB. Not of a shard that was measured with: rewritten items are in it.
void PrintFullShard(int core) {
  OwnedShard shard(Pages::kSmall, core);
  kvcache::Store& store = shard.TheStore();
  const double item_count = MeanItemCount(store);
  const kvcache::ShardGeometry& geometry = store.Geometry();
  const double usable = static_cast<double>(geometry.shape.segment_count) *
                        static_cast<double>(geometry.shape.segment_bytes);
  const double whole = static_cast<double>(geometry.end.bytes);
  const double item = static_cast<double>(kvcache::ItemBytes(kKeyBytes, kValueBytes));
  const double own = kKeyBytes + kValueBytes;
  Print("overhead/layout", item * whole / usable - own, "B");
  Print("overhead/full", whole / item_count - own, "B");
  Print("restart/gib", shard.ReopenMs() * static_cast<double>(kGiB) / whole * kNsPerMs, "ns");
}

int Main(int argc, char** argv) {
  if (argc < 2) Fail("usage: kv_library ROUNDS NAME=ADDRESS...");
  const size_t rounds = static_cast<size_t>(atoi(argv[1]));
  const std::vector<int> cores = AllowedCores();
  const std::vector<Key> keys = AskedKeys(kAsked, /*seed=*/1);
  std::vector<std::unique_ptr<Server>> servers;
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const size_t sign = word.find('=');
    if (sign == std::string::npos) Fail("a server is NAME=ADDRESS");
    servers.push_back(std::make_unique<Server>(word.substr(0, sign), word.substr(sign + 1)));
  }
  PinTo(cores.back());
  Library small("small", Pages::kSmall, keys, cores.front());
  Library large("large", Pages::kLarge, keys, cores.front());
  if (!large.HasPages()) fprintf(stderr, "warning: no large pages are to be had here\n");
  for (size_t round = 0; round < rounds; ++round) {
    const size_t from = round * kGets % kAsked;
    for (const auto& server : servers) server->Measure();
    for (Library* library : {&small, &large}) {
      library->FindAll(from);
      library->MeasureAlone(from);
      library->MeasureBesideAWriter(from);
      library->MeasureFallbacks(from);
    }
  }
  PrintFullShard(cores.front());
  return 0;
}

}  // namespace
}  // namespace tombolo::bench

int main(int argc, char** argv) { return tombolo::bench::Main(argc, argv); }

// GETs of a reader and SETs of an owner, both on this thread, and what an item costs in memory:
// keys of 16 bytes, values of 100, a million of them, asked for as in a zipf distribution of .99.
#include <stdio.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kvcache/client/reader.h"
#include "kvcache/layout/item.h"
#include "kvcache/shard/geometry.h"
#include "kvcache/store/store.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kItems = 1'000'000;
constexpr size_t kAsked = 4'000'000;
constexpr size_t kBatch = 64;
constexpr size_t kValueBytes = 100;
constexpr size_t kKeyBytes = 16;
constexpr double kSkew = 0.99;

// One after the other in memory, so that what is measured is not the way to the keys.
struct Key {
  std::array<char, kKeyBytes + 1> text;

  std::string_view View() const { return {text.data(), kKeyBytes}; }
};

Key KeyOf(size_t number) {
  Key key;
  snprintf(key.text.data(), key.text.size(), "key:%012zu", number);
  return key;
}

// Ranks of a zipf distribution, each given to some key.
std::vector<uint32_t> Zipf() {
  std::vector<double> sums(kItems);
  double sum = 0;
  for (size_t i = 0; i < kItems; ++i) sums[i] = sum += std::pow(static_cast<double>(i + 1), -kSkew);
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(0, sum);
  std::vector<uint32_t> asked(kAsked);
  for (uint32_t& which : asked) {
    const auto rank = std::lower_bound(sums.begin(), sums.end(), uniform(random)) - sums.begin();
    which = static_cast<uint32_t>(static_cast<uint64_t>(rank) * 7919 % kItems);
  }
  return asked;
}

void Row(const char* name, double value, const char* unit) {
  printf("%-40s %10.3f %s\n", name, value, unit);
}

double Millions(size_t count, int64_t ns) {
  return static_cast<double>(count) * 1e3 / static_cast<double>(ns);
}

std::unique_ptr<Store> Fill(std::span<std::byte> memory) {
  auto store = Store::Open(memory, {.limits = {.expected_item_bytes = kKeyBytes + kValueBytes}},
                           [] { return 1000u; });
  if (!store.ok()) return nullptr;
  const std::string value(kValueBytes, 'v');
  std::vector<Key> keys(kItems);
  for (size_t i = 0; i < kItems; ++i) keys[i] = KeyOf(i);
  const int64_t begin_ns = MonotonicNs();
  for (const Key& key : keys) (*store)->Set(key.View(), value, 0, 0);
  Row("SET, owner itself", Millions(kItems, MonotonicNs() - begin_ns), "M/s");
  return *std::move(store);
}

void MeasureGets(Reader& reader, std::span<const Key> keys) {
  std::array<std::byte, kValueBytes> buffer;
  Found found;
  const int64_t begin_ns = MonotonicNs();
  for (const Key& key : keys) reader.Get(key.View(), buffer, found);
  Row("GET", Millions(keys.size(), MonotonicNs() - begin_ns), "M/s");
}

void MeasureLatency(Reader& reader, std::span<const Key> keys) {
  std::array<std::byte, kValueBytes> buffer;
  Found found;
  std::vector<int64_t> ns;
  ns.reserve(keys.size());
  for (const Key& key : keys) {
    const int64_t begin_ns = MonotonicNs();
    reader.Get(key.View(), buffer, found);
    ns.push_back(MonotonicNs() - begin_ns);
  }
  std::sort(ns.begin(), ns.end());
  Row("GET p50, with the clock's own time", static_cast<double>(ns[ns.size() / 2]), "ns");
  Row("GET p99", static_cast<double>(ns[ns.size() / 100 * 99]), "ns");
}

void MeasureMany(Reader& reader, std::span<const Key> keys) {
  std::vector<ManyAnswer> answers(kBatch);
  std::vector<std::string_view> batch(kBatch);
  const int64_t begin_ns = MonotonicNs();
  for (size_t i = 0; i + kBatch <= keys.size(); i += kBatch) {
    for (size_t j = 0; j < kBatch; ++j) batch[j] = keys[i + j].View();
    reader.GetMany(batch, answers);
  }
  Row("GET, 64 at once", Millions(keys.size(), MonotonicNs() - begin_ns), "M/s");
}

// What the segments in use and their share of the index cost an item.
void MeasureOverhead(const Store& store) {
  const ShardGeometry& geometry = store.Geometry();
  const double per_byte =
      static_cast<double>(geometry.end.bytes) /
      static_cast<double>(geometry.shape.segment_count * geometry.shape.segment_bytes);
  const double in_segments = static_cast<double>(ItemBytes(kKeyBytes, kValueBytes));
  Row("bytes over key and value, 100-byte item", in_segments * per_byte - kKeyBytes - kValueBytes,
      "B");
}

void MeasureReopening(std::span<std::byte> memory) {
  const int64_t begin_ns = MonotonicNs();
  const auto store = Store::Open(
      memory, {.limits = {.expected_item_bytes = kKeyBytes + kValueBytes}}, [] { return 1000u; });
  const double ms = static_cast<double>(MonotonicNs() - begin_ns) / kNsPerMs;
  if (!store.ok() || !(*store)->Report().is_warm) return;
  const double gib = static_cast<double>(memory.size()) / kGiB;
  Row("warm restart, per GiB", ms / gib, "ms");
}

int Main() {
  constexpr size_t kBytes = 256 * kMiB;
  void* address = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) return 1;
  const std::span<std::byte> memory(static_cast<std::byte*>(address), kBytes);
  auto store = Fill(memory);
  if (store == nullptr) return 1;
  // The owner does nothing meanwhile, not even tick: only the clock of the reader must not tell.
  auto reader = Reader::Attach(memory, [] { return CoarseMonotonicNs() * 0; });
  if (!reader.ok()) return 1;
  reader->OwnerWasHeard();
  std::vector<Key> keys;
  for (const uint32_t which : Zipf()) keys.push_back(KeyOf(which));
  MeasureGets(*reader, keys);
  MeasureMany(*reader, keys);
  MeasureLatency(*reader, keys);
  Row("share of hits", static_cast<double>(reader->Counters().hits) / (3.0 * kAsked), "");
  MeasureOverhead(*store);
  store.reset();
  MeasureReopening(memory);
  return 0;
}

}  // namespace
}  // namespace tombolo::kvcache

int main() { return tombolo::kvcache::Main(); }

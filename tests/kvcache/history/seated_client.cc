#include "tests/kvcache/history/seated_client.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <utility>

#include "tests/kvcache/stamped_value.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

using Kind = Operation::Kind;

constexpr int64_t kPatienceNs = kNsPerSecond / 10;
constexpr uint32_t kOtherKeys = 200;
constexpr uint64_t kMostClients = 256;

std::string KeyOf(uint32_t number) { return "key" + std::to_string(number); }

size_t BytesOf(uint64_t version) { return 16 + version * 7919 % 12'000; }

Client OpenClient(const SeatOptions& options) {
  absl::StatusOr<Client> client = Client::Open(
      {.window = options.window, .owner = options.owner, .link = {.timeout_ns = kPatienceNs}});
  if (!client.ok()) abort();
  return *std::move(client);
}

}  // namespace

SeatedClient::SeatedClient(Seat& seat, const SeatOptions& options)
    : seat_(seat), options_(options), client_(OpenClient(options)), random_(options.seed) {}

void SeatedClient::Live() {
  while (!seat_.IsFull()) {
    Step();
    seat_.steps.fetch_add(1, std::memory_order_relaxed);
    // Others are to be met.
    sched_yield();
  }
  while (true) pause();
}

void SeatedClient::Step() {
  // While nobody answers, what memory tells is read all the more.
  if (!owner_is_there_ && (options_.window.empty() || random_() % 16 == 0)) {
    Noted(client_.Facts().status());
    return;
  }
  const auto key = static_cast<uint32_t>(random_() % kNotedKeys);
  const auto dice = owner_is_there_ ? random_() % 20 : 19;
  if (dice < 6) return Write(key);
  if (dice < 7) return Delete(key);
  if (dice < 10) return FillUp();
  Read(key);
}

bool SeatedClient::Noted(const absl::Status& status) {
  owner_is_there_ = status.ok();
  if (!owner_is_there_) seat_.errors.fetch_add(1, std::memory_order_relaxed);
  return owner_is_there_;
}

// No other client gives it, nor one that sits here later.
uint64_t SeatedClient::NextVersion() {
  return (seat_.versions.fetch_add(1, std::memory_order_relaxed) + 1) * kMostClients +
         options_.number;
}

void SeatedClient::Write(uint32_t key) {
  const uint64_t version = NextVersion();
  FillStamped(value_, {.version = version, .key = key}, BytesOf(version));
  Seat::Note& note =
      seat_.Add({.operation = {.kind = Kind::kWrite, .version = version, .begin_ns = MonotonicNs()},
                 .key = key});
  const absl::StatusOr<StoreAnswer> answer = client_.Set(KeyOf(key), value_);
  if (Noted(answer.status()) && answer->result == StoreResult::kStored) {
    note.operation.end_ns = MonotonicNs();
  }
}

void SeatedClient::Delete(uint32_t key) {
  Seat::Note& note =
      seat_.Add({.operation = {.kind = Kind::kClear, .begin_ns = MonotonicNs()}, .key = key});
  if (Noted(client_.Delete(KeyOf(key)).status())) note.operation.end_ns = MonotonicNs();
}

void SeatedClient::Read(uint32_t key) {
  const int64_t begin_ns = MonotonicNs();
  const absl::StatusOr<bool> is_there = client_.Get(KeyOf(key), item_);
  const int64_t end_ns = MonotonicNs();
  if (!is_there.ok()) {
    Noted(is_there.status());
    return;
  }
  const uint64_t version = *is_there ? VersionIn(item_.value, key, BytesOf, expected_) : 0;
  if (*is_there && version == 0) seat_.torn.fetch_add(1, std::memory_order_relaxed);
  seat_.Add({.operation = {.kind = *is_there ? Kind::kRead : Kind::kClear,
                           .version = version,
                           .begin_ns = begin_ns,
                           .end_ns = end_ns},
             .key = key});
}

void SeatedClient::FillUp() {
  value_.assign(BytesOf(random_()), 'x');
  const auto other = kNotedKeys + static_cast<uint32_t>(random_() % kOtherKeys);
  Noted(client_.Set(KeyOf(other), value_).status());
}

}  // namespace tombolo::kvcache

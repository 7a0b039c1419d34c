// Guests who say anything to the owner of a cache, all the time. Beside them one who behaves finds
// its values as it left them, and is answered; so is who comes meanwhile. What it costs in speed is
// a line of `./dev bench kv`.
//
// In the environment: HOSTILE_CONNECTIONS, how many each of them makes.
#include "tests/kvcache/guest/hostile_guest.h"

#include <limits.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "kvcache/client/client.h"
#include "kvcache/store/store_types.h"
#include "tests/kvcache/child.h"
#include "tests/kvcache/kv_process.h"
#include "tests/kvcache/shared_mapping.h"
#include "tests/support/environment.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr int kHostile = 2;
constexpr int kConnections = 2000;
constexpr uint32_t kKeys = 100;
constexpr int kGetsOfASet = 20;
constexpr int kRoundsOfAClient = 50;
constexpr int64_t kPatienceNs = 30 * kNsPerSecond;  // However busy the machine.

// How many connections each of them has made. Relaxed everywhere: numbers, with nothing behind
// them.
using Said = std::array<std::atomic<int>, kHostile>;

class HostileGuestTest : public testing::Test {
 protected:
  HostileGuestTest() {
    for (size_t i = 0; i < kHostile; ++i) {
      hostile_[i] = SpawnChild([this, i] {
        HostileGuest guest(owner_.Owner(), static_cast<uint32_t>(i + 1));
        for (;;) {
          if (guest.SayOnce()) said_[i].fetch_add(1, std::memory_order_relaxed);
        }
      });
    }
    Come();
    for (uint32_t key = 0; key < kKeys; ++key) Set(key);
  }
  ~HostileGuestTest() override {
    for (pid_t& hostile : hostile_) EndChild(hostile, SIGKILL);
  }

  int SaidByEach() const {
    int least = INT_MAX;
    for (const std::atomic<int>& said : said_) {
      least = std::min(least, said.load(std::memory_order_relaxed));
    }
    return least;
  }

  // As another guest, who knows nothing yet.
  void Come() {
    absl::StatusOr<Client> client = Client::Open(
        {.window = owner_.Window(), .owner = owner_.Owner(), .link = {.timeout_ns = kPatienceNs}});
    ASSERT_TRUE(client.ok()) << client.status();
    client_.emplace(*std::move(client));
  }

  static std::string KeyOf(uint32_t key) { return "key" + std::to_string(key); }
  static std::string ValueOf(uint32_t key, uint32_t version) {
    return std::to_string(key) + ":" + std::to_string(version) + std::string(100, 'v');
  }

  void Set(uint32_t key) {
    const absl::StatusOr<StoreAnswer> answer =
        client_->Set(KeyOf(key), ValueOf(key, ++versions_[key]));
    ASSERT_TRUE(answer.ok()) << answer.status();
    ASSERT_EQ(answer->result, StoreResult::kStored);
  }

  void Get(uint32_t key) {
    const absl::StatusOr<bool> is_there = client_->Get(KeyOf(key), item_);
    ASSERT_TRUE(is_there.ok()) << is_there.status();
    ASSERT_TRUE(*is_there) << KeyOf(key);
    ASSERT_EQ(item_.value, ValueOf(key, versions_[key]));
  }

  void UseTheCache() {
    for (int i = 0; i < kGetsOfASet; ++i) Get(static_cast<uint32_t>(random_() % kKeys));
    Set(static_cast<uint32_t>(random_() % kKeys));
  }

  KvProcess owner_{{"-m", "8", "-I", "64k"}};
  SharedMapping memory_{sizeof(Said)};
  Said& said_ = *new (memory_.Bytes().data()) Said();
  std::array<pid_t, kHostile> hostile_ = {};
  std::optional<Client> client_;
  std::minstd_rand random_{7};
  std::array<uint32_t, kKeys> versions_ = {};
  StoredValue item_;
};

TEST_F(HostileGuestTest, ChangesNoValueOfOthersAndKeepsNobodyFromBeingAnswered) {
  const int connections = FromEnvironment("HOSTILE_CONNECTIONS", kConnections);
  for (int round = 1; SaidByEach() < connections && !HasFatalFailure(); ++round) {
    UseTheCache();
    if (round % kRoundsOfAClient == 0) Come();
  }
  EXPECT_TRUE(owner_.IsRunning());
  for (uint32_t key = 0; key < kKeys; ++key) Get(key);
}

}  // namespace
}  // namespace tombolo::kvcache

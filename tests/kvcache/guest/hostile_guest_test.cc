// Guests who say anything to the owner of a cache, all the time: bytes at random, requests that are
// a little wrong, values that never come, marks of slots that nobody has. Beside them one who
// behaves finds its values as it left them, and gets on nearly as fast as without them.
//
// A window is shown for reading only, so the owner's socket is all that a guest can write to.
//
// In the environment: HOSTILE_ROUNDS, how often it is measured without them and with them.
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "kvcache/client/client.h"
#include "kvcache/remote/owner_wire.h"
#include "tests/kvcache/child.h"
#include "tests/kvcache/kv_process.h"
#include "tests/kvcache/shared_mapping.h"
#include "tests/support/environment.h"
#include "transport/base/clock.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"
#include "transport/base/unix_socket.h"

namespace tombolo::kvcache {
namespace {

constexpr int kHostile = 2;
constexpr int kRounds = 9;
constexpr int64_t kRoundNs = kNsPerSecond / 5;
constexpr uint32_t kKeys = 100;
constexpr int kGetsOfASet = 20;
constexpr double kLeastShare = 0.8;
// What slows all of them down is no fault of theirs: the machine may have other things to do.
constexpr int kMostSeries = 3;

// How fast an owner is that was built to be slow tells nothing.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kMeasures = false;
#else
constexpr bool kMeasures = true;
#endif

class HostileGuest {
 public:
  HostileGuest(std::string owner, uint32_t seed, const std::atomic<bool>& speaks)
      : owner_(std::move(owner)), random_(seed), speaks_(speaks) {}

  [[noreturn]] void Live() {
    // It has what processor time the others leave: machines have processors of their own.
    const sched_param no_priority = {};
    sched_setscheduler(0, SCHED_IDLE, &no_priority);
    // While it says nothing it is as busy, so that what it says is all that makes a difference.
    while (true) {
      if (speaks_.load(std::memory_order_relaxed)) SayOnce();
    }
  }

 private:
  void SayOnce() {
    const absl::StatusOr<UniqueFd> socket = ConnectUnix(owner_, SOCK_STREAM);
    if (!socket.ok()) return;
    std::string said = random_() % 8 == 0 ? "" : Hello();
    const auto requests = random_() % 50;
    for (unsigned i = 0; i < requests; ++i) said += Request();
    // Until the owner has had enough of it. Its replies are not read.
    send(socket->Get(), said.data(), said.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  std::string Hello() {
    const OwnerHello hello{.magic = kOwnerProtocolMagic, .version = kOwnerProtocolVersion};
    return Bytes(OwnerRequestHeader{.op = static_cast<uint8_t>(OwnerOp::kHello),
                                    .value_bytes = sizeof(hello)}) +
           Bytes(hello);
  }

  std::string Request() {
    switch (random_() % 8) {
      case 0:
        return Noise(random_() % 500);
      case 1:
        return Spoilt(Put(random_() % 3000));
      case 2:
        return Marks();
      case 3:
        // Most of it never comes.
        return Put(random_() % 100'000).substr(0, 200);
      default:
        return Put(random_() % 3000);
    }
  }

  std::string Put(size_t value_bytes) {
    const std::string key = "hostile" + std::to_string(random_() % 10);
    return Bytes(OwnerRequestHeader{.op = static_cast<uint8_t>(OwnerOp::kPut),
                                    .key_bytes = static_cast<uint8_t>(key.size()),
                                    .value_bytes = static_cast<uint32_t>(value_bytes),
                                    .number = random_()}) +
           key + std::string(value_bytes, 'h');
  }

  // Of slots of anybody, and of none.
  std::string Marks() {
    const auto slots = 1 + random_() % kMaxTouchedSlots;
    return Bytes(OwnerRequestHeader{.op = static_cast<uint8_t>(OwnerOp::kTouched),
                                    .value_bytes = static_cast<uint32_t>(slots * 8)}) +
           Noise(slots * 8);
  }

  std::string Spoilt(std::string request) {
    char& byte = request[random_() % sizeof(OwnerRequestHeader)];
    byte = static_cast<char>(byte ^ 1 << random_() % 8);
    return request;
  }

  std::string Noise(size_t bytes) {
    std::string noise(bytes, 0);
    for (char& byte : noise) byte = static_cast<char>(random_());
    return noise;
  }

  template <typename Struct>
  static std::string Bytes(const Struct& one) {
    return {reinterpret_cast<const char*>(&one), sizeof(one)};
  }

  const std::string owner_;
  std::minstd_rand random_;
  const std::atomic<bool>& speaks_;
};

class HostileGuestTest : public testing::Test {
 protected:
  HostileGuestTest() {
    for (int i = 0; i < kHostile; ++i) {
      hostile_[static_cast<size_t>(i)] = SpawnChild([this, i] {
        HostileGuest(owner_.Owner(), static_cast<uint32_t>(i + 1), hostile_speak()).Live();
      });
    }
    absl::StatusOr<Client> client =
        Client::Open({.window = owner_.Window(), .owner = owner_.Owner()});
    EXPECT_TRUE(client.ok()) << client.status();
    client_.emplace(*std::move(client));
    for (uint32_t key = 0; key < kKeys; ++key) Set(key);
  }
  ~HostileGuestTest() override {
    for (pid_t& hostile : hostile_) EndChild(hostile, SIGKILL);
  }

  // Relaxed, also where it is looked at: a hint of what to do.
  std::atomic<bool>& hostile_speak() {
    return *reinterpret_cast<std::atomic<bool>*>(hostile_speak_.Bytes().data());
  }

  static std::string KeyOf(uint32_t key) { return "key" + std::to_string(key); }
  static std::string ValueOf(uint32_t key, uint32_t version) {
    return std::to_string(key) + ":" + std::to_string(version) + std::string(100, 'v');
  }

  void Set(uint32_t key) {
    const absl::StatusOr<StoreAnswer> answer =
        client_->Set(KeyOf(key), ValueOf(key, ++versions_[key]));
    if (!answer.ok() || answer->result != StoreResult::kStored) ++wrong_;
  }

  void Get(uint32_t key) {
    const absl::StatusOr<bool> is_there = client_->Get(KeyOf(key), item_);
    if (!is_there.ok() || !*is_there || item_.value != ValueOf(key, versions_[key])) ++wrong_;
  }

  // Operations in a second.
  double Speed() {
    const int64_t begin_ns = MonotonicNs();
    uint64_t done = 0;
    while (MonotonicNs() - begin_ns < kRoundNs) {
      for (int i = 0; i < kGetsOfASet; ++i) Get(static_cast<uint32_t>(random_() % kKeys));
      Set(static_cast<uint32_t>(random_() % kKeys));
      done += kGetsOfASet + 1;
    }
    return static_cast<double>(done) * kNsPerSecond / static_cast<double>(MonotonicNs() - begin_ns);
  }

  // With them, of what it is without them.
  double Share() {
    const double alone = Speed();
    hostile_speak().store(true, std::memory_order_relaxed);
    const double beside = Speed();
    hostile_speak().store(false, std::memory_order_relaxed);
    return beside / alone;
  }

  double MedianShare(int rounds) {
    std::vector<double> shares;
    for (int round = 0; round < rounds; ++round) shares.push_back(Share());
    std::sort(shares.begin(), shares.end());
    const double median = shares[shares.size() / 2];
    printf("%.2f of the speed without them (%.2f to %.2f)\n", median, shares.front(),
           shares.back());
    return median;
  }

  KvProcess owner_{{"-m", "8", "-I", "64k"}};
  SharedMapping hostile_speak_{sizeof(std::atomic<bool>)};
  std::array<pid_t, kHostile> hostile_ = {};
  std::optional<Client> client_;
  std::minstd_rand random_{7};
  std::array<uint32_t, kKeys> versions_ = {};
  StoredValue item_;
  uint64_t wrong_ = 0;
};

TEST_F(HostileGuestTest, TakesNothingFromOthersAndLittleOfTheirSpeed) {
  const int rounds = FromEnvironment("HOSTILE_ROUNDS", kRounds);
  double share = MedianShare(rounds);
  for (int again = 1; kMeasures && share < kLeastShare && again < kMostSeries; ++again) {
    share = MedianShare(rounds);
  }
  if (kMeasures) {
    EXPECT_GE(share, kLeastShare);
  }
  EXPECT_EQ(wrong_, 0u);
  EXPECT_TRUE(owner_.IsRunning());
  for (uint32_t key = 0; key < kKeys; ++key) Get(key);
  EXPECT_EQ(wrong_, 0u);
}

}  // namespace
}  // namespace tombolo::kvcache

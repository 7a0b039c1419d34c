// hostile_guests ROUNDS WINDOW OWNER: how fast a client of a cache is while two guests say anything
// to its owner, all the time, and while they are silent and as busy. Twenty gets from the window,
// then a set by the owner, again and again. WINDOW and OWNER: the memory file and the owner socket
// of a tombolo-kv. Prints a line for each measurement and round, in the form of transport_pair.
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <new>
#include <random>
#include <string>

#include "bench/transport/require.h"
#include "kvcache/client/client.h"
#include "kvcache/store/store_types.h"
#include "tests/kvcache/child.h"
#include "tests/kvcache/guest/hostile_guest.h"
#include "tests/kvcache/shared_mapping.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::bench {
namespace {

using kvcache::Client;
using kvcache::HostileGuest;
using kvcache::StoreAnswer;

constexpr int kHostile = 2;
constexpr uint32_t kKeys = 100;
constexpr int kGetsOfASet = 20;
constexpr int64_t kRoundNs = kNsPerSecond / 5;

// Relaxed everywhere: a hint of what to do.
using Speak = std::atomic<bool>;

[[noreturn]] void LiveHostile(const std::string& owner, uint32_t seed, const Speak& speak) {
  // It has what processor time the others leave: machines have processors of their own.
  const sched_param no_priority = {};
  sched_setscheduler(0, SCHED_IDLE, &no_priority);
  HostileGuest guest(owner, seed);
  // While it says nothing it is as busy, so that what it says is all that makes a difference.
  for (;;) {
    if (speak.load(std::memory_order_relaxed)) guest.SayOnce();
  }
}

class Guest {
 public:
  Guest(const std::string& window, const std::string& owner)
      : client_(Require(Client::Open({.window = window, .owner = owner}))) {
    for (uint32_t key = 0; key < kKeys; ++key) Set(key);
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

 private:
  static std::string KeyOf(uint32_t key) { return "key" + std::to_string(key); }

  void Set(uint32_t key) {
    const StoreAnswer answer = Require(client_.Set(KeyOf(key), std::string(100, 'v')));
    if (answer.result != kvcache::StoreResult::kStored) Fail("a set was refused");
  }

  void Get(uint32_t key) {
    if (!Require(client_.Get(KeyOf(key), item_))) Fail("an item is not there");
  }

  Client client_;
  kvcache::StoredValue item_;
  std::minstd_rand random_{7};
};

void Print(const char* name, double value) {
  printf("{\"name\": \"hostile/%s\", \"unit\": \"/s\", \"value\": %.9g}\n", name, value);
}

void Measure(int rounds, const std::string& window, const std::string& owner) {
  const kvcache::SharedMapping memory(sizeof(Speak));
  Speak& speak = *new (memory.Bytes().data()) Speak(false);
  std::array<pid_t, kHostile> hostile = {};
  for (size_t i = 0; i < kHostile; ++i) {
    hostile[i] =
        kvcache::SpawnChild([&, i] { LiveHostile(owner, static_cast<uint32_t>(i + 1), speak); });
  }
  Guest guest(window, owner);
  for (int round = 0; round < rounds; ++round) {
    for (const bool is_first : {true, false}) {
      const bool speaks = is_first == (round % 2 == 0);
      speak.store(speaks, std::memory_order_relaxed);
      Print(speaks ? "beside" : "alone", guest.Speed());
    }
  }
  for (pid_t& one : hostile) kvcache::EndChild(one, SIGKILL);
}

}  // namespace
}  // namespace tombolo::bench

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: hostile_guests ROUNDS WINDOW OWNER\n");
    return 2;
  }
  tombolo::bench::Measure(atoi(argv[1]), argv[2], argv[3]);
  return 0;
}

// Eight clients, each a process, on sixteen keys of a real tombolo-kv, while it and they are
// killed, stopped, continued and started again. Whatever each of them saw of a key can be explained
// by a register that may lose what it holds (register_checker.h): a miss is always allowed, a torn
// value never, and neither is one that is stale, or back after it was overwritten, deleted or
// missed.
//
// In the environment: LINEARIZABILITY_FAULTS, how many of them; LINEARIZABILITY_SEED.
#include <signal.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/kvcache/child.h"
#include "tests/kvcache/history/register_checker.h"
#include "tests/kvcache/history/seat.h"
#include "tests/kvcache/history/seated_client.h"
#include "tests/kvcache/kv_process.h"
#include "tests/kvcache/shared_mapping.h"
#include "tests/support/environment.h"
#include "tests/support/spin.h"

namespace tombolo::kvcache {
namespace {

constexpr uint32_t kClients = 8;
constexpr int kFaults = 150;
constexpr uint64_t kMostStepsBetween = 3000;

using Kind = Operation::Kind;
using Seats = std::array<Seat, kClients>;

class LinearizabilityTest : public testing::Test {
 protected:
  LinearizabilityTest() {
    for (uint32_t i = 0; i < kClients; ++i) StartClient(i);
  }
  ~LinearizabilityTest() override { EndClients(); }

  void StartClient(uint32_t number) {
    const SeatOptions options{.number = number,
                              .window = number % 2 == 0 ? owner_.Window() : "",
                              .owner = owner_.Owner(),
                              .seed = static_cast<uint32_t>(random_())};
    clients_[number] =
        SpawnChild([this, options] { SeatedClient(seats()[options.number], options).Live(); });
  }

  void EndClients() {
    for (pid_t& client : clients_) EndChild(client, SIGKILL);
  }

  uint64_t Total(std::atomic<uint64_t> Seat::*counter) {
    uint64_t total = 0;
    for (Seat& seat : seats()) total += (seat.*counter).load(std::memory_order_relaxed);
    return total;
  }

  // Until the clients have done so much more of that.
  bool Await(std::atomic<uint64_t> Seat::*counter, uint64_t more) {
    const uint64_t until = Total(counter) + more;
    return SpinUntil([&] { return Total(counter) >= until; });
  }
  bool AwaitSomeSteps() { return Await(&Seat::steps, 1 + random_() % kMostStepsBetween); }

  // Each leaves things as they were. Whether the clients went on meanwhile.
  bool KillOwner() {
    owner_.Kill();
    const bool went_on = random_() % 2 == 0 || AwaitSomeSteps();
    owner_.Start();
    return went_on;
  }
  bool RestartOwner() {
    const int code = owner_.Stop();
    owner_.Start();
    return code == 0;
  }
  bool PauseOwner() {
    kill(owner_.Pid(), SIGSTOP);
    // Shortly, or until it is missed.
    const bool went_on = random_() % 2 == 0 ? AwaitSomeSteps() : Await(&Seat::errors, 1);
    kill(owner_.Pid(), SIGCONT);
    return went_on;
  }
  bool KillClient() {
    const auto number = static_cast<uint32_t>(random_() % kClients);
    EndChild(clients_[number], SIGKILL);
    StartClient(number);
    return true;
  }
  bool PauseClient() {
    const pid_t client = clients_[random_() % kClients];
    kill(client, SIGSTOP);
    const bool went_on = AwaitSomeSteps();
    kill(client, SIGCONT);
    return went_on;
  }

  bool InflictOne() {
    switch (random_() % 6) {
      case 0:
      case 1:
        return KillOwner();
      case 2:
        return RestartOwner();
      case 3:
        return PauseOwner();
      case 4:
        return KillClient();
      default:
        return PauseClient();
    }
  }

  // What all clients saw, by key.
  std::vector<std::vector<Operation>> Histories() {
    std::vector<std::vector<Operation>> histories(kNotedKeys);
    for (Seat& seat : seats()) {
      EXPECT_FALSE(seat.IsFull()) << "make Seat::kNotes larger for so many faults";
      for (size_t i = 0; i < seat.count.load(std::memory_order_acquire); ++i) {
        histories[seat.notes[i].key].push_back(seat.notes[i].operation);
      }
    }
    return histories;
  }

  Seats& seats() { return *reinterpret_cast<Seats*>(memory_of_seats_.Bytes().data()); }

  SharedMapping memory_of_seats_{sizeof(Seats)};
  std::minstd_rand random_{static_cast<uint32_t>(FromEnvironment("LINEARIZABILITY_SEED", 1))};
  // As small as it can be, so that segments are recycled all the time.
  KvProcess owner_{{"-m", "1", "-I", "16k"}};
  std::array<pid_t, kClients> clients_ = {};
};

struct Tally {
  uint64_t hits = 0;
  uint64_t writes = 0;
  uint64_t clears = 0;
  uint64_t unanswered = 0;

  void Count(const Operation& operation) {
    ++(operation.kind == Kind::kRead ? hits : operation.kind == Kind::kWrite ? writes : clears);
    unanswered += operation.end_ns == kUnanswered;
  }
};

TEST_F(LinearizabilityTest, EachKeyIsARegisterThatMayForget) {
  const int faults = FromEnvironment("LINEARIZABILITY_FAULTS", kFaults);
  for (int fault = 1; fault <= faults; ++fault) {
    SCOPED_TRACE(testing::Message() << "fault " << fault);
    ASSERT_TRUE(AwaitSomeSteps());
    ASSERT_TRUE(InflictOne());
  }
  EndClients();
  Tally tally;
  for (uint32_t key = 0; const std::vector<Operation>& history : Histories()) {
    EXPECT_EQ(WhyImpossible(history), "") << "key" << key;
    for (const Operation& operation : history) tally.Count(operation);
    ++key;
  }
  EXPECT_EQ(Total(&Seat::torn), 0u);
  printf("%d faults, %lu hits, %lu writes, %lu deletes and misses, %lu not answered, %lu errors\n",
         faults, tally.hits, tally.writes, tally.clears, tally.unanswered, Total(&Seat::errors));
  // Else nothing was proven.
  EXPECT_GT(tally.hits, 100u * static_cast<unsigned>(faults));
  EXPECT_GT(tally.writes, 50u * static_cast<unsigned>(faults));
  EXPECT_GT(tally.unanswered, 0u);
}

}  // namespace
}  // namespace tombolo::kvcache

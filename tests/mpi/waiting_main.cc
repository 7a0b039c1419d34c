// Two ranks of which one has to wait: it must sleep meanwhile, wake up for each message, and not
// keep its other threads from sending.
//
// Who operates on memory of the region waits for nothing, and must not sleep.
//
// Usage: mpirun -n 2 ... waiting [--operate] [--threads]
//   --operate  operate on a window, too, which has to lie in the region
//   --threads  ask for MPI_THREAD_MULTIPLE, and send from one thread while another one waits
#include <mpi.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr int kTag = 1;
constexpr int kOtherTag = 2;
// More than a rank polls that shares its core and yields, as all do here: 10 ms.
constexpr int kShortMs = 20;
constexpr int kWakeUps = 50;
constexpr int kExchanges = 200;
constexpr int kOperations = 20000;
constexpr long kMostSleeps = kOperations / 1000;
// A rank that only polls has none, or one or two for another reason.
constexpr long kSleepsOfAWaiter = 10;
constexpr int kLongestWaitMs = 60'000;

void LetTimePass(int ms) { poll(nullptr, 0, ms); }

int Receive(int tag) {
  int value = -1;
  MPI_Recv(&value, 1, MPI_INT, MPI_ANY_SOURCE, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  return value;
}

void Send(int partner, int tag, int value) {
  MPI_Send(&value, 1, MPI_INT, partner, tag, MPI_COMM_WORLD);
}

// How often the first thread of a process has slept so far: proc(5), /proc/PID/status.
long SleepsOf(int process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  constexpr std::string_view kName = "voluntary_ctxt_switches:";
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(kName)) return std::stol(line.substr(kName.size()));
  }
  return 0;
}

// How often rank 1 has slept when the message comes for which it waits; rank 0, which sends that
// once it has seen enough, or waited too long for it, gives the same.
long WaitLong(int rank) {
  if (rank == 1) {
    Send(0, kTag, getpid());
    return Receive(kTag);
  }
  const int waiter = Receive(kTag);
  const long before = SleepsOf(waiter);
  long sleeps = 0;
  for (int ms = 0; sleeps < kSleepsOfAWaiter && ms < kLongestWaitMs; ms += kShortMs) {
    LetTimePass(kShortMs);
    sleeps = SleepsOf(waiter) - before;
  }
  Send(1, kTag, static_cast<int>(sleeps));
  return sleeps;
}

// Rank 1 is asleep whenever a message comes. Gives whether all came.
bool WakeUp(int rank) {
  bool good = true;
  for (int i = 0; i < kWakeUps; ++i) {
    if (rank == 0) {
      LetTimePass(kShortMs);
      Send(1, kTag, i);
      good &= Receive(kTag) == i;
    } else {
      Send(0, kTag, Receive(kTag));
    }
  }
  return good;
}

// Messages that need an answer from the partner's MPI, and some that do not.
bool Exchange(int partner) {
  constexpr int kSizes[] = {1, 1000, 20000, 100000};
  bool good = true;
  for (int i = 0; i < kExchanges; ++i) {
    const int count = kSizes[i % 4];
    const std::vector<int> out(static_cast<size_t>(count), i);
    std::vector<int> in(out.size());
    MPI_Sendrecv(out.data(), count, MPI_INT, partner, kOtherTag, in.data(), count, MPI_INT, partner,
                 kOtherTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    good &= in == out;
  }
  return good;
}

long Sleeps() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nvcsw;
}

// How often rank 1 slept while it added to a number of rank 0, which waits meanwhile; rank 0 gives
// 0. Less than nothing: the sum is wrong.
long Operate(int rank) {
  int64_t* sum;
  MPI_Win window;
  MPI_Alloc_mem(sizeof(*sum), MPI_INFO_NULL, &sum);
  MPI_Win_create(sum, sizeof(*sum), sizeof(*sum), MPI_INFO_NULL, MPI_COMM_WORLD, &window);
  *sum = 0;
  MPI_Win_lock_all(0, window);
  MPI_Barrier(MPI_COMM_WORLD);
  long sleeps = 0;
  if (rank == 1) {
    constexpr int64_t kOne = 1;
    int64_t before = 0;
    sleeps = -Sleeps();
    for (int i = 0; i < kOperations; ++i) {
      MPI_Fetch_and_op(&kOne, &before, MPI_INT64_T, 0, 0, MPI_SUM, window);
      MPI_Win_flush(0, window);
    }
    sleeps += Sleeps();
    if (before != kOperations - 1) sleeps = -1;
  }
  MPI_Barrier(MPI_COMM_WORLD);
  MPI_Win_unlock_all(window);
  MPI_Win_free(&window);
  MPI_Free_mem(sum);
  return sleeps;
}

// In each rank one thread waits, for a message that is sent when the other thread is done.
bool SendBesideAWaiter(int rank) {
  const int partner = rank ^ 1;
  bool good = false;
  std::thread waiter([] { Receive(kTag); });
  LetTimePass(kShortMs);
  std::thread sender([&] { good = Exchange(partner); });
  sender.join();
  Send(partner, kTag, 0);
  waiter.join();
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  bool threads = false;
  bool operate = false;
  for (int i = 1; i < argc; ++i) {
    threads |= std::string_view(argv[i]) == "--threads";
    operate |= std::string_view(argv[i]) == "--operate";
  }
  int provided;
  MPI_Init_thread(&argc, &argv, threads ? MPI_THREAD_MULTIPLE : MPI_THREAD_SINGLE, &provided);
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const long waiting = WaitLong(rank);
  bool good = waiting >= kSleepsOfAWaiter;
  good &= WakeUp(rank);
  if (threads) good &= provided == MPI_THREAD_MULTIPLE && SendBesideAWaiter(rank);
  const long sleeps = operate ? Operate(rank) : 0;
  good &= sleeps >= 0 && sleeps <= kMostSleeps;
  std::printf("rank %d: %s; %ld sleeps while it waited, %ld in %d operations\n", rank,
              good ? "good" : "bad", waiting, sleeps, operate ? kOperations : 0);
  MPI_Finalize();
  return good ? 0 : 1;
}

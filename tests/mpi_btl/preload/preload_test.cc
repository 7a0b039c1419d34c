// malloc and its relatives under the library: one thread, several, and children of fork.
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/mpi_btl/preload/block_exchange.h"
#include "tests/mpi_btl/preload/fake_region.h"
#include "tests/mpi_btl/preload/preload_fixture.h"

namespace tombolo {
namespace {

constexpr size_t kDefaultMinBytes = size_t{512} << 10;
constexpr int kThreads = 4;

// Half of all addresses, which the compiler does not know and so does not warn of.
size_t TooMuch() { return strtoull("9223372036854775807", nullptr, 10); }

TEST_F(PreloadTest, TakesLargeRequestsFromTheRegionAndNoOthers) {
  void* large = malloc(kMinBytes);
  void* small = malloc(kMinBytes - 1);
  EXPECT_TRUE(region_.Has(large));
  EXPECT_FALSE(region_.Has(small));
  EXPECT_EQ(malloc_usable_size(large), kMinBytes);
  EXPECT_GE(malloc_usable_size(small), kMinBytes - 1);
  EXPECT_EQ(malloc_usable_size(nullptr), 0u);
  free(large);
  free(small);
  free(nullptr);
  EXPECT_EQ(region_.Released(), 1);
}

TEST_F(PreloadTest, EveryWayToAllocateLeadsToTheRegion) {
  const struct {
    const char* name;
    void* (*allocate)();
  } ways[] = {
      {"malloc", [] { return malloc(kLargeBytes); }},
      {"calloc", [] { return calloc(kLargeBytes / 10, 10); }},
      {"realloc", [] { return realloc(nullptr, kLargeBytes); }},
      {"reallocarray", [] { return reallocarray(nullptr, kLargeBytes / 10, 10); }},
      {"aligned_alloc", [] { return aligned_alloc(32, kLargeBytes); }},
      {"memalign", [] { return memalign(4096, kLargeBytes); }},
      {"valloc", [] { return valloc(kLargeBytes); }},
      {"pvalloc", [] { return pvalloc(kLargeBytes); }},
      {"posix_memalign",
       [] {
         void* memory = nullptr;
         return posix_memalign(&memory, 64, kLargeBytes) == 0 ? memory : nullptr;
       }},
  };
  for (const auto& way : ways) {
    void* memory = way.allocate();
    EXPECT_TRUE(region_.Has(memory)) << way.name;
    EXPECT_EQ(AddressOf(memory) % FakeRegion::kPageBytes, 0u) << way.name;
    EXPECT_EQ(malloc_usable_size(memory), kLargeBlockBytes) << way.name;
    Fill(memory, kLargeBytes);
    free(memory);
  }
  EXPECT_EQ(region_.Released(), static_cast<int>(std::size(ways)));
  void* memory = ::operator new(kLargeBytes);
  EXPECT_TRUE(region_.Has(memory));
  ::operator delete(memory);
}

TEST_F(PreloadTest, CallocGivesZerosFromBothWorlds) {
  for (const size_t bytes : {size_t{1000}, kLargeBytes}) {
    void* used = malloc(bytes);
    Fill(used, bytes);
    free(used);
    void* memory = calloc(bytes, 1);
    EXPECT_TRUE(IsZero(memory, bytes)) << bytes;
    free(memory);
  }
}

TEST_F(PreloadTest, AlignsAsItIsAskedTo) {
  void* memory = nullptr;
  EXPECT_EQ(posix_memalign(&memory, 8192, kLargeBytes), 0);
  EXPECT_EQ(AddressOf(memory) % 8192, 0u);
  EXPECT_FALSE(region_.Has(memory));  // Whose blocks are aligned to 4,096.
  free(memory);
  EXPECT_EQ(posix_memalign(&memory, 256, 1000), 0);
  EXPECT_EQ(AddressOf(memory) % 256, 0u);
  free(memory);
  for (const size_t wrong : {size_t{0}, sizeof(void*) / 2, size_t{24}}) {
    EXPECT_EQ(posix_memalign(&memory, wrong, kLargeBytes), EINVAL) << wrong;
  }
}

TEST_F(PreloadTest, RefusesWhatNobodyHas) {
  errno = 0;
  EXPECT_EQ(malloc(TooMuch()), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  errno = 0;
  EXPECT_EQ(calloc(TooMuch(), 4), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  errno = 0;
  EXPECT_EQ(reallocarray(nullptr, TooMuch(), 4), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  void* memory = malloc(kLargeBytes);
  Fill(memory, kLargeBytes);
  if (void* moved = realloc(memory, TooMuch())) {
    free(moved);
    FAIL() << "half of all addresses is not there";
  }
  EXPECT_TRUE(IsFilled(memory, kLargeBytes));
  free(memory);
}

TEST_F(PreloadTest, ReallocMovesBetweenBothWorldsAndKeepsWhatWasThere) {
  void* memory = malloc(1000);
  Fill(memory, 1000);
  memory = realloc(memory, kLargeBytes);
  EXPECT_TRUE(region_.Has(memory));
  EXPECT_TRUE(IsFilled(memory, 1000));

  Fill(memory, kLargeBytes);
  memory = realloc(memory, 5 * kLargeBytes);
  EXPECT_TRUE(region_.Has(memory));
  EXPECT_TRUE(IsFilled(memory, kLargeBytes));

  memory = realloc(memory, 2 * kLargeBytes);
  EXPECT_TRUE(region_.Has(memory));
  EXPECT_TRUE(IsFilled(memory, kLargeBytes));

  memory = realloc(memory, 500);
  EXPECT_FALSE(region_.Has(memory));
  EXPECT_TRUE(IsFilled(memory, 500));
  free(memory);
  EXPECT_EQ(region_.Released(), 3);
}

TEST_F(PreloadTest, ReallocLeavesABlockWhereMostOfItStays) {
  void* memory = malloc(4 * kLargeBytes);
  const uintptr_t before = AddressOf(memory);
  memory = realloc(memory, 3 * kLargeBytes);
  EXPECT_EQ(AddressOf(memory), before);
  EXPECT_EQ(realloc(memory, 0), nullptr);
  EXPECT_EQ(region_.Released(), 1);
}

TEST_F(PreloadTest, TakesOrdinaryMemoryWhenTheRegionHasNoRoom) {
  void* block = malloc(kLargeBytes);
  Fill(block, kLargeBytes);
  region_.SetFull(true);
  void* other = malloc(kLargeBytes);
  EXPECT_NE(other, nullptr);
  EXPECT_FALSE(region_.Has(other));
  block = realloc(block, 4 * kLargeBytes);
  EXPECT_FALSE(region_.Has(block));
  EXPECT_TRUE(IsFilled(block, kLargeBytes));
  free(block);
  free(other);
  void* larger_than_the_region = malloc(FakeRegion::kBytes + 1);
  EXPECT_NE(larger_than_the_region, nullptr);
  free(larger_than_the_region);
  const tombolo_malloc_report report = Detach();
  EXPECT_EQ(report.given, 1u);
  EXPECT_EQ(report.refused, 3u);
}

TEST_F(PreloadTest, AsksLessOftenForRoomThatIsNotThere) {
  constexpr int kRequests = 1000;
  void* block = malloc(kLargeBytes);
  region_.SetFull(true);
  const int asked_before = region_.Asked();
  for (int i = 0; i < kRequests; ++i) free(malloc(kLargeBytes));
  EXPECT_GE(region_.Asked() - asked_before, 5);
  EXPECT_LE(region_.Asked() - asked_before, 20);
  // But it does find out that there is room again.
  region_.SetFull(false);
  bool found = false;
  for (int i = 0; i < 3 * kRequests && !found; ++i) {
    void* memory = malloc(kLargeBytes);
    found = region_.Has(memory);
    free(memory);
  }
  EXPECT_TRUE(found);
  // At once, where it has given some back itself.
  region_.SetFull(true);
  for (int i = 0; i < kRequests; ++i) free(malloc(kLargeBytes));
  region_.SetFull(false);
  free(block);
  void* memory = malloc(kLargeBytes);
  EXPECT_TRUE(region_.Has(memory));
  free(memory);
}

TEST_F(PreloadTest, BlocksOutliveTheProvider) {
  void* block = malloc(kLargeBytes);
  void* other = malloc(kLargeBytes);
  Fill(block, kLargeBytes);
  Fill(other, kLargeBytes);
  EXPECT_EQ(Detach().in_use, 2u);
  region_.End();
  EXPECT_FALSE(Attach(region_)) << "blocks of the last provider are in use";
  EXPECT_EQ(malloc_usable_size(block), kLargeBlockBytes);
  EXPECT_TRUE(IsFilled(block, kLargeBytes));
  free(block);
  other = realloc(other, 3 * kLargeBytes);
  EXPECT_FALSE(region_.Has(other));
  EXPECT_TRUE(IsFilled(other, kLargeBytes));
  free(other);
  EXPECT_EQ(region_.Released(), 0);
  FakeRegion next;
  ASSERT_TRUE(Attach(next));
  void* memory = malloc(kLargeBytes);
  EXPECT_TRUE(next.Has(memory));
  free(memory);
  EXPECT_EQ(Detach().in_use, 0u);
}

TEST_F(PreloadTest, WithoutAProviderAllIsOrdinaryMemory) {
  Detach();
  void* memory = malloc(kLargeBytes);
  EXPECT_NE(memory, nullptr);
  EXPECT_FALSE(region_.Has(memory));
  free(memory);
  EXPECT_EQ(Detach().given, 0u);
}

TEST_F(PreloadTest, LargeIsHalfAMebibyteUnlessItIsSaid) {
  Detach();
  unsetenv(kMinBytesVariable);
  ASSERT_TRUE(Attach(region_));
  void* large = malloc(kDefaultMinBytes);
  void* small = malloc(kDefaultMinBytes - 1);
  EXPECT_TRUE(region_.Has(large));
  EXPECT_FALSE(region_.Has(small));
  free(large);
  free(small);
}

TEST_F(PreloadTest, TellsOnceOfAThresholdThatMakesNoSense) {
  Detach();
  testing::internal::CaptureStderr();
  for (const char* wrong : {"", "much", "-1", " 70000", "70000x", "4095", "99999999999999999999"}) {
    setenv(kMinBytesVariable, wrong, /*overwrite=*/1);
    ASSERT_TRUE(Attach(region_));
    void* small = malloc(kDefaultMinBytes - 1);
    EXPECT_FALSE(region_.Has(small)) << wrong;
    free(small);
    EXPECT_EQ(Detach().in_use, 0u);
  }
  const std::string said = testing::internal::GetCapturedStderr();
  const std::string expected =
      "TOMBOLO_MALLOC_MIN_BYTES is '', expected a number of bytes from 4096";
  EXPECT_NE(said.find(expected), std::string::npos) << said;
  EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
}

TEST_F(PreloadTest, ServesManyThreads) {
  constexpr int kRounds = 300;
  std::atomic<int> bad = 0;
  BlockExchange exchange;
  {
    std::vector<std::jthread> threads;
    for (unsigned seed = 0; seed < kThreads; ++seed) {
      threads.emplace_back([&, seed] {
        std::mt19937 random(seed);
        for (int round = 0; round < kRounds; ++round) bad += UseOne(random, exchange);
      });
    }
  }
  free(exchange.Swap({}).memory);
  EXPECT_EQ(bad.load(), 0);
  EXPECT_GT(region_.Asked(), kRounds);
}

TEST_F(PreloadTest, NobodyIsWithTheProviderOnceItHasDetached) {
  constexpr int kAskedBefore = 100;
  constexpr int kRoundsAfter = 100;
  std::atomic<bool> is_detached = false;
  std::atomic<int> bad = 0;
  BlockExchange exchange;
  {
    std::vector<std::jthread> threads;
    for (unsigned seed = 0; seed < kThreads; ++seed) {
      threads.emplace_back([&, seed] {
        std::mt19937 random(seed);
        while (!is_detached) bad += UseOne(random, exchange);
        for (int round = 0; round < kRoundsAfter; ++round) bad += UseOne(random, exchange);
      });
    }
    while (region_.Asked() < kAskedBefore) std::this_thread::yield();
    Detach();
    region_.End();
    is_detached = true;
  }
  free(exchange.Swap({}).memory);
  EXPECT_EQ(bad.load(), 0);
}

// Others were there first, and are called in a child before the library is.
[[maybe_unused]] const int registered =
    pthread_atfork(nullptr, nullptr, [] { free(malloc(kLargeBytes)); });

// What a child of fork may do; `block` and `other` are its parent's.
bool WorksInAChild(const FakeRegion& region, void* block, void* other) {
  bool good = malloc_usable_size(block) == kLargeBlockBytes;
  // What was there is not here, so it cannot be kept.
  errno = 0;
  if (void* moved = realloc(block, 4 * kLargeBytes)) {
    free(moved);
    return false;
  }
  good &= errno == ENOMEM;
  free(block);
  free(other);
  // Also where the parent's region is nothing else may be.
  std::vector<void*> all(64);
  for (void*& own : all) {
    own = calloc(FakeRegion::kBytes / 16, 1);
    good &= !region.Has(own);
    Fill(own, kLargeBytes);
  }
  for (void* own : all) free(own);
  return good;
}

bool ExitsWell(pid_t child) {
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(PreloadTest, AChildOfForkIsGivenOrdinaryMemoryAndForgetsItsParents) {
  void* block = malloc(kLargeBytes);
  void* other = malloc(kLargeBytes);
  Fill(block, kLargeBytes);
  const pid_t child = fork();
  if (child == 0) _exit(WorksInAChild(region_, block, other) ? 0 : 1);
  EXPECT_TRUE(ExitsWell(child));
  EXPECT_TRUE(IsFilled(block, kLargeBytes));
  free(block);
  free(other);
  EXPECT_EQ(region_.Released(), 2);
}

TEST_F(PreloadTest, AChildThatTouchesABlockOfItsParentIsEnded) {
  void* block = malloc(kLargeBytes);
  const pid_t child = fork();
  if (child == 0) {
    Fill(block, 1);
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  free(block);
}

// Another thread is with the provider all the time, also at the moment of the fork.
TEST_F(PreloadTest, AChildDoesNotWaitForThreadsOfItsParent) {
  constexpr int kForks = 20;
  std::atomic<bool> is_over = false;
  std::jthread busy([&] {
    while (!is_over) free(malloc(kLargeBytes));
  });
  void* block = malloc(kLargeBytes);
  void* other = malloc(kLargeBytes);
  for (int i = 0; i < kForks; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);  // Seconds, after which it hangs.
      _exit(WorksInAChild(region_, block, other) ? 0 : 1);
    }
    EXPECT_TRUE(ExitsWell(child));
  }
  is_over = true;
  busy.join();
  free(block);
  free(other);
}

}  // namespace
}  // namespace tombolo

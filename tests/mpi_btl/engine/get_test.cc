// What a get must not take for good: memory that ceased to be its owner's while it was read.
//
// The reader is stopped in the middle of its copy, at the same byte each time: the page into which
// it copies the second half may not be written, so the first store there raises SIGSEGV, and the
// handler does what the test wants done at that moment.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "mpi_btl/engine/memory_handle.h"
#include "mpi_btl/engine/origin.h"
#include "mpi_btl/engine/rank_engine.h"
#include "mpi_btl/engine/registrations.h"
#include "tests/mpi_btl/engine/rank.h"
#include "tests/transport/channel/simulated_members.h"

namespace tombolo::mpi {
namespace {

constexpr int kPolls = 20;
// More than a region has room for allocations.
constexpr int kManyAllocations = 10'000;
constexpr std::byte kGood{0x11};
constexpr std::byte kStale{0x99};

// Memory of a page's length that ends in the middle of a page, which may not be written until
// somebody does.
//
// SUBTLE: it begins in the middle of a page, too. What lies in the region begins with a page, and
// glibc's memcpy goes backwards where both sides have the same place in theirs.
class Trap {
 public:
  // `at_the_edge` is called once, in the middle of whatever fills the memory.
  explicit Trap(std::function<void()> at_the_edge)
      : page_bytes_(static_cast<size_t>(sysconf(_SC_PAGESIZE))),
        pages_(static_cast<std::byte*>(mmap(nullptr, 2 * page_bytes_, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))),
        at_the_edge_(std::move(at_the_edge)) {
    mprotect(Edge(), page_bytes_, PROT_NONE);
    armed = this;
    struct sigaction action = {};
    action.sa_sigaction = OnFault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &action, &before_);
  }
  Trap(const Trap&) = delete;
  Trap& operator=(const Trap&) = delete;
  ~Trap() {
    sigaction(SIGSEGV, &before_, nullptr);
    armed = nullptr;
    munmap(pages_, 2 * page_bytes_);
  }

  std::span<std::byte> Memory() const { return {pages_ + page_bytes_ / 2, page_bytes_}; }
  bool WasSprung() const { return was_sprung_; }

  // Bytes that were read before it was sprung, and after it: far from edge and ends, which memcpy
  // may hold in registers.
  std::byte ReadBefore() const { return Memory()[page_bytes_ / 4]; }
  std::byte ReadAfter() const { return Memory()[3 * page_bytes_ / 4]; }

 private:
  std::byte* Edge() const { return pages_ + page_bytes_; }

  // A store of this thread raised it: what is done here is done between two of its instructions,
  // and may be done anywhere.
  static void OnFault(int, siginfo_t* info, void*) {
    const auto* at = static_cast<const std::byte*>(info->si_addr);
    if (armed->was_sprung_ || at < armed->Edge() || at >= armed->Edge() + armed->page_bytes_) {
      signal(SIGSEGV, SIG_DFL);
      return;
    }
    armed->was_sprung_ = true;
    mprotect(armed->Edge(), armed->page_bytes_, PROT_READ | PROT_WRITE);
    armed->at_the_edge_();
  }

  inline static Trap* armed = nullptr;

  const size_t page_bytes_;
  std::byte* const pages_;
  std::function<void()> at_the_edge_;
  struct sigaction before_ = {};
  bool was_sprung_ = false;
};

class GetTest : public testing::Test {
 protected:
  GetTest() {
    memory_ = owner_.engine->AllocateMemory(kBytes);
    std::ranges::fill(Owned(), kGood);
    handle_ = owner_.engine->Register(memory_, kBytes, kMayRead);
  }

  std::span<std::byte> Owned() const { return {memory_, kBytes}; }

  // Whether the get was done at once; `meanwhile` happens in the middle of it.
  bool GetInto(const Trap& trap) {
    return reader_.engine->StartOperation(peer_, {.kind = OperationKind::kGet,
                                                  .target = owner_.id,
                                                  .local = trap.Memory().data(),
                                                  .address = AddressOf(memory_),
                                                  .handle = handle_,
                                                  .bytes = trap.Memory().size()});
  }

  // Half of what was read is stale, so the get is not done. The error comes first, then the
  // operation's end, which is not good.
  void ExpectFailure(const Trap& trap) {
    EXPECT_FALSE(GetInto(trap));
    EXPECT_TRUE(trap.WasSprung());
    EXPECT_EQ(trap.ReadBefore(), kGood);
    EXPECT_EQ(trap.ReadAfter(), kStale);
    EXPECT_TRUE(reader_.done.empty());
    for (int i = 0; i < kPolls; ++i) reader_.Poll();
    ASSERT_EQ(reader_.losses.size(), 1u);
    EXPECT_EQ(reader_.done_when_lost, 0u);
    EXPECT_EQ(reader_.done, std::vector<bool>{false});
  }

  // The same place again, for another allocation. A claim begins to look where the last one ended,
  // so others come first.
  void AllocateAnew() {
    std::byte* memory = memory_;
    for (int i = 0; i < kManyAllocations; ++i) {
      ASSERT_TRUE(owner_.engine->FreeMemory(memory));
      memory = owner_.engine->AllocateMemory(kBytes);
      if (memory == memory_) return;
    }
    FAIL() << "the place was not given out again";
  }

  static constexpr size_t kBytes = size_t{64} << 10;

  SimulatedMembers members_;
  Rank reader_{members_, "reader"};
  Rank owner_{members_, "owner"};
  Peer& peer_ = reader_.Open(owner_);
  std::byte* memory_ = nullptr;
  MemoryHandle handle_;
};

TEST_F(GetTest, IsGoodIfNothingHappensMeanwhile) {
  Trap trap([] {});
  EXPECT_TRUE(GetInto(trap));
  EXPECT_TRUE(trap.WasSprung());
  EXPECT_TRUE(std::ranges::all_of(trap.Memory(), [](std::byte seen) { return seen == kGood; }));
}

TEST_F(GetTest, FailsIfTheOwnerDiesMeanwhile) {
  Trap trap([this] {
    members_.Kill(owner_.id);
    std::ranges::fill(Owned(), kStale);
  });
  ExpectFailure(trap);
}

// The daemon would wait for the reader, which has a link. Who writes the map by force does not.
TEST_F(GetTest, FailsIfTheMemoryOfTheDeadIsGivenToOthersMeanwhile) {
  std::unique_ptr<Rank> heir;
  Trap trap([&] {
    members_.Kill(owner_.id);
    members_.Recycle(owner_.id);
    // Under the index of the dead one, and with its memory.
    heir = std::make_unique<Rank>(members_, "heir");
    ASSERT_EQ(heir->id.index, owner_.id.index);
    ASSERT_EQ(heir->engine->AllocateMemory(kBytes), memory_);
    std::ranges::fill(Owned(), kStale);
  });
  ExpectFailure(trap);
}

TEST_F(GetTest, FailsIfTheOwnerFreesItMeanwhile) {
  Trap trap([this] {
    AllocateAnew();
    std::ranges::fill(Owned(), kStale);
  });
  ExpectFailure(trap);
}

// Private memory comes in parts, by messages: the owner dies after the first ones.
TEST_F(GetTest, OfPrivateMemoryFailsIfTheOwnerDiesBetweenItsParts) {
  constexpr size_t kManyBytes = size_t{8} << 20;
  std::vector<std::byte> remote(kManyBytes, kGood);
  std::vector<std::byte> local(kManyBytes, kStale);
  EXPECT_FALSE(reader_.engine->StartOperation(
      peer_, {.kind = OperationKind::kGet,
              .target = owner_.id,
              .local = local.data(),
              .address = AddressOf(remote.data()),
              .handle = owner_.engine->Register(remote.data(), kManyBytes, kMayRead),
              .bytes = kManyBytes}));
  owner_.Poll();
  reader_.Poll();
  EXPECT_EQ(local.front(), kGood);
  EXPECT_EQ(local.back(), kStale);
  EXPECT_TRUE(reader_.done.empty());
  members_.Kill(owner_.id);
  for (int i = 0; i < kPolls; ++i) reader_.Poll();
  EXPECT_EQ(reader_.losses.size(), 1u);
  EXPECT_EQ(reader_.done_when_lost, 0u);
  EXPECT_EQ(reader_.done, std::vector<bool>{false});
  EXPECT_EQ(local.back(), kStale);
}

}  // namespace
}  // namespace tombolo::mpi

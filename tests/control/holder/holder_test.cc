#include "control/holder/holder.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {
namespace {

constexpr RestartLimits kFast{.first_delay_ns = kNsPerMs, .longest_delay_ns = kNsPerMs};
constexpr int kDeadlineMs = 20'000;

// What a child reports to the test.
struct Report {
  pid_t pid = 0;
  uint64_t lives = 0;  // Children before this one, as the kept memory counts them.
  size_t taken = 0;    // Descriptors that it found.
};

// Runs a holder in a process of its own, with children that report through a pipe.
class HolderTest : public testing::Test {
 protected:
  void SetUp() override {
    int fds[2];
    ASSERT_EQ(pipe(fds), 0);
    reports_ = UniqueFd(fds[0]);
    write_end_ = UniqueFd(fds[1]);
    wake_ = UniqueFd(eventfd(0, EFD_NONBLOCK));
  }

  void TearDown() override {
    if (holder_ > 0) {
      kill(holder_, SIGKILL);
      waitpid(holder_, nullptr, 0);
    }
    if (last_child_ > 0) kill(last_child_, SIGKILL);
  }

  void StartHolder(const ChildMain& child_main) {
    holder_ = fork();
    if (holder_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(RunUnderHolder(child_main, kFast));
  }

  void Send(const Report& report) const {
    if (write(write_end_.Get(), &report, sizeof(report)) != sizeof(report)) _exit(99);
  }

  Report Receive() {
    pollfd wait{.fd = reports_.Get(), .events = POLLIN, .revents = 0};
    Report report;
    EXPECT_EQ(poll(&wait, 1, kDeadlineMs), 1) << "no report of a child";
    EXPECT_EQ(read(reports_.Get(), &report, sizeof(report)), ssize_t{sizeof(report)});
    last_child_ = report.pid;
    return report;
  }

  // The exit code of the holder.
  int Await() {
    int status = 0;
    EXPECT_EQ(waitpid(holder_, &status, 0), holder_);
    holder_ = -1;
    last_child_ = -1;
    return RestartPolicy::ExitCode(status);
  }

  // A child that counts lives in kept memory, and then sleeps.
  int CountLife(DescriptorStore& store) const {
    NamedDescriptors taken = store.Take();
    UniqueFd memory;
    if (const auto found = taken.find("memory"); found != taken.end()) {
      memory = std::move(found->second);
    } else {
      memory = UniqueFd(memfd_create("lives", MFD_CLOEXEC));
      if (ftruncate(memory.Get(), sizeof(uint64_t)) != 0) return 98;
      if (!store.Store("memory", memory.Get()).ok()) return 98;
      if (!store.Store("wake", wake_.Get()).ok()) return 98;
    }
    uint64_t lives = 0;
    if (pread(memory.Get(), &lives, sizeof(lives), 0) != sizeof(lives)) return 98;
    const uint64_t next = lives + 1;
    if (pwrite(memory.Get(), &next, sizeof(next), 0) != sizeof(next)) return 98;
    Send({.pid = getpid(), .lives = lives, .taken = taken.size()});
    store.MarkReady();
    while (true) pause();
  }

  UniqueFd reports_;
  UniqueFd write_end_;
  UniqueFd wake_;
  pid_t holder_ = -1;
  pid_t last_child_ = -1;
};

TEST_F(HolderTest, DescriptorsOutliveTwentyKilledChildren) {
  StartHolder([this](DescriptorStore& store) { return CountLife(store); });
  EXPECT_EQ(Receive().taken, 0u);
  for (uint64_t lives = 1; lives <= 20; ++lives) {
    kill(last_child_, SIGKILL);
    const Report report = Receive();
    EXPECT_EQ(report.taken, 2u);
    EXPECT_EQ(report.lives, lives);
  }
}

TEST_F(HolderTest, StoredDescriptorIsTheSameObject) {
  StartHolder([this](DescriptorStore& store) {
    NamedDescriptors taken = store.Take();
    const auto found = taken.find("wake");
    if (found == taken.end()) {
      // Dies at once: the packet must count although the holder has not read it yet.
      if (!store.Store("wake", wake_.Get()).ok()) return 98;
      kill(getpid(), SIGKILL);
    }
    const uint64_t one = 1;
    if (write(found->second.Get(), &one, sizeof(one)) != sizeof(one)) return 97;
    return 0;
  });
  EXPECT_EQ(Await(), 0);
  uint64_t rings = 0;
  EXPECT_EQ(read(wake_.Get(), &rings, sizeof(rings)), ssize_t{sizeof(rings)});
  EXPECT_EQ(rings, 1u);
}

TEST_F(HolderTest, RemovedDescriptorIsForgotten) {
  StartHolder([this](DescriptorStore& store) {
    if (const NamedDescriptors taken = store.Take(); !taken.empty()) {
      return taken.contains("kept") && taken.size() == 1 ? 0 : 97;
    }
    for (const char* name : {"kept", "dropped", "kept"}) {
      if (!store.Store(name, wake_.Get()).ok()) return 98;
    }
    if (!store.Remove("dropped").ok() || !store.Remove("never stored").ok()) return 98;
    kill(getpid(), SIGKILL);
    return 98;
  });
  EXPECT_EQ(Await(), 0);
}

TEST_F(HolderTest, HoldsThousandsOfDescriptors) {
  constexpr size_t kMany = 2000;
  StartHolder([this](DescriptorStore& store) {
    if (const size_t taken = store.Take().size(); taken != 0) return taken == kMany ? 0 : 97;
    for (size_t i = 0; i < kMany; ++i) {
      if (!store.Store("fd" + std::to_string(i), wake_.Get()).ok()) return 98;
    }
    kill(getpid(), SIGKILL);
    return 98;
  });
  EXPECT_EQ(Await(), 0);
}

TEST_F(HolderTest, FailedStartGivesItsExitCode) {
  StartHolder([](DescriptorStore&) { return 3; });
  EXPECT_EQ(Await(), 3);
}

TEST_F(HolderTest, ErrorAfterReadinessStartsAgain) {
  StartHolder([this](DescriptorStore& store) {
    if (!store.Take().empty()) return 0;
    if (!store.Store("mark", wake_.Get()).ok()) return 98;
    store.MarkReady();
    return 1;
  });
  EXPECT_EQ(Await(), 0);
}

TEST_F(HolderTest, TerminationIsForwardedAndAwaited) {
  StartHolder([this](DescriptorStore&) {
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, nullptr);
    Send({.pid = getpid()});
    int signal = 0;
    sigwait(&term, &signal);
    return 7;
  });
  Receive();
  kill(holder_, SIGTERM);
  EXPECT_EQ(Await(), 7);
}

TEST_F(HolderTest, ChildOutlivesItsHolder) {
  StartHolder([this](DescriptorStore& store) {
    const pid_t parent = getppid();
    Send({.pid = getpid()});
    while (getppid() == parent) sched_yield();  // Until the kernel has given it another parent.
    const bool good = store.Store("late", wake_.Get()).ok() && store.Remove("late").ok();
    Send({.pid = getpid(), .lives = good});
    return 0;
  });
  const pid_t child = Receive().pid;
  kill(holder_, SIGKILL);
  waitpid(holder_, nullptr, 0);
  holder_ = -1;
  const Report second = Receive();
  EXPECT_EQ(second.pid, child);
  EXPECT_EQ(second.lives, 1u);
}

}  // namespace
}  // namespace tombolo::control

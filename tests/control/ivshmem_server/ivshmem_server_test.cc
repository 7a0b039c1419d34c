#include "control/ivshmem_server/ivshmem_server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "control/doorbells/doorbell_table.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/holder/descriptor_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/control/broker/client_process.h"
#include "tests/control/ivshmem_server/raw_client.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint32_t kSlots = 4;
constexpr uint32_t kVectors = 3;
constexpr size_t kHandshakeMessages = 3 + kSlots * kVectors;

// More messages than a Unix socket holds, so that a client has to read for its handshake to end.
constexpr uint32_t kManyVectors = 256;

constexpr int64_t kShortDeadlineNs = 30 * kNsPerMs;
constexpr int64_t kTestDeadlineNs = 20 * kNsPerSecond;

class IvshmemServerTest : public testing::Test {
 protected:
  IvshmemServerTest() {
    // Not testing::TempDir(), which is too long for a socket address.
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    memory_ = UniqueFd(memfd_create("region", MFD_CLOEXEC));
    EXPECT_EQ(ftruncate(memory_.Get(), kMiB), 0);
  }

  ~IvshmemServerTest() override {
    server_->RemoveSocketFiles();
    server_.reset();
    EXPECT_EQ(rmdir(folder_.c_str()), 0) << "socket files were left";
  }

  void Start(uint32_t vectors = kVectors, int64_t deadline_ns = kTestDeadlineNs) {
    doorbells_ = std::make_unique<DoorbellTable>(DoorbellTable::Create(kSlots, vectors).value());
    NamedDescriptors nothing;
    auto server =
        IvshmemServer::Start(*loop_, store_, nothing,
                             {.folder = folder_,
                              .memory_fd = memory_.Get(),
                              .doorbells = doorbells_.get(),
                              .handshake_deadline_ns = deadline_ns,
                              .max_handshaking = 2,
                              .on_join = [this](uint32_t slot) { joined_.push_back(slot); },
                              .on_leave = [this](uint32_t slot) { left_.push_back(slot); }});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  RawClient ConnectAny() { return RawClient(IvshmemServer::AnySlotPath(folder_)); }
  RawClient ConnectTo(uint32_t slot) { return RawClient(IvshmemServer::SlotPath(folder_, slot)); }

  // Lets the server do what it can do now, then reads what it said.
  void Serve(RawClient& client) {
    loop_->Poll();
    client.Read();
  }

  RawClient Join() {
    RawClient client = ConnectAny();
    Serve(client);
    return client;
  }

  void RunUntil(const std::function<bool()>& done) {
    bool is_late = false;
    const Watch watchdog = loop_->After(kTestDeadlineNs, [&] { is_late = true; });
    while (!done() && !is_late) loop_->RunOnce();
    EXPECT_FALSE(is_late);
  }

  std::string folder_ = "/tmp/ivshmem_XXXXXX";
  UniqueFd memory_;
  std::unique_ptr<EventLoop> loop_ = EventLoop::Create().value();
  std::unique_ptr<DoorbellTable> doorbells_;
  NullStore store_;
  std::unique_ptr<IvshmemServer> server_;
  std::vector<uint32_t> joined_;
  std::vector<uint32_t> left_;
};

std::vector<int64_t> Values(const RawClient& client) {
  std::vector<int64_t> values;
  for (const RawMessage& message : client.Messages()) values.push_back(message.value);
  return values;
}

uint64_t Take(int eventfd) {
  eventfd_t count = 0;
  return eventfd_read(eventfd, &count) == 0 ? count : 0;
}

TEST_F(IvshmemServerTest, SendsTheHandshakeInTheProtocolsOrder) {
  Start();
  const RawClient client = Join();
  EXPECT_THAT(Values(client), ElementsAre(0, 1, -1, 0, 0, 0, 2, 2, 2, 3, 3, 3, 1, 1, 1));
  EXPECT_FALSE(client.Messages()[0].fd.IsOpen());
  EXPECT_FALSE(client.Messages()[1].fd.IsOpen());
  EXPECT_THAT(joined_, ElementsAre(1));
  EXPECT_TRUE(server_->IsJoined(1));
  EXPECT_EQ(server_->HandshakingCount(), 0u);
}

TEST_F(IvshmemServerTest, AKilledMachineLeavesWhenItIsDead) {
  Start();
  ClientProcess machine([this](int) {
    const RawClient client = ConnectTo(2);
    while (true) pause();
    return 0;
  });
  RunUntil([this] { return server_->IsJoined(2); });
  EXPECT_TRUE(absl::IsNotFound(server_->Kill(1).status()));
  const absl::StatusOr<pid_t> killed = server_->Kill(2);
  ASSERT_TRUE(killed.ok()) << killed.status();
  EXPECT_EQ(*killed, machine.Pid());
  EXPECT_THAT(left_, IsEmpty());
  RunUntil([this] { return !left_.empty(); });
  EXPECT_THAT(left_, ElementsAre(2));
}

TEST_F(IvshmemServerTest, HandsOutTheRegionItself) {
  Start();
  const RawClient client = Join();
  struct stat seen, expected;
  ASSERT_EQ(fstat(client.Messages()[2].fd.Get(), &seen), 0);
  ASSERT_EQ(fstat(memory_.Get(), &expected), 0);
  EXPECT_EQ(seen.st_dev, expected.st_dev);
  EXPECT_EQ(seen.st_ino, expected.st_ino);
}

TEST_F(IvshmemServerTest, EveryDescriptorIsTheEventfdOfItsSlotAndVector) {
  Start();
  const RawClient client = Join();
  ASSERT_EQ(client.Messages().size(), kHandshakeMessages);
  for (size_t i = 3; i < kHandshakeMessages; ++i) {
    const auto slot = static_cast<uint32_t>(client.Messages()[i].value);
    const auto vector = static_cast<uint32_t>((i - 3) % kVectors);
    const int theirs = client.Messages()[i].fd.Get();
    eventfd_write(theirs, i);
    EXPECT_EQ(Take(doorbells_->Fd(slot, vector)), i);
    doorbells_->Ring(slot, vector);
    EXPECT_EQ(Take(theirs), 1u);
  }
}

TEST_F(IvshmemServerTest, GivesTheLowestVacantSlotAndNeverTheHosts) {
  Start();
  RawClient first = Join();
  RawClient second = Join();
  RawClient third = Join();
  EXPECT_EQ(first.Slot(), 1);
  EXPECT_EQ(second.Slot(), 2);
  EXPECT_EQ(third.Slot(), 3);
  second.Close();
  const RawClient fourth = Join();
  EXPECT_EQ(fourth.Slot(), 2);
  EXPECT_THAT(left_, ElementsAre(2));
}

TEST_F(IvshmemServerTest, TurnsNewcomersAwayWhenAllSlotsAreTaken) {
  Start();
  const RawClient clients[] = {Join(), Join(), Join()};
  const RawClient late = Join();
  EXPECT_TRUE(late.SawEnd());
  EXPECT_THAT(Values(late), ElementsAre(-ENOSPC));
}

TEST_F(IvshmemServerTest, ASlotSocketGivesItsSlotOrNothing) {
  Start();
  RawClient owner = ConnectTo(3);
  Serve(owner);
  EXPECT_EQ(owner.Slot(), 3);
  RawClient intruder = ConnectTo(3);
  Serve(intruder);
  EXPECT_TRUE(intruder.SawEnd());
  EXPECT_THAT(Values(intruder), ElementsAre(-EBUSY));
  EXPECT_TRUE(server_->IsJoined(3));
  EXPECT_THAT(left_, IsEmpty());
}

TEST_F(IvshmemServerTest, ARejoinerGetsItsOldEventfdsAndNobodyElseHearsOfIt) {
  Start();
  RawClient bystander = Join();
  for (int cycle = 0; cycle < 30; ++cycle) {
    RawClient client = ConnectTo(2);
    Serve(client);
    ASSERT_EQ(client.Messages().size(), kHandshakeMessages);
    // The bystander's own descriptor of (2, 0) still reaches whoever is there now.
    eventfd_write(bystander.Messages()[6].fd.Get(), 1);
    EXPECT_EQ(Take(client.Messages()[12].fd.Get()), 1u);
    client.Close();
  }
  loop_->Poll();
  bystander.Read();
  EXPECT_EQ(bystander.Messages().size(), kHandshakeMessages);
  EXPECT_EQ(joined_.size(), 31u);
  EXPECT_EQ(left_.size(), 30u);
}

TEST_F(IvshmemServerTest, FindsASlotVacantThoughItsEndWaitsBehindTheNewcomer) {
  Start();
  RawClient first = ConnectTo(2);
  Serve(first);
  RawClient second = ConnectTo(2);  // The newcomer is in the queue before the old one closes.
  first.Close();
  Serve(second);
  EXPECT_EQ(second.Slot(), 2);
  EXPECT_THAT(left_, ElementsAre(2));
  EXPECT_THAT(joined_, ElementsAre(2, 2));
}

TEST_F(IvshmemServerTest, AClientThatSaysSomethingLeaves) {
  Start();
  RawClient client = Join();
  client.SendByte();
  Serve(client);
  EXPECT_TRUE(client.SawEnd());
  EXPECT_THAT(left_, ElementsAre(1));
}

TEST_F(IvshmemServerTest, AClientThatClosesWithUnreadMessagesLeaves) {
  Start();
  RawClient client = ConnectAny();
  loop_->Poll();
  EXPECT_THAT(joined_, ElementsAre(1));
  client.Close();  // The server's end sees ECONNRESET, not an end of file.
  loop_->Poll();
  EXPECT_THAT(left_, ElementsAre(1));
}

TEST_F(IvshmemServerTest, ALongHandshakeGoesOnAsTheClientReads) {
  Start(kManyVectors);
  RawClient client = ConnectAny();
  loop_->Poll();
  EXPECT_THAT(joined_, IsEmpty());
  EXPECT_EQ(server_->HandshakingCount(), 1u);
  RunUntil([&] {
    client.Read();
    return !joined_.empty();
  });
  client.Read();
  EXPECT_EQ(client.Messages().size(), 3 + kSlots * kManyVectors);
  EXPECT_FALSE(client.SawEnd());
}

TEST_F(IvshmemServerTest, DropsAClientThatNeverReadsWithoutACallback) {
  Start(kManyVectors, kShortDeadlineNs);
  RawClient client = ConnectAny();
  loop_->Poll();
  EXPECT_EQ(server_->HandshakingCount(), 1u);
  RunUntil([&] { return server_->HandshakingCount() == 0; });
  EXPECT_FALSE(server_->IsJoined(1));
  EXPECT_THAT(joined_, IsEmpty());
  EXPECT_THAT(left_, IsEmpty());
}

TEST_F(IvshmemServerTest, AnHonestClientJoinsBesideOneThatNeverReads) {
  Start(kManyVectors);
  RawClient deaf = ConnectAny();
  loop_->Poll();
  RawClient honest = ConnectAny();
  RunUntil([&] {
    honest.Read();
    return !joined_.empty();
  });
  EXPECT_THAT(joined_, ElementsAre(2));
  EXPECT_EQ(server_->HandshakingCount(), 1u);
}

TEST_F(IvshmemServerTest, HoardersWaitInTheKernelsQueueAndAnHonestClientComesThrough) {
  Start(kManyVectors, kShortDeadlineNs);
  std::vector<RawClient> hoarders;
  for (int i = 0; i < 10; ++i) hoarders.push_back(ConnectAny());
  for (int turn = 0; turn < 5; ++turn) {
    loop_->Poll();
    EXPECT_LE(server_->HandshakingCount(), 2u);
  }
  RawClient honest = ConnectAny();
  RunUntil([&] {
    honest.Read();
    return !joined_.empty();
  });
  EXPECT_EQ(server_->IsJoined(static_cast<uint32_t>(honest.Slot())), true);
}

TEST_F(IvshmemServerTest, ANewcomerWaitsForASlotThatMayStillBecomeVacant) {
  // The real deadline: the honest one must not miss it on a busy machine.
  Start(kManyVectors, kNsPerSecond);
  RawClient deaf = ConnectTo(3);
  loop_->Poll();
  RawClient honest = ConnectTo(3);
  RunUntil([&] {
    honest.Read();
    return !joined_.empty();
  });
  EXPECT_EQ(honest.Slot(), 3);
}

// Sets the limit of descriptors for as long as it lives.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t limit) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit lower{limit, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &lower);
  }
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

rlim_t LowestFreeDescriptor() { return static_cast<rlim_t>(UniqueFd(dup(0)).Get()); }

TEST_F(IvshmemServerTest, RestsWhenItsDescriptorsAreUsedUpAndRecovers) {
  Start();
  RawClient client = ConnectAny();
  {
    const DescriptorLimit limit(LowestFreeDescriptor());
    bool is_over = false;
    const Watch end = loop_->After(150 * kNsPerMs, [&] { is_over = true; });
    int turns = 0;
    while (!is_over) {
      loop_->RunOnce();
      ++turns;
    }
    EXPECT_LE(turns, 6) << "the loop spun";
  }
  EXPECT_THAT(joined_, IsEmpty());
  RunUntil([&] { return !joined_.empty(); });
  Serve(client);
  EXPECT_EQ(client.Messages().size(), kHandshakeMessages);
}

// The kernel counts descriptors in flight per user, and spares the privileged.
TEST_F(IvshmemServerTest, GoesOnWhenTooManyDescriptorsWereInFlight) {
  constexpr uint32_t kFitsTheSocket = 64;
  Start(kFitsTheSocket);
  RawClient hoarder = ConnectAny();
  loop_->Poll();
  EXPECT_THAT(joined_, ElementsAre(1));  // 257 descriptors that nobody takes.
  RawClient honest = ConnectAny();
  {
    const DescriptorLimit limit(kSlots * kFitsTheSocket + 64);
    const uid_t user = geteuid();
    const bool gave_up_privilege = user == 0 && seteuid(65534) == 0;
    loop_->Poll();
    if (gave_up_privilege) {
      EXPECT_EQ(seteuid(user), 0);
    }
    if (joined_.size() > 1) GTEST_SKIP() << "this user is not limited";
    EXPECT_EQ(server_->HandshakingCount(), 1u);
  }
  RunUntil([&] {
    honest.Read();
    return joined_.size() > 1;
  });
  EXPECT_EQ(honest.Slot(), 2);
}

TEST_F(IvshmemServerTest, RefusesAFolderThatAnotherServerServes) {
  Start();
  NamedDescriptors nothing;
  auto second = IvshmemServer::Start(
      *loop_, store_, nothing,
      {.folder = folder_, .memory_fd = memory_.Get(), .doorbells = doorbells_.get()});
  EXPECT_TRUE(absl::IsAlreadyExists(second.status())) << second.status();
}

}  // namespace
}  // namespace tombolo::control

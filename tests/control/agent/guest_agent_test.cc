// A guest's agent with real sockets and processes, over a simulated device; the daemon's registry
// and its ends of the links are in the same thread.
#include "control/agent/guest_agent.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "control/daemon/guest_links.h"
#include "control/daemon/member_table_mirror.h"
#include "control/daemon/service_desk.h"
#include "control/doorbells/doorbell_table.h"
#include "control/holder/local_store.h"
#include "control/registry/registry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/control/broker/client_process.h"
#include "transport/base/clock.h"
#include "transport/device/simulated_device.h"
#include "transport/endpoint/broker_client.h"

namespace tombolo::control {
namespace {

using testing::HasSubstr;

constexpr uint64_t kRegionBytes = uint64_t{4} << 20;
constexpr RegionLimits kLimits{
    .region_bytes = kRegionBytes, .slot_count = 4, .vector_count = 4, .endpoint_count = 64};
constexpr uint16_t kSlot = 2;
constexpr int64_t kDeadlineNs = 20 * kNsPerSecond;
constexpr int kNotAttached = 99;

// A guest's device: the region's memory, and the daemon's own doorbells.
class GuestDevice final : public Device {
 public:
  GuestDevice(std::span<std::byte> memory, const DoorbellTable& doorbells)
      : memory_(memory), doorbells_(doorbells) {}
  std::span<std::byte> Memory() override { return memory_; }
  MemoryType Type() const override { return MemoryType::kUncached; }
  void Ring(uint16_t slot, uint16_t vector) override { doorbells_.Ring(slot, vector); }

 private:
  const std::span<std::byte> memory_;
  const DoorbellTable& doorbells_;
};

class GuestAgentTest : public testing::Test {
 protected:
  GuestAgentTest()
      : simulated_(*SimulatedRegion::Create(kRegionBytes, 1, 1)),
        region_(*Region::Format(simulated_->Memory(), kLimits, RegionUuid{}, CacheSizes{})),
        doorbells_(*DoorbellTable::Create(4, 4)),
        device_(simulated_->Memory(), doorbells_),
        registry_(RegistryLimits{.slots = 4, .vectors = 4, .endpoints = 64}),
        mirror_(region_),
        services_(region_, registry_, mirror_, [] {}),
        loop_(*EventLoop::Create()) {
    registry_.AddObserver([this](const MembershipEvent& event) { mirror_.Write(event); });
    links_ = *GuestLinks::Start(*loop_, region_, doorbells_, registry_, services_);
    EXPECT_TRUE(registry_.OccupySlot(kSlot, PeerKind::kVm, 0).ok());
    char folder[] = "/tmp/guest_agent.XXXXXX";
    EXPECT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    options_ = {.broker_socket = folder_ + "/broker.sock", .boot_id = {1, 2}};
  }
  ~GuestAgentTest() override { std::filesystem::remove_all(folder_); }

  AgentDevice Describe() {
    AgentDevice device;
    device.device = &device_;
    device.slot = kSlot;
    for (uint32_t vector = 0; vector < 4; ++vector) {
      device.eventfds.push_back(doorbells_.Fd(kSlot, vector));
    }
    device.memory.memory_bytes = kRegionBytes;
    device.memory.memory_fd = simulated_->MemoryFd();
    return device;
  }

  void StartAgent() {
    NamedDescriptors inherited = store_.Take();
    auto agent = GuestAgent::Start(*loop_, store_, inherited, Describe(), options_);
    ASSERT_TRUE(agent.ok()) << agent.status();
    agent_ = *std::move(agent);
  }

  absl::Status StartError(const AgentDevice& device) {
    NamedDescriptors none;
    return GuestAgent::Start(*loop_, store_, none, device, options_).status();
  }

  unsigned SocketMode() const {
    struct stat socket {};
    EXPECT_EQ(stat(options_.broker_socket.c_str(), &socket), 0);
    return socket.st_mode & 0777;
  }

  bool RunUntil(const std::function<bool()>& condition) {
    const int64_t end_ns = MonotonicNs() + kDeadlineNs;
    const Watch tick = loop_->Every(5 * kNsPerMs, [] {});
    while (!condition()) {
      if (MonotonicNs() > end_ns) return false;
      loop_->RunOnce();
    }
    return true;
  }

  std::vector<EndpointInfo> Live() const {
    const auto peer = registry_.FindPeer(kSlot);
    return peer ? peer->endpoints : std::vector<EndpointInfo>();
  }

  // A process of the guest that attaches and then sleeps until it is killed; ends with 1 when it
  // cannot attach.
  std::unique_ptr<ClientProcess> Process() {
    return std::make_unique<ClientProcess>([this](int) {
      const auto broker = BrokerClient::Connect(options_.broker_socket);
      if (!broker.ok()) return 2;
      const auto attachment = (*broker)->Attach("rank");
      if (!attachment.ok()) return absl::IsUnavailable(attachment.status()) ? 1 : 3;
      while (true) pause();
    });
  }

  // A process of the guest that opens, or closes, a service; it ends with the code of the answer.
  std::unique_ptr<ClientProcess> ServiceProcess(bool closes) {
    return std::make_unique<ClientProcess>([this, closes](int) {
      const auto broker = BrokerClient::Connect(options_.broker_socket);
      if (!broker.ok() || !(*broker)->Attach("writer").ok()) return kNotAttached;
      return (closes ? (*broker)->CloseService("cache") : (*broker)->OpenService("cache").status())
          .raw_code();
    });
  }

  // Runs it to its end, and until that is told.
  int CodeOf(const std::unique_ptr<ClientProcess>& process) {
    EXPECT_TRUE(RunUntil([&] { return process->HasEnded(); }));
    EXPECT_TRUE(RunUntil([this] { return Live().empty(); }));
    return process->Await();
  }

  std::unique_ptr<ClientProcess> AttachedProcess() {
    auto process = Process();
    EXPECT_TRUE(RunUntil([this] { return Live().size() == 1; }));
    EXPECT_TRUE(RunUntil([this] { return !agent_->Broker().Endpoints().empty(); }));
    return process;
  }

  std::shared_ptr<SimulatedRegion> simulated_;
  Region region_;
  DoorbellTable doorbells_;
  GuestDevice device_;
  Registry registry_;
  MemberTableMirror mirror_;
  ServiceDesk services_;
  LocalStore store_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<GuestLinks> links_;
  std::string folder_;
  GuestAgentOptions options_;
  std::unique_ptr<GuestAgent> agent_;
};

TEST_F(GuestAgentTest, ProcessesOfTheGuestBecomeEndpointsOfItsSlot) {
  StartAgent();
  const auto process = AttachedProcess();
  const EndpointInfo endpoint = Live()[0];
  EXPECT_EQ(endpoint.slot, kSlot);
  EXPECT_EQ(endpoint.name, "rank");
  EXPECT_EQ(endpoint.pid, process->Pid());
}

TEST_F(GuestAgentTest, KilledProcessIsTold) {
  StartAgent();
  AttachedProcess()->Kill();
  EXPECT_TRUE(RunUntil([this] { return Live().empty(); }));
}

TEST_F(GuestAgentTest, SuccessorGoesOnWithTheEndpoints) {
  StartAgent();
  const auto process = AttachedProcess();
  const EndpointId id = Live()[0].id;
  for (int i = 0; i < 3; ++i) {
    agent_.reset();
    StartAgent();
    ASSERT_TRUE(RunUntil([this] { return agent_->IsUp(); }));
    loop_->Poll();
    ASSERT_EQ(Live().size(), 1u);
    EXPECT_EQ(Live()[0].id, id);
  }
  process->Kill();
  EXPECT_TRUE(RunUntil([this] { return Live().empty(); }));
}

TEST_F(GuestAgentTest, SuccessorTellsOfDeathsInBetween) {
  StartAgent();
  const auto process = AttachedProcess();
  agent_.reset();
  process->Kill();
  StartAgent();
  EXPECT_TRUE(RunUntil([this] { return Live().empty(); }));
}

TEST_F(GuestAgentTest, EndpointThatNobodyServesLivesUntilItsProcessDies) {
  StartAgent();
  const auto process = AttachedProcess();
  agent_.reset();
  store_ = LocalStore();  // The holder died too.
  std::filesystem::remove(options_.broker_socket);
  StartAgent();
  ASSERT_TRUE(RunUntil([this] { return agent_->IsUp(); }));
  loop_->Poll();
  EXPECT_EQ(Live().size(), 1u);
  process->Kill();
  EXPECT_TRUE(RunUntil([this] { return Live().empty(); }));
}

TEST_F(GuestAgentTest, EndpointThatDiedUnservedIsNotInTheResync) {
  StartAgent();
  const auto process = AttachedProcess();
  agent_.reset();
  store_ = LocalStore();
  std::filesystem::remove(options_.broker_socket);
  process->Kill();
  StartAgent();
  EXPECT_TRUE(RunUntil([this] { return Live().empty(); }));
}

TEST_F(GuestAgentTest, RestartedDaemonKeepsTheEndpoints) {
  StartAgent();
  const auto process = AttachedProcess();
  links_ = *GuestLinks::Start(*loop_, region_, doorbells_, registry_, services_);
  ASSERT_TRUE(RunUntil([this] { return links_->IsUp(kSlot) && agent_->IsUp(); }));
  loop_->Poll();
  EXPECT_EQ(Live().size(), 1u);
}

TEST_F(GuestAgentTest, AttachWaitsForTheDaemon) {
  links_.reset();
  StartAgent();
  const auto process = Process();
  ASSERT_TRUE(RunUntil([this] { return agent_->Broker().ClientCount() == 1; }));
  links_ = *GuestLinks::Start(*loop_, region_, doorbells_, registry_, services_);
  EXPECT_TRUE(RunUntil([this] { return Live().size() == 1; }));
}

TEST_F(GuestAgentTest, WithoutDaemonAttachFailsInTime) {
  links_.reset();
  options_.attach_deadline_ns = 20 * kNsPerMs;
  StartAgent();
  const auto process = Process();
  ASSERT_TRUE(RunUntil([this] { return agent_->Broker().ClientCount() == 1; }));
  ASSERT_TRUE(RunUntil([this] { return agent_->Broker().ClientCount() == 0; }));
  EXPECT_EQ(process->Await(), 1);
}

TEST_F(GuestAgentTest, ProcessesOfTheGuestOpenAndCloseServices) {
  StartAgent();
  EXPECT_EQ(CodeOf(ServiceProcess(true)), static_cast<int>(absl::StatusCode::kNotFound));
  EXPECT_EQ(CodeOf(ServiceProcess(false)), 0);
  ASSERT_EQ(registry_.Services().size(), 1u);
  EXPECT_EQ(registry_.Services()[0].name, "cache");
  EXPECT_EQ(registry_.Services()[0].maker_slot, kSlot);
  EXPECT_EQ(CodeOf(ServiceProcess(true)), 0);
  EXPECT_TRUE(registry_.Services()[0].is_going);
}

TEST_F(GuestAgentTest, WithoutDaemonAServiceIsRefusedInTime) {
  options_.attach_deadline_ns = kNsPerSecond;
  StartAgent();
  const auto process = std::make_unique<ClientProcess>([this](int channel) {
    const auto broker = BrokerClient::Connect(options_.broker_socket);
    if (!broker.ok() || !(*broker)->Attach("writer").ok()) return kNotAttached;
    Hear(channel);
    return (*broker)->OpenService("cache").status().raw_code();
  });
  ASSERT_TRUE(RunUntil([this] { return agent_->Broker().Endpoints().size() == 1; }));
  links_.reset();
  Say(process->Channel());
  ASSERT_TRUE(RunUntil([&] { return process->HasEnded(); }));
  EXPECT_EQ(process->Await(), static_cast<int>(absl::StatusCode::kUnavailable));
}

TEST_F(GuestAgentTest, TheSocketIsForItsGroup) {
  StartAgent();
  EXPECT_EQ(SocketMode(), 0660u);
}

// An endpoint gets a descriptor of /dev/mem there (docs/devices.md).
TEST_F(GuestAgentTest, ADeviceForRootOnlyHasASocketForRootOnly) {
  AgentDevice device = Describe();
  device.for_root_only = true;
  NamedDescriptors none;
  const auto agent = GuestAgent::Start(*loop_, store_, none, device, options_);
  ASSERT_TRUE(agent.ok()) << agent.status();
  EXPECT_EQ(SocketMode(), 0600u);
}

TEST_F(GuestAgentTest, DeviceThatDoesNotFitIsRefused) {
  AgentDevice no_slot = Describe();
  no_slot.slot = 0;
  EXPECT_THAT(std::string(StartError(no_slot).message()), HasSubstr("slot in this region is 1 to"));
  AgentDevice few_vectors = Describe();
  few_vectors.eventfds.pop_back();
  EXPECT_THAT(std::string(StartError(few_vectors).message()), HasSubstr("vectors=4"));
  simulated_->Memory()[0] = std::byte{0};
  EXPECT_TRUE(absl::IsFailedPrecondition(StartError(Describe())));
}

}  // namespace
}  // namespace tombolo::control

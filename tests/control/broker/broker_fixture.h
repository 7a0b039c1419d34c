// A broker with real sockets and real client processes, over a backend that hands out a simulated
// region and writes down what it is told.
#pragma once

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "control/broker/broker_server.h"
#include "control/holder/local_store.h"
#include "gtest/gtest.h"
#include "tests/control/broker/client_process.h"
#include "transport/base/clock.h"
#include "transport/base/unix_socket.h"
#include "transport/device/simulated_device.h"
#include "transport/endpoint/broker_client.h"

namespace tombolo::control {

class RecordingBackend final : public BrokerBackend {
 public:
  explicit RecordingBackend(std::shared_ptr<SimulatedRegion> region) : region_(std::move(region)) {}

  void AttachEndpoint(const std::string& name, pid_t pid, AttachDone done) override {
    names.push_back(name);
    pids.push_back(pid);
    if (postpone) {
      postponed.push_back(std::move(done));
    } else {
      done(Answer());
    }
  }
  absl::StatusOr<Grant> GrantAgain(const ServedEndpoint& endpoint) override {
    return GrantOf(endpoint.id);
  }
  void EndpointGone(tombolo::EndpointId id) override { gone.push_back(id); }
  absl::StatusOr<int> Doorbell(uint16_t slot, uint16_t vector) override {
    if (on_doorbell) on_doorbell();
    const int eventfd = region_->Eventfd(slot, vector);
    if (eventfd < 0) return absl::NotFoundError("no such doorbell");
    return eventfd;
  }

  void OpenService(const std::string& name, tombolo::EndpointId writer,
                   OpenServiceDone done) override {
    if (!refusal.ok()) return done(refusal);
    opened.emplace_back(name, writer);
    done(ServiceGrant{3, 9});
  }
  void CloseService(const std::string& name, EndpointId, CloseServiceDone done) override {
    closed.push_back(name);
    done(refusal);
  }

  absl::StatusOr<Grant> Answer() {
    if (!refusal.ok()) return refusal;
    return GrantOf({next_index++, 7});
  }
  Grant GrantOf(tombolo::EndpointId id) const {
    return {.id = id,
            .slot = 0,
            .vector = 2,
            .memory_bytes = region_->Memory().size(),
            .memory_fd = region_->MemoryFd(),
            .wake_fd = region_->Eventfd(0, 2)};
  }

  absl::Status refusal;
  bool postpone = false;
  std::function<void()> on_doorbell;
  std::vector<AttachDone> postponed;
  std::vector<std::string> names;
  std::vector<pid_t> pids;
  std::vector<tombolo::EndpointId> gone;
  std::vector<std::pair<std::string, tombolo::EndpointId>> opened;
  std::vector<std::string> closed;
  uint32_t next_index = 0;

 private:
  const std::shared_ptr<SimulatedRegion> region_;
};

class BrokerFixture : public testing::Test {
 protected:
  static constexpr int64_t kDeadlineNs = 20 * kNsPerSecond;

  void SetUp() override {
    // Not testing::TempDir(): a socket address holds 107 bytes.
    char folder[] = "/tmp/broker_test.XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    options_.socket_path = (folder_ / "broker.sock").string();
    loop_ = EventLoop::Create().value();
    region_ = SimulatedRegion::Create(kMiB, 2, 4).value();
    backend_ = std::make_unique<RecordingBackend>(region_);
    Start();
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Start() {
    NamedDescriptors inherited = store_.Take();
    auto server = BrokerServer::Start(*loop_, store_, *backend_, inherited, options_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  void StartAnew() {
    server_.reset();
    Start();
  }

  // Turns the loop until `condition` holds. False: the deadline passed.
  bool RunUntil(const std::function<bool()>& condition) {
    const int64_t end_ns = MonotonicNs() + kDeadlineNs;
    const Watch tick = loop_->Every(10 * kNsPerMs, [] {});
    while (!condition()) {
      if (MonotonicNs() > end_ns) return false;
      loop_->RunOnce();
    }
    return true;
  }

  // Turns the loop until the client has said something.
  bool HearFrom(const ClientProcess& client) {
    pollfd wait{.fd = client.Channel(), .events = POLLIN, .revents = 0};
    if (!RunUntil([&wait] { return poll(&wait, 1, 0) == 1; })) return false;
    char byte = 0;
    return read(client.Channel(), &byte, 1) == 1;
  }

  // A process that attaches, says so, and waits until it is killed.
  std::unique_ptr<ClientProcess> AttachedProcess() {
    auto client = std::make_unique<ClientProcess>([this](int channel) {
      const auto broker = BrokerClient::Connect(options_.socket_path);
      if (!broker.ok() || !(*broker)->Attach("sleeper").ok()) return 1;
      Say(channel);
      while (true) pause();
    });
    EXPECT_TRUE(HearFrom(*client));
    return client;
  }

  std::filesystem::path folder_;
  BrokerOptions options_;
  LocalStore store_;
  std::unique_ptr<EventLoop> loop_;
  std::shared_ptr<SimulatedRegion> region_;
  std::unique_ptr<RecordingBackend> backend_;
  std::unique_ptr<BrokerServer> server_;
};

}  // namespace tombolo::control

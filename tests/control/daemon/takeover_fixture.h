// A daemon, its successors on the same descriptor store, and what they serve, all in this process.
// A daemon ends without a word, as if it had been killed.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "control/broker/kept_name.h"
#include "control/client/control_client.h"
#include "control/daemon/daemon.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/holder/local_store.h"
#include "control/ivshmem_server/ivshmem_server.h"
#include "gtest/gtest.h"
#include "tests/control/ivshmem_server/raw_client.h"
#include "tests/support/temp_dir.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"
#include "transport/base/unix_socket.h"
#include "transport/device/mapping.h"
#include "transport/endpoint/broker_protocol.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

class TakeoverTest : public testing::Test {
 protected:
  static constexpr uint32_t kSlots = 4;
  static constexpr uint32_t kVectors = 3;
  static constexpr uint64_t kRegionBytes = 4 * kMiB;
  static constexpr int64_t kTestDeadlineNs = 20 * kNsPerSecond;

  TakeoverTest() {
    options_ = {.runtime_dir = folder_.File("run"),
                .limits = {.region_bytes = kRegionBytes,
                           .slot_count = kSlots,
                           .vector_count = kVectors,
                           .endpoint_count = 64},
                .http = {}};
  }

  absl::Status Start() {
    auto daemon = Daemon::Start(*loop_, store_, options_);
    if (daemon.ok()) daemon_ = *std::move(daemon);
    return daemon.status();
  }

  // The daemon is killed and another one is started.
  void Restart() {
    daemon_.reset();
    const absl::Status started = Start();
    ASSERT_TRUE(started.ok()) << started;
    for (int i = 0; i < 4; ++i) loop_->Poll();
  }

  void RunUntil(const std::function<bool()>& done) {
    bool is_late = false;
    const Watch watchdog = loop_->After(kTestDeadlineNs, [&] { is_late = true; });
    while (!done() && !is_late) loop_->RunOnce();
    EXPECT_FALSE(is_late);
  }

  RawClient Join(uint32_t slot) {
    RawClient client(IvshmemServer::SlotPath(options_.runtime_dir, slot));
    RunUntil([&] {
      client.Read();
      return client.Messages().size() == 3 + kSlots * options_.limits.vector_count;
    });
    return client;
  }

  UniqueFd Connect() {
    return ConnectUnix(options_.runtime_dir + "/broker.sock", SOCK_SEQPACKET).value();
  }

  static void Send(int broker, BrokerOp op, const std::string& name = "test") {
    BrokerRequest request;
    request.op = op;
    name.copy(request.name, sizeof(request.name) - 1);
    ASSERT_EQ(SendMessage(broker, std::as_bytes(std::span(&request, 1)), {}), 0);
  }

  // The next reply; its descriptors are dropped but for the first one.
  BrokerReply Hear(int broker, UniqueFd* first = nullptr) {
    pollfd wait{.fd = broker, .events = POLLIN, .revents = 0};
    RunUntil([&wait] { return poll(&wait, 1, 0) == 1; });
    BrokerReply reply;
    auto received = ReceiveMessage(broker, std::as_writable_bytes(std::span(&reply, 1)));
    EXPECT_TRUE(received.ok() && received->size_bytes == sizeof(reply));
    if (first != nullptr && !received->fds.empty()) *first = std::move(received->fds[0]);
    return reply;
  }

  // This process as an endpoint.
  struct Attached {
    UniqueFd broker;
    EndpointId id;
    Mapping memory;
  };
  Attached Attach() {
    Attached attached{.broker = Connect(), .id = {}, .memory = {}};
    Send(attached.broker.Get(), BrokerOp::kAttach);
    UniqueFd memory;
    const BrokerReply reply = Hear(attached.broker.Get(), &memory);
    EXPECT_EQ(reply.code, 0) << reply.text;
    attached.id = {reply.endpoint_index, reply.endpoint_incarnation};
    attached.memory = Mapping::Map(memory.Get(), 0, kRegionBytes).value();
    return attached;
  }

  PeerList List() const {
    return ControlClient(options_.runtime_dir + "/control.sock").ListPeers().value();
  }

  // As if the daemon had been killed before it kept the socket of `id`.
  void ForgetSocketOf(EndpointId id) {
    std::vector<std::string> names;
    for (const auto& [name, fd] : store_.Kept()) {
      const auto endpoint = ParseKeptSocketName(name);
      if (endpoint && endpoint->id == id) names = {name, KeptPidfdName(*endpoint)};
    }
    EXPECT_EQ(names.size(), 2u);
    for (const std::string& name : names) EXPECT_TRUE(store_.Remove(name).ok());
  }

  TempDir folder_;
  DaemonOptions options_;
  LocalStore store_;
  std::unique_ptr<EventLoop> loop_ = EventLoop::Create().value();
  std::unique_ptr<Daemon> daemon_;
};

}  // namespace tombolo::control

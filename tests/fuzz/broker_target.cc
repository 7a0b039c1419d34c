// The broker's server: packets of any shape from several connections, before and after they attach,
// with descriptors that nobody asked for, and connections that close at any moment.
#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "control/broker/broker_server.h"
#include "control/event_loop/event_loop.h"
#include "control/holder/descriptor_store.h"
#include "spdlog/spdlog.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/base/unix_socket.h"
#include "transport/endpoint/broker_protocol.h"

namespace tombolo::fuzz {
namespace {

using control::BrokerBackend;
using control::EventLoop;

constexpr int kMostSteps = 64;
constexpr size_t kMostClients = 4;

class BrokerTarget final : public BrokerBackend {
 public:
  explicit BrokerTarget(Input& input) : input_(input) {
    spdlog::set_level(spdlog::level::off);
    control::NamedDescriptors inherited;
    server_ = *control::BrokerServer::Start(*loop_, store_, *this, inherited,
                                            {.socket_path = path_, .max_clients = kMostClients});
  }
  ~BrokerTarget() override {
    clients_.clear();
    Settle();
    server_->RemoveSocketFile();
  }

  void Run() {
    for (int i = 0; i < kMostSteps && !input_.IsEmpty(); ++i) Step();
  }

 private:
  void Step() {
    const uint32_t what = input_.Below(10);
    if (what == 0 || clients_.empty()) return Connect();
    const uint32_t which = input_.Below(static_cast<uint32_t>(clients_.size()));
    UniqueFd& client = clients_[which];
    if (what == 1) {
      clients_.erase(clients_.begin() + which);
    } else if (what == 2) {
      SendMessage(client.Get(), std::as_bytes(input_.Take(input_.Below(100))), {});
    } else if (what == 3) {
      FinishOne();
    } else if (what < 9) {
      SendRequest(client.Get());
    }
    if (input_.Below(4) != 0) Settle();
  }

  void Connect() {
    if (clients_.size() > kMostClients) clients_.pop_back();
    auto client = ConnectUnix(path_, SOCK_SEQPACKET | SOCK_NONBLOCK);
    if (client.ok()) clients_.push_back(*std::move(client));
    Settle();
  }

  void SendRequest(int client) {
    BrokerRequest request;
    request.op = static_cast<BrokerOp>(input_.Below(7));
    request.slot = input_.Byte();
    request.vector = input_.Byte();
    switch (input_.Below(8)) {
      case 0:
        request.magic = input_.Number<uint32_t>();
        break;
      case 1:
        request.version = input_.Number<uint16_t>();
        break;
      case 2: {
        const auto name = input_.Take(sizeof(request.name));
        std::copy(name.begin(), name.end(), request.name);
        break;
      }
      default:
        break;
    }
    const int fds[] = {memory_.Get(), memory_.Get()};
    SendMessage(client, std::as_bytes(std::span(&request, 1)), std::span(fds, input_.Below(8) / 6));
  }

  // Bounded, because each turn serves what has come, and nothing more does.
  void Settle() {
    for (int i = 0; i < 8; ++i) loop_->Poll();
  }

  void FinishOne() {
    if (waiting_.empty()) return;
    const AttachDone done = std::move(waiting_.back());
    waiting_.pop_back();
    done(Answer());
  }

  absl::StatusOr<control::Grant> Answer() {
    if (input_.Below(4) == 0) return absl::ResourceExhaustedError("no endpoint is free");
    return control::Grant{.id = {next_index_++, 1},
                          .vector = 2,
                          .memory_bytes = 4096,
                          .memory_fd = memory_.Get(),
                          .wake_fd = memory_.Get()};
  }

  void AttachEndpoint(const std::string&, pid_t, AttachDone done) override {
    if (input_.Below(2) == 0) return done(Answer());
    waiting_.push_back(std::move(done));
  }
  absl::StatusOr<control::Grant> GrantAgain(const control::ServedEndpoint&) override {
    return Answer();
  }
  void EndpointGone(EndpointId) override {}
  absl::StatusOr<int> Doorbell(uint16_t slot, uint16_t vector) override {
    if (slot > 2 || vector > 4) return absl::InvalidArgumentError("there is no such doorbell");
    return memory_.Get();
  }

  void OpenService(const std::string&, EndpointId, OpenServiceDone done) override {
    if (input_.Below(4) == 0) return done(absl::AlreadyExistsError("another one writes it"));
    done(control::ServiceGrant{.index = input_.Below(64), .incarnation = 1});
  }
  void CloseService(const std::string&, EndpointId, CloseServiceDone done) override {
    done(input_.Below(2) == 0 ? absl::OkStatus() : absl::NotFoundError("no such service"));
  }

  Input& input_;
  const std::string path_ = "/tmp/tombolo-fuzz-broker-" + std::to_string(getpid());
  const UniqueFd memory_{eventfd(0, EFD_CLOEXEC)};
  std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  control::NullStore store_;
  uint32_t next_index_ = 0;
  std::vector<AttachDone> waiting_;
  std::unique_ptr<control::BrokerServer> server_;
  std::vector<UniqueFd> clients_;
};

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  BrokerTarget(input).Run();
}

std::vector<Bytes> Seeds() {
  return {
      {0, 4, 0, 1, 0, 0, 7, 0, 0, 1, 4, 0, 2, 1, 1, 7, 0, 1, 4, 0, 3, 0, 0, 7, 0, 1},  // A life.
      {0, 4, 0, 1, 0, 0, 7, 0, 1, 1, 3, 0, 1, 1, 4, 0, 1, 0, 0, 7, 7, 1},  // Answered late; twice.
      {0, 4, 0, 1, 0, 0, 7, 0, 1, 1, 1, 0, 1, 0, 3, 0, 1, 0, 2, 0, 9, 1, 2, 3},  // Gone meanwhile.
  };
}

}  // namespace tombolo::fuzz

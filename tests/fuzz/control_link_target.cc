// Both ends of a slot's control area, while somebody writes any word of it at any moment.
#include <cstring>
#include <memory>
#include <vector>

#include "control/link/agent_link.h"
#include "control/link/daemon_link.h"
#include "control/link/link_messages.h"
#include "control/link/message_lane.h"
#include "tests/fuzz/hostile_loads.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/layout/control_area.h"

namespace tombolo::fuzz {
namespace {

using control::AgentLink;
using control::DaemonLink;

constexpr int kMostSteps = 200;
constexpr size_t kMostEndpoints = 200;

class ControlLinkTarget final : public control::DaemonLinkHandler,
                                public control::AgentLinkHandler {
 public:
  explicit ControlLinkTarget(Input& input) : input_(input) {
    StartDaemon();
    StartAgent();
  }

  void Run() {
    for (int i = 0; i < kMostSteps && !input_.IsEmpty(); ++i) Step();
  }

 private:
  void StartDaemon() {
    daemon_ = std::make_unique<DaemonLink>(uint16_t{1}, *area_, *this, [] {});
  }
  void StartAgent() {
    agent_ = std::make_unique<AgentLink>(
        *area_, control::BootId{1, 2}, *this, [] {}, [this] { return ++nonce_; });
  }

  void Step() {
    const uint32_t what = input_.Below(14);
    if (what < 4) return Scribble(what);
    const HostileLoads hostile(input_);
    switch (what) {
      case 4:
      case 5:
        daemon_->Poll();
        return;
      case 6:
      case 7:
        return agent_->Poll();
      case 8:
        return agent_->Attach(
            {.request = input_.Byte(), .pid = 1, .wanted_vector = input_.Byte(), .name = {}});
      case 9:
        return agent_->Resync(std::vector<EndpointId>(input_.Below(kMostEndpoints)));
      case 10:
        return Reply(input_.Byte());
      case 12:
        return agent_->OpenService({.request = input_.Byte(), .endpoint = {}, .name = {}});
      case 13:
        return agent_->CloseService({.request = input_.Byte(), .endpoint = {}, .name = {}});
      default:
        return Restart();
    }
  }

  void Reply(uint64_t request) {
    control::LinkAttachReply reply;
    reply.request = request;
    daemon_->Reply(reply);
  }

  void ReplyToService(uint64_t request) {
    control::LinkServiceReply reply;
    reply.request = request;
    daemon_->Reply(reply);
  }

  void Restart() {
    switch (input_.Below(4)) {
      case 0:
        return StartDaemon();
      case 1:
        return StartAgent();
      case 2:
        return daemon_->Close();
      default:
        return agent_->SayHello();
    }
  }

  void Scribble(uint32_t what) {
    if (what == 0) return WriteHeader();
    auto* words = reinterpret_cast<SharedU64*>(area_.get());
    // The first lines of each part more often than all the rest.
    const uint32_t part = input_.Below(3) * (kExtentBytes / 8);
    SharedU64& word = words[part + input_.Below(what == 1 ? 64 : kExtentBytes / 8)];
    const uint64_t value = what == 3 ? word.load(std::memory_order_relaxed) + input_.Byte()
                                     : input_.Number<uint64_t>();
    word.store(value, std::memory_order_seq_cst);
  }

  // A message that looks well from outside.
  void WriteHeader() {
    Link& link = input_.Below(2) == 0 ? area_->to_daemon : area_->to_broker;
    constexpr size_t kSizes[] = {sizeof(control::LinkResync),
                                 sizeof(control::LinkAttach),
                                 sizeof(control::LinkGone),
                                 sizeof(control::LinkAttachReply),
                                 sizeof(control::LinkServiceRequest),
                                 sizeof(control::LinkServiceReply),
                                 12};
    const size_t bytes = kSizes[input_.Below(7)];
    Cell& cell = link.cells[input_.Below(32)];
    const auto payload = input_.Take(input_.Below(32));
    if (!payload.empty()) memcpy(cell.payload, payload.data(), payload.size());
    const CellHeader header{.length = static_cast<uint32_t>(bytes),
                            .cells = static_cast<uint8_t>(CellsFor(bytes)),
                            .kind = static_cast<CellKind>(1 + input_.Below(3)),
                            .tag = static_cast<uint8_t>(input_.Below(9)),
                            .lap = static_cast<uint16_t>(1 + input_.Below(2))};
    cell.header.store(Pack(header), std::memory_order_seq_cst);
  }

  absl::StatusOr<uint32_t> OnHello(uint16_t, const control::BootId&) override {
    if (input_.Below(8) == 7) return absl::UnavailableError("not welcome");
    return 1;
  }
  void OnAttach(uint16_t, const control::LinkAttach& attach) override { Reply(attach.request); }
  void OnGone(uint16_t, EndpointId) override {}
  void OnOpenService(uint16_t, const control::LinkServiceRequest& request) override {
    ReplyToService(request.request);
  }
  void OnCloseService(uint16_t, const control::LinkServiceRequest& request) override {
    ReplyToService(request.request);
  }
  void OnResync(uint16_t, const std::vector<EndpointId>&) override {}
  void OnUp(uint32_t) override { agent_->Resync(std::vector<EndpointId>(input_.Below(3))); }
  void OnAttachReply(const control::LinkAttachReply& reply) override {
    agent_->Gone({reply.endpoint.index, reply.endpoint.incarnation});
  }

  void OnServiceReply(const control::LinkServiceReply&) override {}

  Input& input_;
  const std::unique_ptr<ControlArea> area_ = std::make_unique<ControlArea>();
  uint64_t nonce_ = 0;
  std::unique_ptr<DaemonLink> daemon_;
  std::unique_ptr<AgentLink> agent_;
};

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  ControlLinkTarget(input).Run();
}

std::vector<Bytes> Seeds() {
  return {
      {4, 0, 6, 0, 8, 1, 4, 6, 9, 100, 4, 6, 4, 10, 1, 6},        // A talk.
      {4, 0, 6, 1, 0, 0, 1, 0, 8, 1, 1, 1, 1, 0, 2, 0, 4, 6, 4},  // Messages made by hand.
      {4, 0, 6, 0, 11, 0, 6, 4, 11, 1, 4, 6, 11, 2, 6, 4},        // Restarts of either end.
      {4, 0, 6, 0, 12, 1, 4, 6, 13, 2, 4, 6},                     // Services.
  };
}

}  // namespace tombolo::fuzz

// A process that attaches to a broker which answers anything: an endpoint, its region and
// doorbells, as far as they can be had.
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/base/units.h"
#include "transport/base/unix_socket.h"
#include "transport/device/host_device.h"
#include "transport/device/mapping.h"
#include "transport/endpoint/broker_client.h"
#include "transport/endpoint/broker_protocol.h"
#include "transport/endpoint/endpoint.h"

namespace tombolo::fuzz {
namespace {

constexpr int kMostAnswers = 8;

class BrokerClientTarget {
 public:
  explicit BrokerClientTarget(Input& input) : input_(input) {}
  ~BrokerClientTarget() { unlink(path_.c_str()); }

  void Run() {
    auto client = BrokerClient::Connect(path_);
    broker_ = UniqueFd(accept4(listener_.Get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.ok() || !broker_.IsOpen()) return;
    // Whatever is asked is answered already, and after that nobody is there: it never waits.
    for (int i = 0; i < kMostAnswers && !input_.IsEmpty(); ++i) Answer();
    shutdown(broker_.Get(), SHUT_WR);
    auto attachment = (*client)->Attach("fuzz");
    if (attachment.ok() && attachment->memory == BrokerMemory::kMemfd) Use(**client, *attachment);
    (*client)->FetchDoorbell(1, 2).IgnoreError();
    (*client)->Detach().IgnoreError();
  }

 private:
  static int Memory() {
    static const UniqueFd memory = [] {
      UniqueFd fd = *CreateSealedMemfd("fuzz", kMiB);
      const Mapping mapping = *Mapping::Map(fd.Get(), 0, kMiB);
      const RegionLimits limits{
          .region_bytes = kMiB, .slot_count = 2, .vector_count = 4, .endpoint_count = 64};
      Region::Format(mapping.Bytes(), limits, RegionUuid{1}, {}).IgnoreError();
      return fd;
    }();
    return memory.Get();
  }

  void Answer() {
    if (input_.Below(8) == 0) {
      SendMessage(broker_.Get(), std::as_bytes(input_.Take(input_.Below(300))), {});
      return;
    }
    BrokerReply reply;
    reply.op = static_cast<BrokerOp>(1 + input_.Below(3));
    reply.endpoint_incarnation = 1;
    reply.memory_bytes = kMiB;
    switch (input_.Below(8)) {
      case 0:
        reply.memory_bytes = input_.Number<uint64_t>();
        break;
      case 1:
        reply.memory_bytes = kMiB * input_.Byte();
        break;
      case 2:
        reply.memory = static_cast<BrokerMemory>(input_.Below(6));
        break;
      case 3:
        reply.endpoint_index = input_.Number<uint32_t>();
        reply.slot = input_.Byte();
        break;
      case 4: {
        reply.code = input_.Number<int32_t>();
        memset(reply.text, 'x', sizeof(reply.text));
        break;
      }
      case 5:
        reply.version = input_.Byte();
        break;
      default:
        break;
    }
    const int fds[] = {Memory(), wake_.Get(), wake_.Get()};
    const size_t count = input_.Below(8) == 0 ? input_.Below(4) : ExpectedFds(reply);
    SendMessage(broker_.Get(), std::as_bytes(std::span(&reply, 1)), std::span(fds, count));
  }

  static size_t ExpectedFds(const BrokerReply& reply) {
    if (reply.op == BrokerOp::kAttach) return AttachDescriptors(reply.memory);
    return reply.op == BrokerOp::kDoorbell ? 1 : 0;
  }

  static void Use(BrokerClient& client, Attachment& attachment) {
    auto device = HostDevice::Map(
        attachment.memory_fd.Get(), attachment.memory_bytes,
        [&client](uint16_t slot, uint16_t vector) { return client.FetchDoorbell(slot, vector); });
    if (!device.ok()) return;
    auto endpoint = Endpoint::Adopt(*std::move(device), attachment.id, attachment.slot,
                                    std::move(attachment.wake_fd));
    if (endpoint.ok()) (*endpoint)->Doorbells().Ring(1, 2);
  }

  Input& input_;
  const std::string path_ = "/tmp/tombolo-fuzz-client-" + std::to_string(getpid());
  const UniqueFd listener_ = *ListenUnix(path_, SOCK_SEQPACKET, 0600);
  const UniqueFd wake_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  UniqueFd broker_;
};

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  BrokerClientTarget(input).Run();
}

std::vector<Bytes> Seeds() {
  return {
      {1, 0, 7, 1, 1, 1, 1, 7, 1, 1, 1, 1, 7, 1, 1, 1, 2, 7, 1, 1},  // All is well.
      {1, 0, 1, 2, 1, 1},                                            // A memory that is too short.
      {1, 0, 3, 255, 255, 255, 255, 1, 1, 1},                        // An index that is none.
      {1, 0, 4, 5, 0, 0, 0, 1, 1},                                   // A refusal.
  };
}

}  // namespace tombolo::fuzz

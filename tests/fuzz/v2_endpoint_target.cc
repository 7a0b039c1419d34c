// A peer of ivshmem v2 devices, while another one writes what it likes in its own output section
// and comes and goes as it likes. In the simulator a store outside the own section is a SIGSEGV.
#include <array>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "tests/control/ivshmem_v2/simulated_v2.h"
#include "tests/fuzz/hostile_loads.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/device/v2/v2_registers.h"
#include "transport/device/v2/v2_sections.h"
#include "transport/layout/shared_word.h"
#include "transport/layout/v2_output.h"
#include "transport/v2/v2_endpoint.h"

namespace tombolo::fuzz {
namespace {

constexpr uint32_t kPeers = 2;
constexpr uint32_t kSelf = 0, kOther = 1;
constexpr uint64_t kOutputBytes = (1 + kPeers) * kV2PageBytes;
constexpr uint64_t kIncarnation = 5;
constexpr int kMostSteps = 256;

class V2EndpointTarget {
 public:
  explicit V2EndpointTarget(Input& input) : input_(input) {
    auto endpoint = V2Endpoint::Start(devices_.DeviceOf(kSelf), kIncarnation);
    if (!endpoint.ok()) abort();
    endpoint_ = *std::move(endpoint);
  }

  void Run() {
    const HostileLoads hostile(input_);
    for (int i = 0; i < kMostSteps && !input_.IsEmpty(); ++i) Step();
  }

 private:
  void Step() {
    switch (input_.Below(8)) {
      case 0:
        return BeOther();
      case 1:
        return devices_.DeviceOf(kOther).SetState(input_.Byte());
      case 2:
        return WriteWord();
      case 3:
        endpoint_->TrySend(kOther, std::as_bytes(input_.Take(input_.Below(300))));
        return;
      case 4:
        endpoint_->TrySend(kOther, std::vector<std::byte>(kV2MaxMessageBytes));
        return;
      case 5:
        return Receive();
      case 6:
        if (endpoint_->Park()) endpoint_->Unpark();
        return;
      default:
        return endpoint_->Look();
    }
  }

  // As a peer that makes sense.
  void BeOther() {
    V2OutputPage& page = OtherPage();
    page.header.magic.store(kV2OutputMagic, std::memory_order_relaxed);
    page.header.version.store(kV2OutputVersion, std::memory_order_relaxed);
    page.header.incarnation.store(1 + input_.Below(3), std::memory_order_relaxed);
    page.peers[kSelf].link_for.store(kIncarnation, std::memory_order_relaxed);
    page.peers[kSelf].read_of.store(kIncarnation, std::memory_order_relaxed);
    devices_.DeviceOf(kOther).SetState(kV2StateReady);
  }

  void WriteWord() {
    auto* words = reinterpret_cast<SharedU64*>(devices_.DeviceOf(kOther).Output(kOther).data());
    words[input_.Below(kOutputBytes / sizeof(SharedU64))].store(input_.Number<uint64_t>(),
                                                                std::memory_order_relaxed);
  }

  void Receive() {
    std::array<std::byte, kV2MaxMessageBytes> buffer;
    const auto size_bytes = endpoint_->TryReceive(kOther, buffer);
    if (size_bytes && *size_bytes > buffer.size()) abort();
  }

  V2OutputPage& OtherPage() {
    return *reinterpret_cast<V2OutputPage*>(devices_.DeviceOf(kOther).Output(kOther).data());
  }

  Input& input_;
  control::SimulatedV2 devices_{*MakeV2Sections(kPeers, 0, kOutputBytes)};
  std::unique_ptr<V2Endpoint> endpoint_;
};

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  V2EndpointTarget(input).Run();
}

std::vector<Bytes> Seeds() {
  return {
      {0, 1, 7, 3, 5, 0, 1, 2, 3, 4, 5, 5,
       6},  // The other one comes; a message; nothing comes back.
      // It comes, and has a message of 5 bytes in the first cell of its link.
      {0, 0, 7, 2, 24, 2, 5, 0, 0, 1, 1, 0, 1, 0, 5, 5, 6},
      {0, 2, 7, 4, 4, 4, 2, 10, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 7},  // Credits; another one.
  };
}

}  // namespace tombolo::fuzz

// v2_peer: messages over the ivshmem v2 device of this guest, through the kernel module if that has
// it, else through vfio; every byte checked. Runs in guests.
//
//   v2_peer echo               sends back what the others send, until it is killed
//   v2_peer poll PEER COUNT    sends COUNT messages to PEER, which echoes, and checks what comes
//   v2_peer sleep PEER COUNT   likewise, and sleeps until it is rung
//   v2_peer reset PEER         waits until PEER, which is there, is gone
//   v2_peer states             tells the state table, and is no peer itself
//
// Prints a line when it has begun, and a JSON object at its end.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/device/v2/v2_guest_device.h"
#include "transport/device/vfio/system_paths.h"
#include "transport/v2/v2_endpoint.h"

namespace tombolo {
namespace {

using SendResult = V2Endpoint::SendResult;
using Buffer = std::array<std::byte, kV2MaxMessageBytes>;

constexpr int kLookMs = 500;  // Behind each sleep.
constexpr int64_t kPatienceNs = 60 * kNsPerSecond;
constexpr int kUsage = 2;

[[noreturn]] void Fail(const std::string& why) {
  std::cerr << "error: " << why << std::endl;
  exit(1);
}

std::unique_ptr<V2GuestDevice> OpenDevice() {
  auto device = V2GuestDevice::Open(SystemPaths(), "auto");
  if (!device.ok()) Fail(std::string(device.status().message()));
  return *std::move(device);
}

class Peer {
 public:
  explicit Peer(bool sleeps) : sleeps_(sleeps), device_(OpenDevice()) {
    const uint64_t incarnation = uint64_t{std::random_device()()} << 32 | 1;
    auto endpoint = V2Endpoint::Start(*device_, incarnation);
    if (!endpoint.ok()) Fail(std::string(endpoint.status().message()));
    endpoint_ = *std::move(endpoint);
    std::cout << "peer " << endpoint_->Id() << " of " << device_->Sections().peer_count
              << std::endl;
  }

  V2Endpoint& Endpoint() { return *endpoint_; }
  uint32_t Count() const { return device_->Sections().peer_count; }
  uint64_t Rings() const { return rings_; }
  std::string_view Way() const { return device_->Way(); }

  // After it found nothing to do.
  void Wait() {
    if (sleeps_ && endpoint_->Park()) {
      Sleep();
      endpoint_->Unpark();
    }
    if (!sleeps_ && ++looks_ % kPollsPerLook != 0) return;
    endpoint_->Look();
  }

 private:
  static constexpr uint64_t kPollsPerLook = 100;

  void Sleep() {
    std::vector<pollfd> bells;
    for (uint32_t vector = 0; vector < device_->VectorCount(); ++vector) {
      bells.push_back({.fd = device_->Eventfd(vector), .events = POLLIN, .revents = 0});
    }
    poll(bells.data(), bells.size(), kLookMs);
    for (const pollfd& bell : bells) {
      eventfd_t count = 0;
      if ((bell.revents & POLLIN) != 0 && eventfd_read(bell.fd, &count) == 0) rings_ += count;
    }
  }

  const bool sleeps_;
  const std::unique_ptr<V2GuestDevice> device_;
  std::unique_ptr<V2Endpoint> endpoint_;
  uint64_t rings_ = 0;
  uint64_t looks_ = 0;
};

[[noreturn]] void Echo() {
  Peer self(true);
  Buffer buffer;
  for (;;) {
    bool had_any = false;
    for (uint32_t peer = 0; peer < self.Count(); ++peer) {
      while (const std::optional<size_t> size = self.Endpoint().TryReceive(peer, buffer)) {
        had_any = true;
        const std::span<const std::byte> message(buffer.data(), *size);
        while (self.Endpoint().TrySend(peer, message) == SendResult::kFull) self.Endpoint().Look();
      }
    }
    if (!had_any) self.Wait();
  }
}

// Of message `number`: all sizes, and bytes that differ from message to message.
std::vector<std::byte> MessageOf(uint32_t number) {
  std::vector<std::byte> message(1 + number * 37 % kV2MaxMessageBytes);
  for (size_t i = 0; i < message.size(); ++i) {
    message[i] = static_cast<std::byte>(number + 31 * i);
  }
  return message;
}

void Talk(uint32_t peer, uint32_t count, bool sleeps) {
  Peer self(sleeps);
  const int64_t start_ns = MonotonicNs();
  Buffer buffer;
  uint32_t sent = 0, received = 0;
  while (received < count) {
    bool has_moved = false;
    // One at a time to a sleeper, so that each has to be rung; else as many as there is room for.
    const bool may_send = sent < count && (!sleeps || sent == received);
    if (may_send && self.Endpoint().TrySend(peer, MessageOf(sent)) == SendResult::kSent) {
      ++sent;
      has_moved = true;
    }
    if (const auto size = self.Endpoint().TryReceive(peer, buffer)) {
      const std::span<const std::byte> message(buffer.data(), *size);
      if (!std::ranges::equal(message, MessageOf(received))) {
        Fail("message " + std::to_string(received) + " came back as another one");
      }
      ++received;
      has_moved = true;
    }
    if (!has_moved) self.Wait();
    if (MonotonicNs() - start_ns > kPatienceNs) {
      Fail("of " + std::to_string(count) + " messages " + std::to_string(received) + " came back");
    }
  }
  std::cout << "{\"received\": " << received << ", \"rings\": " << self.Rings()
            << ", \"took_us\": " << (MonotonicNs() - start_ns) / kNsPerUs << ", \"way\": \""
            << self.Way() << "\"}" << std::endl;
}

void AwaitReset(uint32_t peer) {
  Peer self(true);
  const int64_t start_ns = MonotonicNs();
  const auto wait_until = [&](bool is_there) {
    while (self.Endpoint().IsThere(peer) != is_there) {
      self.Wait();
      if (MonotonicNs() - start_ns > kPatienceNs)
        Fail("peer " + std::to_string(peer) + " does not move");
    }
  };
  wait_until(true);
  std::cout << "it is there" << std::endl;
  wait_until(false);
  std::cout << "{\"rings\": " << self.Rings() << "}" << std::endl;
}

void TellStates() {
  const auto device = OpenDevice();
  std::cout << "[";
  for (uint32_t peer = 0; peer < device->Sections().peer_count; ++peer) {
    uint32_t state;
    memcpy(&state, device->Memory().data() + peer * sizeof(state), sizeof(state));
    std::cout << (peer == 0 ? "" : ", ") << state;
  }
  std::cout << "]" << std::endl;
}

int Main(std::span<char*> words) {
  const std::string mode = words.size() > 1 ? words[1] : "";
  if (mode == "echo" && words.size() == 2) Echo();
  if ((mode == "poll" || mode == "sleep") && words.size() == 4) {
    Talk(static_cast<uint32_t>(atoi(words[2])), static_cast<uint32_t>(atoi(words[3])),
         mode == "sleep");
    return 0;
  }
  if (mode == "reset" && words.size() == 3) {
    AwaitReset(static_cast<uint32_t>(atoi(words[2])));
    return 0;
  }
  if (mode == "states" && words.size() == 2) {
    TellStates();
    return 0;
  }
  std::cerr << "Usage: v2_peer echo | poll PEER COUNT | sleep PEER COUNT | reset PEER | states"
            << std::endl;
  return kUsage;
}

}  // namespace
}  // namespace tombolo

int main(int argc, char** argv) {
  return tombolo::Main(std::span(argv, static_cast<size_t>(argc)));
}

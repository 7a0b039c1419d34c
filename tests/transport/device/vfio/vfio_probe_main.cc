// vfio_probe [auto|ADDRESS]: opens the ivshmem device of this guest as the agent does, maps it a
// second time as an endpoint does, and rings each of its own vectors. For tests in real guests.
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>

#include "transport/device/vfio/vfio_device.h"
#include "transport/device/vfio/vfio_pci_device.h"

namespace tombolo {
namespace {

constexpr int kWakeTimeoutMs = 10'000;

bool WokeUp(int eventfd, int timeout_ms) {
  pollfd wait{.fd = eventfd, .events = POLLIN, .revents = 0};
  uint64_t count = 0;
  return poll(&wait, 1, timeout_ms) == 1 && read(eventfd, &count, sizeof(count)) > 0;
}

int RingAll(const VfioPciDevice& owner, Device& ringer) {
  for (uint16_t vector = 0; vector < owner.VectorCount(); ++vector) {
    ringer.Ring(owner.Slot(), vector);
    if (!WokeUp(owner.Eventfd(vector), kWakeTimeoutMs)) {
      fprintf(stderr, "error: vector %u did not wake its eventfd\n", vector);
      return 1;
    }
    for (uint16_t other = 0; other < owner.VectorCount(); ++other) {
      if (!WokeUp(owner.Eventfd(other), 0)) continue;
      fprintf(stderr, "error: vector %u also woke %u\n", vector, other);
      return 1;
    }
  }
  return 0;
}

int Run(const std::string& wanted) {
  const auto owner = VfioPciDevice::Open(SystemPaths{}, wanted);
  if (!owner.ok()) {
    fprintf(stderr, "error: %s\n", std::string(owner.status().message()).c_str());
    return 1;
  }
  const auto endpoint = VfioDevice::Map((*owner)->DeviceFd(), (*owner)->Windows());
  if (!endpoint.ok()) {
    fprintf(stderr, "error: %s\n", std::string(endpoint.status().message()).c_str());
    return 1;
  }
  // A second opener is refused, with one sentence.
  const auto second = VfioPciDevice::Open(SystemPaths{}, wanted);
  printf("second opener: %s\n", second.status().ToString().c_str());
  printf("slot %u, %u vectors, %zu bytes\n", (*owner)->Slot(), (*owner)->VectorCount(),
         (*owner)->Memory().size());
  (*endpoint)->Memory()[(*owner)->Memory().size() - 1] = std::byte{42};
  if ((*owner)->Memory().back() != std::byte{42}) return 1;
  const int code = RingAll(**owner, **endpoint);
  printf("%s\n", code == 0 ? "good" : "bad");
  return code;
}

}  // namespace
}  // namespace tombolo

int main(int argc, char** argv) { return tombolo::Run(argc > 1 ? argv[1] : "auto"); }

#include "tests/crash/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "transport/base/units.h"

namespace tombolo::crash {
namespace {

// The least of everything, so that a region of few extents is all there is to look at.
RegionLimits LimitsOf(uint64_t region_bytes) {
  return {.region_bytes = region_bytes,
          .slot_count = kMinSlots,
          .vector_count = 8,
          .endpoint_count = kMinEndpoints};
}

// Fails loudly: a test without its world is no test.
template <typename T>
T Must(absl::StatusOr<T> result) {
  if (!result.ok()) {
    fprintf(stderr, "error: %s\n", result.status().ToString().c_str());
    abort();
  }
  return *std::move(result);
}

std::shared_ptr<SimulatedRegion> MakeRegion(const RegionLimits& limits) {
  auto region =
      Must(SimulatedRegion::Create(limits.region_bytes, static_cast<uint16_t>(limits.slot_count),
                                   static_cast<uint16_t>(limits.vector_count)));
  // Mappings are not inherited by fork, with good reason, but here a fork stands for the endpoint.
  if (madvise(region->Memory().data(), region->Memory().size(), MADV_DOFORK) != 0) abort();
  return region;
}

}  // namespace

World::World(uint64_t region_bytes)
    : simulated_(MakeRegion(LimitsOf(region_bytes))),
      region_(Must(Region::Format(simulated_->Memory(), LimitsOf(region_bytes), RegionUuid{1},
                                  CacheSizes{}))),
      registry_({.slots = region_.Limits().slot_count,
                 .vectors = region_.Limits().vector_count,
                 .endpoints = region_.Limits().endpoint_count}),
      mirror_(region_),
      reaper_(region_, registry_, mirror_, [this](uint32_t slot, uint32_t vector) {
        SimulatedDevice(simulated_)
            .Ring(static_cast<uint16_t>(slot), static_cast<uint16_t>(vector));
      }) {
  registry_.AddObserver([this](const control::MembershipEvent& event) {
    mirror_.Write(event);
    reaper_.Note(event);
  });
  Must(registry_.OccupySlot(control::kHostSlot, control::PeerKind::kHost, 1));
  Must(registry_.BrokerReady(control::kHostSlot, "boot"));
}

EndpointId World::Admit(std::string_view name) {
  return Must(registry_.AttachEndpoint({.slot = control::kHostSlot, .name = std::string(name)}));
}

Member World::Enter(EndpointId id) const {
  const auto vector = static_cast<uint16_t>(registry_.FindEndpoint(id)->vector);
  const int wake_fd = dup(simulated_->Eventfd(control::kHostSlot, vector));
  Member member;
  member.endpoint = Must(Endpoint::Adopt(std::make_unique<SimulatedDevice>(simulated_), id,
                                         control::kHostSlot, UniqueFd(wake_fd)));
  return member;
}

Member World::Join(std::string_view name) {
  Member member = Enter(Admit(name));
  member.channel = Must(Channel::Create(*member.endpoint));
  return member;
}

void World::DeclareDead(EndpointId id) {
  if (!registry_.EndpointGone(id).ok()) abort();
}

void World::KeepToYourself() {
  const std::span<std::byte> memory = Memory();
  void* mapped = mmap(memory.data(), memory.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
                      simulated_->MemoryFd(), 0);
  if (mapped != memory.data()) abort();
}

}  // namespace tombolo::crash

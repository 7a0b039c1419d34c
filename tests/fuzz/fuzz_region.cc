#include "tests/fuzz/fuzz_region.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "transport/base/unique_fd.h"
#include "transport/device/device.h"

namespace tombolo::fuzz {
namespace {

std::byte* Pages() {
  // Never freed: one for all inputs.
  static auto* const pages =
      static_cast<std::byte*>(std::aligned_alloc(kExtentBytes, kFuzzLimits.region_bytes));
  return pages;
}

class SilentDevice final : public Device {
 public:
  std::span<std::byte> Memory() override { return {Pages(), kFuzzLimits.region_bytes}; }
  MemoryType Type() const override { return MemoryType::kWriteBack; }
  void Ring(uint16_t, uint16_t) override {}
};

}  // namespace

FuzzRegion::FuzzRegion() {
  // Not std::fill: instrumented loops are slow.
  memset(Memory().data(), 0, Memory().size());
  region_ = *Region::Format(Memory(), kFuzzLimits, RegionUuid{1}, CacheSizes{});
}

std::span<std::byte> FuzzRegion::Memory() const { return {Pages(), kFuzzLimits.region_bytes}; }

void FuzzRegion::SetState(EndpointId id, EndpointState state) {
  const uint64_t epoch = region_->MembershipEpoch().load(std::memory_order_relaxed) + 1;
  EndpointRecord& record = region_->Endpoint(id.index);
  record.location.store(MakeLocation(0, 2, 1), std::memory_order_relaxed);
  record.changed_epoch.store(epoch, std::memory_order_relaxed);
  record.identity.store(MakeIdentity(id.incarnation, static_cast<uint32_t>(state)),
                        std::memory_order_release);
  const uint32_t high_water = region_->EndpointHighWater().load(std::memory_order_relaxed);
  region_->EndpointHighWater().store(std::max(high_water, id.index + 1), std::memory_order_relaxed);
  region_->MembershipEpoch().store(epoch, std::memory_order_release);
}

std::unique_ptr<Endpoint> FuzzRegion::Attach(EndpointId id) const {
  UniqueFd wake_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  return *Endpoint::Adopt(std::make_unique<SilentDevice>(), id, 0, std::move(wake_fd));
}

}  // namespace tombolo::fuzz

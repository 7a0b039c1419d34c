#include "transport/endpoint/service_view.h"

#include "transport/endpoint/record_snapshot.h"
#include "transport/layout/member_table.h"
#include "transport/layout/service_record.h"

namespace tombolo {

std::optional<ServiceInfo> ReadService(const Region& region, uint32_t index) {
  if (index >= kServiceCount) return std::nullopt;
  const ServiceRecord& record = region.Service(index);
  return ReadSnapshot(record, [&](uint64_t identity) -> std::optional<ServiceInfo> {
    if (IdentityState(identity) != static_cast<uint32_t>(ServiceState::kExists)) {
      return std::nullopt;
    }
    const uint64_t writer = record.writer.load(std::memory_order_relaxed);
    return ServiceInfo{
        .index = index,
        .incarnation = IdentityIncarnation(identity),
        .writer = {static_cast<uint32_t>(writer >> 32), static_cast<uint32_t>(writer)},
        .name = ReadName(record),
    };
  });
}

std::optional<ServiceInfo> FindService(const Region& region, std::string_view name) {
  for (uint32_t i = 0; i < kServiceCount; ++i) {
    std::optional<ServiceInfo> info = ReadService(region, i);
    if (info && info->name == name) return info;
  }
  return std::nullopt;
}

}  // namespace tombolo

#include "transport/endpoint/service_view.h"

#include <string.h>

#include "transport/layout/member_table.h"
#include "transport/layout/service_record.h"

namespace tombolo {
namespace {

constexpr int kSnapshotAttempts = 8;

std::string ReadName(const ServiceRecord& record) {
  char bytes[kServiceNameBytes + 1] = {};
  for (size_t i = 0; i < kServiceNameBytes / 8; ++i) {
    const uint64_t word = record.name[i].load(std::memory_order_relaxed);
    memcpy(bytes + i * 8, &word, 8);
  }
  return bytes;
}

}  // namespace

std::optional<ServiceInfo> ReadService(const Region& region, uint32_t index) {
  if (index >= kServiceCount) return std::nullopt;
  const ServiceRecord& record = region.Service(index);
  for (int attempt = 0; attempt < kSnapshotAttempts; ++attempt) {
    // Acquire: pairs with the daemon's release store of identity, as in ReadEndpoint.
    const uint64_t identity = record.identity.load(std::memory_order_acquire);
    if (IdentityState(identity) != static_cast<uint32_t>(ServiceState::kExists)) {
      return std::nullopt;
    }
    const uint64_t writer = record.writer.load(std::memory_order_relaxed);
    ServiceInfo info{
        .index = index,
        .incarnation = IdentityIncarnation(identity),
        .writer = {static_cast<uint32_t>(writer >> 32), static_cast<uint32_t>(writer)},
        .name = ReadName(record),
    };
    // seq_cst: as in ReadEndpoint.
    if (record.identity.load(std::memory_order_seq_cst) == identity) return info;
  }
  return std::nullopt;
}

std::optional<ServiceInfo> FindService(const Region& region, std::string_view name) {
  for (uint32_t i = 0; i < kServiceCount; ++i) {
    std::optional<ServiceInfo> info = ReadService(region, i);
    if (info && info->name == name) return info;
  }
  return std::nullopt;
}

}  // namespace tombolo

#include "mpi_btl/engine/address.h"

#include <string.h>

#include "absl/strings/str_cat.h"

namespace tombolo::mpi {
namespace {

constexpr uint32_t kMagic = 0x4d424d54;  // "TMBM"
constexpr uint32_t kVersion = 1;

static_assert(sizeof(tombolo_address) == 32);

}  // namespace

tombolo_address NoAddress() { return tombolo_address{kMagic, kVersion, {}, 0, 0}; }

tombolo_address MakeAddress(const RegionUuid& region, EndpointId id) {
  tombolo_address address{kMagic, kVersion, {}, id.index, id.incarnation};
  memcpy(address.region_uuid, region.data(), region.size());
  return address;
}

absl::StatusOr<EndpointId> ReadAddress(const void* data, size_t bytes, const RegionUuid& region) {
  tombolo_address address;
  if (data == nullptr || bytes != sizeof(address)) {
    return absl::InvalidArgumentError(absl::StrCat("its address has ", bytes, " bytes, expected ",
                                                   sizeof(address),
                                                   ": install one release of Tombolo everywhere"));
  }
  memcpy(&address, data, sizeof(address));
  if (address.magic != kMagic || address.version != kVersion) {
    return absl::InvalidArgumentError(absl::StrCat("its address is of version ", address.version,
                                                   ", expected ", kVersion,
                                                   ": install one release of Tombolo everywhere"));
  }
  if (address.incarnation == 0) return absl::NotFoundError("it runs without a broker");
  if (memcmp(address.region_uuid, region.data(), region.size()) != 0) {
    return absl::FailedPreconditionError("it is in another region");
  }
  return EndpointId{address.endpoint_index, address.incarnation};
}

}  // namespace tombolo::mpi

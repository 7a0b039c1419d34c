// The address that processes of a job exchange before they talk: which region, which endpoint.
#pragma once

#include <cstddef>

#include "absl/status/statusor.h"
#include "mpi_btl/engine/engine.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/region/region.h"

namespace tombolo::mpi {

// What a process without a broker publishes.
tombolo_address NoAddress();

tombolo_address MakeAddress(const RegionUuid& region, EndpointId id);

// Reads what another process published, `bytes` at `data` (any alignment; it may be of another
// release, or nonsense). InvalidArgument: not an address of this version. NotFound: its process has
// no broker. FailedPrecondition: it is in another region than `region`.
absl::StatusOr<EndpointId> ReadAddress(const void* data, size_t bytes, const RegionUuid& region);

}  // namespace tombolo::mpi

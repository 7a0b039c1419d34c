// KeptState: what a daemon must know to go on with the region of the one before it, as one run of
// bytes.
//
//   StateHead | SlotBytes for each slot | EndpointBytes... | ServiceBytes...     (kept_state.cc)
//
// Little-endian as the machine is; no pointers, no padding. A daemon reads only what was written in
// its own version and of a region with its own layout: another one starts with a new region.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "control/registry/registry_limits.h"
#include "control/registry/registry_state.h"
#include "transport/region/geometry.h"
#include "transport/region/region.h"

namespace tombolo::control {

struct KeptState {
  RegionLimits limits;
  RegionUuid uuid = {};
  RegistryState registry;
};

// What a registry may hold for a region with `limits`.
RegistryLimits RegistryLimitsFor(const RegionLimits& limits);

// More than ToBytes() ever gives for a region with `limits`.
size_t MostStateBytes(const RegionLimits& limits);

std::vector<std::byte> ToBytes(const KeptState& state);

// `all` may be anything: every count, index, name and flag is checked. FailedPrecondition says
// what was seen and what was expected.
absl::StatusOr<KeptState> ParseKeptState(std::span<const std::byte> all);

}  // namespace tombolo::control

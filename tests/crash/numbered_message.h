// Messages that tell on their own whether they are whole, which one they are and from whom.
//
//   | number, 8 | checksum, 8 | body: what number and sender make of it |
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "transport/endpoint/endpoint_id.h"

namespace tombolo::crash {

inline constexpr size_t kLeastMessageBytes = 16;

// Fills `payload`, at least kLeastMessageBytes.
void WriteNumbered(std::span<std::byte> payload, EndpointId sender, uint64_t number);

// The number of a message of `sender`'s; nothing when a single byte of it is not as it was written.
std::optional<uint64_t> ReadNumbered(std::span<const std::byte> payload, EndpointId sender);

}  // namespace tombolo::crash

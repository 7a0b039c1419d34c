// What the test messages carry: bytes that depend on who sends, under which tag, how much, and the
// position, so that a fragment of another message, of an earlier one or from another place is never
// taken for the right one.
//
// One byte of the next payload can be corrupted on purpose (ArmCorruption): a check that does not
// see it is worth nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace tombolo::mpi_check {

struct Origin {
  int source = 0;
  int tag = 0;
  size_t bytes = 0;
};

struct Mismatch {
  size_t position = 0;
  std::byte seen{};
  std::byte expected{};
};

// Writes the payload of `origin`; `out` holds exactly `origin.bytes`.
void Fill(const Origin& origin, std::span<std::byte> out);

// The first byte of `seen` that is not as Fill writes it.
std::optional<Mismatch> FirstMismatch(const Origin& origin, std::span<const std::byte> seen);

// Element `index` of what `source` contributes to the reduction `tag`: small enough for sums of any
// number of ranks.
int64_t Value(int source, int tag, size_t index);

// Writes the contribution of `source` to the reduction `tag`.
void FillValues(int source, int tag, std::span<int64_t> out);

// The next Fill or FillValues of at least one byte has one bit wrong.
void ArmCorruption();

}  // namespace tombolo::mpi_check

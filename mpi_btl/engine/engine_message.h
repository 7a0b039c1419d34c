// What engines say to each other, under a tag that Open MPI does not use. An engine message begins
// with an EngineHeader; of a piece, its bytes follow.
#pragma once

#include <cstdint>

namespace tombolo::mpi {

// MCA_BTL_TAG_MAX: Open MPI's tags are below.
inline constexpr uint8_t kEngineTag = 255;

enum class EngineMessage : uint32_t {
  kGoodbye = 1,  // The sender leaves in good order; nothing comes behind.
  kPiece =
      2,  // A part of a message that is too large for the small lane, where there is no bulk pool.
};

struct EngineHeader {
  EngineMessage kind;
  uint32_t tag;           // kPiece: of the whole message.
  uint32_t total_bytes;   // kPiece: of the whole message.
  uint32_t offset_bytes;  // kPiece: of this part.
};

static_assert(sizeof(EngineHeader) == 16);

}  // namespace tombolo::mpi

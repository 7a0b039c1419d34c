// What engines say to each other, under a tag that Open MPI does not use. An engine message begins
// with an EngineHeader; of a piece, its bytes follow. Operations on private memory have headers of
// their own, whose first word is the kind as well.
#pragma once

#include <cstdint>

namespace tombolo::mpi {

// MCA_BTL_TAG_MAX: Open MPI's tags are below.
inline constexpr uint8_t kEngineTag = 255;

enum class EngineMessage : uint32_t {
  kGoodbye = 1,  // The sender leaves in good order; nothing comes behind.
  kPiece =
      2,  // A part of a message that is too large for the small lane, where there is no bulk pool.

  // To whom the memory belongs: an OperationRequest.
  kPut = 3,  // Its bytes follow; a long one comes as several in order, of which one is the last.
  kGet = 4,
  kAtomic = 5,

  // Back: an OperationReply.
  kDone = 6,     // A put that was the last, or an atomic operation.
  kData = 7,     // A part of what a get asked for; its bytes follow. Parts come in order.
  kRefused = 8,  // The memory was never registered, or not any more.
};

struct EngineHeader {
  EngineMessage kind;
  uint32_t tag;           // kPiece: of the whole message.
  uint32_t total_bytes;   // kPiece: of the whole message.
  uint32_t offset_bytes;  // kPiece: of this part.
};

static_assert(sizeof(EngineHeader) == 16);

struct OperationRequest {
  EngineMessage kind;
  uint32_t operation;     // The number that the answer is to carry.
  uint32_t registration;  // Of the memory, as in its handle.
  uint32_t generation;
  uint64_t address;   // At its owner.
  uint64_t bytes;     // kGet: how many are wanted. kAtomic: 4 or 8.
  uint32_t is_last;   // kPut.
  uint32_t atomic;    // kAtomic: an AtomicOp.
  uint64_t operand;   // kAtomic.
  uint64_t expected;  // kAtomic, compare and swap.
};

static_assert(sizeof(OperationRequest) == 56);

struct OperationReply {
  EngineMessage kind;
  uint32_t operation;
  uint64_t offset_bytes;  // kData: of this part.
  uint64_t value;         // kDone of an atomic operation: what was there before.
};

static_assert(sizeof(OperationReply) == 24);

// Operations that one endpoint may have open at another at once.
inline constexpr uint32_t kMostOpenOperations = 128;

}  // namespace tombolo::mpi

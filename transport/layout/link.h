// A link: the one-way ring from one endpoint to another. Its small lane fills one extent of the
// sender:
//
//   offset  line  writer      what
//        0     0  sender      magic, who talks to whom, whether it sleeps for credits
//       64     1  receiver    credits: what it has consumed and given back
//      128     2  receiver    parked: 1 while it does not poll this link
//      192   3-63 sender      61 cells of 64 bytes
//
// A message begins in a cell with an 8-byte header and fills as many cells as it needs, without
// wrapping; a skip fills the rest of a lap. The header is stored last (release), and the receiver
// polls it: length and lap in one word, so that a small message costs one cache-line transfer.
//
//   63      48 47   40 39   32 31   24 23       0
//   |   lap   |  tag  |  kind | cells |  length |
//
// cells is what the sender claimed, length what it then wrote, in bytes; for a bulk message or
// a loan both are those of the descriptor. lap counts from 1 and wraps in 16 bits past 0, so that
// zeroed memory is never a message. A header of the lap before is no message either: it stays where
// it was until the next one is stored, so that its line stays in the receiver's cache. What would
// be anything else, payload of a longer message or what a skip passed over, is cleared by the
// sender before it returns the claim of the cell before: old payload never passes for a header.
//
// A bulk message's payload lies in a chunk of the sender's extents, recycled first in, first out;
// the cell holds a BulkDescriptor.
//
// A loan's payload lies in memory that the sender's program owns, and stays there: the cell holds a
// LoanDescriptor, and the receiver gives the loan back by flipping the bit of its slot in
// returned_loans. The sender keeps what each bit was when it lent.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/base/units.h"
#include "transport/layout/shared_word.h"

namespace tombolo {

inline constexpr uint32_t kLinkMagic = 0x4b4e494c;  // "LINK"
inline constexpr uint32_t kLinkCells = 61;
inline constexpr size_t kCellBytes = 64;
inline constexpr size_t kCellHeaderBytes = 8;
// At most 30 cells, so that a message always fits once the lane is empty, whatever the position:
// itself, the skip before it and the cell after it.
inline constexpr uint32_t kMaxMessageCells = 30;
inline constexpr size_t kMaxInlineBytes = kMaxMessageCells * kCellBytes - kCellHeaderBytes;
inline constexpr uint64_t kBulkChunkBytes = 32 * kKiB;

// Where a chunk begins in its first extent.
// SUBTLE: where the target of a copy lies 1 to 31 bytes after its source, modulo 4 KiB, AMD's
// `rep movsb` takes ten times as long. Large buffers of programs begin at a page, or 16 bytes into
// one when they come from malloc(); copies between those and this are never of that kind, in either
// direction.
inline constexpr uint64_t kBulkChunkSkewBytes = 64;

enum class CellKind : uint32_t {
  kInline = 1,
  kBulk = 2,
  kSkip = 3,      // Nothing here: the rest of a lap, or a claim that was given up.
  kBulkSkip = 4,  // A bulk claim that was given up: its chunk is to be released.
  kLoan = 5,
};

struct CellHeader {
  uint32_t length = 0;  // Payload bytes, 24 bits.
  uint8_t cells = 0;    // 1 to kMaxMessageCells; a skip may have up to kLinkCells.
  CellKind kind = CellKind::kInline;
  uint8_t tag = 0;
  uint16_t lap = 0;

  friend constexpr bool operator==(const CellHeader&, const CellHeader&) = default;
};

constexpr uint64_t Pack(const CellHeader& header) {
  return uint64_t{header.lap} << 48 | uint64_t{header.tag} << 40 |
         uint64_t{static_cast<uint8_t>(header.kind)} << 32 | uint64_t{header.cells} << 24 |
         (header.length & 0xffffff);
}

constexpr CellHeader UnpackCellHeader(uint64_t packed) {
  return CellHeader{
      .length = static_cast<uint32_t>(packed & 0xffffff),
      .cells = static_cast<uint8_t>(packed >> 24),
      .kind = static_cast<CellKind>(packed >> 32 & 0xff),
      .tag = static_cast<uint8_t>(packed >> 40),
      .lap = static_cast<uint16_t>(packed >> 48),
  };
}

struct BulkDescriptor {
  uint64_t offset;  // Of the chunk, from the region's base: kBulkChunkSkewBytes into an extent.
  uint64_t length_bytes;  // At most kBulkChunkBytes.
};

struct LoanDescriptor {
  uint64_t offset;        // Of the payload, from the region's base.
  uint64_t length_bytes;  // At most what is left of the run.
  uint32_t first_extent;  // The head of the run that the payload lies in.
  uint32_t generation;    // Of that head.
  uint32_t slot;          // Below kLoanSlots.
  uint32_t reserved;
};

inline constexpr uint32_t kLoanSlots = 64;

struct alignas(kCacheLineBytes) Cell {
  SharedU64 header;
  std::byte payload[kCellBytes - kCellHeaderBytes];
};

struct Link {
  SharedU32 magic;
  SharedU16 sender;
  SharedU16 receiver;
  SharedU32 sender_incarnation;
  SharedU32 receiver_incarnation;
  SharedU32 credit_wanted;  // 1: the sender sleeps until credits come back.
  uint32_t reserved0;
  uint64_t reserved[5];

  alignas(kCacheLineBytes) SharedU64 consumed_cells;  // A position.
  SharedU64 released_chunks;                          // A position.
  SharedU64 returned_loans;                           // A bit per slot.

  alignas(kCacheLineBytes) SharedU32 parked;

  Cell cells[kLinkCells];
};

static_assert(offsetof(Link, magic) == 0);
static_assert(offsetof(Link, sender) == 4);
static_assert(offsetof(Link, receiver) == 6);
static_assert(offsetof(Link, sender_incarnation) == 8);
static_assert(offsetof(Link, receiver_incarnation) == 12);
static_assert(offsetof(Link, credit_wanted) == 16);
static_assert(offsetof(Link, consumed_cells) == 64);
static_assert(offsetof(Link, released_chunks) == 72);
static_assert(offsetof(Link, returned_loans) == 80);
static_assert(offsetof(Link, parked) == 128);
static_assert(offsetof(Link, cells) == 192);
static_assert(offsetof(Cell, header) == 0);
static_assert(offsetof(Cell, payload) == kCellHeaderBytes);
static_assert(sizeof(Cell) == kCellBytes);
static_assert(sizeof(Link) == kExtentBytes);
static_assert(2 * kMaxMessageCells + 1 <= kLinkCells);
static_assert(offsetof(BulkDescriptor, offset) == 0);
static_assert(offsetof(BulkDescriptor, length_bytes) == 8);
static_assert(sizeof(BulkDescriptor) == 16);
static_assert(offsetof(LoanDescriptor, offset) == 0);
static_assert(offsetof(LoanDescriptor, length_bytes) == 8);
static_assert(offsetof(LoanDescriptor, first_extent) == 16);
static_assert(offsetof(LoanDescriptor, generation) == 20);
static_assert(offsetof(LoanDescriptor, slot) == 24);
static_assert(sizeof(LoanDescriptor) == 32);

// A LinkDirectory is an array of endpoint_count of these, in extents of the sender: entry i is the
// link to endpoint i, as 1 + extent index; 0 for none. Written by the sender only.
using LinkDirectoryEntry = SharedU32;

}  // namespace tombolo

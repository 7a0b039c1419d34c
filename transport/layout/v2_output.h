// The first page of a peer's output section on an ivshmem v2 device, where only that peer writes
// (transport/v2 has the protocol). After it comes a page for each peer: the Link on which messages
// for that peer go (link.h); its own has none.
//
//   offset  what
//        0  header: who has initialised the section
//       64  32 x the writer's words about one other peer
//     2112  reserved
//
// What a Link's receiver writes elsewhere is in the receiver's own section here, in its words about
// the sender: the sender's Link keeps those lines for itself.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/base/units.h"
#include "transport/layout/shared_word.h"

namespace tombolo {

inline constexpr uint32_t kV2OutputMagic = 0x32565354;  // "TSV2"
inline constexpr uint32_t kV2OutputVersion = 1;
inline constexpr uint32_t kV2OutputPeers = 32;

struct V2OutputHeader {
  SharedU32 magic;
  SharedU32 version;
  SharedU64 incarnation;  // Of the writer: another number each time it begins; 0: none.
  SharedU32 parked;       // 1: it sleeps until it is rung.
  uint32_t reserved0;
  uint64_t reserved[5];
};

struct alignas(kCacheLineBytes) V2PeerWords {
  SharedU64 link_for;        // The incarnation for which the Link to that peer was made; 0: none.
  SharedU64 read_of;         // The incarnation whose Link consumed_cells is about.
  SharedU64 consumed_cells;  // Of the Link from that peer: a position.
  uint64_t reserved[5];
};

struct V2OutputPage {
  V2OutputHeader header;
  V2PeerWords peers[kV2OutputPeers];
  std::byte reserved[1984];
};

static_assert(offsetof(V2OutputHeader, magic) == 0);
static_assert(offsetof(V2OutputHeader, version) == 4);
static_assert(offsetof(V2OutputHeader, incarnation) == 8);
static_assert(offsetof(V2OutputHeader, parked) == 16);
static_assert(sizeof(V2OutputHeader) == 64);
static_assert(offsetof(V2PeerWords, link_for) == 0);
static_assert(offsetof(V2PeerWords, read_of) == 8);
static_assert(offsetof(V2PeerWords, consumed_cells) == 16);
static_assert(sizeof(V2PeerWords) == 64);
static_assert(offsetof(V2OutputPage, header) == 0);
static_assert(offsetof(V2OutputPage, peers) == 64);
static_assert(sizeof(V2OutputPage) == 4096);

}  // namespace tombolo

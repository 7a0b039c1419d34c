// DeviceMemory: the memory of ivshmem v2 devices as one peer may access it: state table to read,
// R/W section to read and write, all output sections to read, its own to write.
//
// An access of 1, 2, 4 or 8 aligned bytes is one load or store, so that peers for whom some
// sections are trapped and others mapped see whole words. Others go byte by byte. Reads are with
// acquire and writes with release: what a peer wrote before a word is there for who has read that
// word.
//
// What it assumes of the peers: nothing. Any may write its sections at any moment, and access any
// offset with any size: what is beyond the sections reads 0, and a write that is not wholly in one
// section that the peer may write changes nothing.
//
// Thread safety: as the words are; StoreState has one caller at a time. It does not own the memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/device/v2/v2_sections.h"

namespace tombolo::control {

class DeviceMemory {
 public:
  // `memory` has sections.TotalBytes(), aligned to a page.
  DeviceMemory(const V2Sections& sections, std::span<std::byte> memory)
      : sections_(sections), memory_(memory) {}

  void Read(uint64_t offset, std::span<std::byte> bytes) const;
  void Write(uint32_t peer, uint64_t offset, std::span<const std::byte> bytes);

  // The device's own write to the state table.
  void StoreState(uint32_t peer, uint32_t state);

  const V2Sections& Sections() const { return sections_; }

 private:
  bool MayWrite(uint32_t peer, uint64_t offset, uint64_t size_bytes) const;

  const V2Sections sections_;
  const std::span<std::byte> memory_;
};

}  // namespace tombolo::control

#include "mpi_btl/engine/registrations.h"

namespace tombolo::mpi {

Registrations::Key Registrations::Add(std::byte* memory, size_t bytes, uint32_t access) {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(entries_.size()));
    entries_.emplace_back();
  }
  const uint32_t index = free_.back();
  free_.pop_back();
  Entry& entry = entries_[index];
  entry = {memory, bytes, access, entry.generation + 1};
  return {index, entry.generation};
}

void Registrations::Remove(Key key) {
  if (key.index >= entries_.size()) return;
  Entry& entry = entries_[key.index];
  if (entry.access == 0 || entry.generation != key.generation) return;
  entry.access = 0;
  free_.push_back(key.index);
}

std::byte* Registrations::Find(Key key, uint64_t address, uint64_t bytes, uint32_t access) const {
  if (key.index >= entries_.size()) return nullptr;
  const Entry& entry = entries_[key.index];
  if (entry.generation != key.generation || (entry.access & access) != access || access == 0) {
    return nullptr;
  }
  // An address before the memory wraps around to a large offset.
  const uint64_t offset = address - reinterpret_cast<uintptr_t>(entry.memory);
  if (offset > entry.bytes || bytes > entry.bytes - offset) return nullptr;
  return entry.memory + offset;
}

}  // namespace tombolo::mpi

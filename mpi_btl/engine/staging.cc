#include "mpi_btl/engine/staging.h"

#include <algorithm>

#include "transport/base/memory_type.h"
#include "transport/region/region_copy.h"

namespace tombolo::mpi {

// With nullptr, one that is free. There are as many as there are claims at a time, which is few.
Staging::Buffer& Staging::Of(const std::byte* payload) {
  const auto found = std::ranges::find(buffers_, payload, &Buffer::payload);
  return found != buffers_.end() ? *found : buffers_.emplace_back();
}

std::byte* Staging::Take(std::span<const std::byte> payload) {
  Buffer& buffer = Of(nullptr);
  buffer.payload = payload.data();
  if (buffer.memory.size() < payload.size()) buffer.memory.resize(payload.size());
  return buffer.memory.data();
}

void Staging::Fill(std::span<std::byte> payload, size_t bytes) {
  const Buffer& buffer = Of(payload.data());
  CopyIn(MemoryType::kDevice, payload.data(), {buffer.memory.data(), bytes});
  Drop(payload);
}

void Staging::Drop(std::span<const std::byte> payload) { Of(payload.data()).payload = nullptr; }

std::span<const std::byte> Staging::Read(std::span<const std::byte> payload) {
  if (read_.size() < payload.size()) read_.resize(payload.size());
  CopyOut(MemoryType::kDevice, read_.data(), payload);
  return {read_.data(), payload.size()};
}

}  // namespace tombolo::mpi

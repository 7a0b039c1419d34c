#include "control/ivshmem_v2/device_memory.h"

#include <algorithm>
#include <cstring>

#include "transport/layout/shared_word.h"

namespace tombolo::control {
namespace {

template <typename T>
SharedWord<T>& Word(std::byte* at) {
  // SAFETY: the caller checked that sizeof(T) bytes are within the memory and `at` is aligned.
  return *reinterpret_cast<SharedWord<T>*>(at);
}

template <typename T>
void Load(std::byte* from, std::byte* to) {
  // Acquire: pairs with the release of Store, and with what a peer stores in its mapping.
  const T value = Word<T>(from).load(std::memory_order_acquire);
  memcpy(to, &value, sizeof(value));
}

template <typename T>
void Store(const std::byte* from, std::byte* to) {
  T value;
  memcpy(&value, from, sizeof(value));
  // Release: pairs with the acquire of Load, and with a peer's load from its mapping.
  Word<T>(to).store(value, std::memory_order_release);
}

bool IsWord(uint64_t offset, uint64_t size_bytes) {
  return (size_bytes == 2 || size_bytes == 4 || size_bytes == 8) && offset % size_bytes == 0;
}

void LoadAll(std::span<std::byte> memory, uint64_t offset, std::span<std::byte> bytes) {
  std::byte* const from = memory.data() + offset;
  if (!IsWord(offset, bytes.size())) {
    for (size_t i = 0; i < bytes.size(); ++i) Load<uint8_t>(from + i, &bytes[i]);
  } else if (bytes.size() == 2) {
    Load<uint16_t>(from, bytes.data());
  } else if (bytes.size() == 4) {
    Load<uint32_t>(from, bytes.data());
  } else {
    Load<uint64_t>(from, bytes.data());
  }
}

void StoreAll(std::span<std::byte> memory, uint64_t offset, std::span<const std::byte> bytes) {
  std::byte* const to = memory.data() + offset;
  if (!IsWord(offset, bytes.size())) {
    for (size_t i = 0; i < bytes.size(); ++i) Store<uint8_t>(&bytes[i], to + i);
  } else if (bytes.size() == 2) {
    Store<uint16_t>(bytes.data(), to);
  } else if (bytes.size() == 4) {
    Store<uint32_t>(bytes.data(), to);
  } else {
    Store<uint64_t>(bytes.data(), to);
  }
}

bool IsWithin(uint64_t offset, uint64_t size_bytes, uint64_t begin, uint64_t section_bytes) {
  return offset >= begin && offset - begin <= section_bytes &&
         size_bytes <= section_bytes - (offset - begin);
}

}  // namespace

void DeviceMemory::Read(uint64_t offset, std::span<std::byte> bytes) const {
  const uint64_t left = offset < memory_.size() ? memory_.size() - offset : 0;
  const size_t there = std::min<uint64_t>(bytes.size(), left);
  std::ranges::fill(bytes.subspan(there), std::byte{0});
  if (there > 0) LoadAll(memory_, offset, bytes.first(there));
}

void DeviceMemory::Write(uint32_t peer, uint64_t offset, std::span<const std::byte> bytes) {
  if (bytes.empty() || !MayWrite(peer, offset, bytes.size())) return;
  StoreAll(memory_, offset, bytes);
}

void DeviceMemory::StoreState(uint32_t peer, uint32_t state) {
  // Release: what the peer wrote before is there for who sees its state.
  Word<uint32_t>(memory_.data() + peer * sizeof(state)).store(state, std::memory_order_release);
}

bool DeviceMemory::MayWrite(uint32_t peer, uint64_t offset, uint64_t size_bytes) const {
  return IsWithin(offset, size_bytes, sections_.RwOffset(), sections_.rw_bytes) ||
         IsWithin(offset, size_bytes, sections_.OutputOffset(peer), sections_.output_bytes);
}

}  // namespace tombolo::control

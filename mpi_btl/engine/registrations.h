// Registrations: which private memory of this process peers may operate on. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tombolo::mpi {

// What peers may do; ORed.
inline constexpr uint32_t kMayRead = 1;
inline constexpr uint32_t kMayWrite = 2;
inline constexpr uint32_t kMayOperate = 4;

class Registrations {
 public:
  struct Key {
    uint32_t index = 0;
    uint32_t generation = 0;
  };

  // [memory, memory + bytes) may be used as `access` says until it is removed.
  Key Add(std::byte* memory, size_t bytes, uint32_t access);
  void Remove(Key key);

  // The memory at `address`, if [address, address + bytes) is wholly within the registration and
  // all of `access` is allowed there; else nullptr. All values may come from a peer.
  std::byte* Find(Key key, uint64_t address, uint64_t bytes, uint32_t access) const;

 private:
  struct Entry {
    std::byte* memory = nullptr;
    size_t bytes = 0;
    uint32_t access = 0;  // 0: the entry is free.
    uint32_t generation = 0;
  };

  std::vector<Entry> entries_;
  std::vector<uint32_t> free_;
};

}  // namespace tombolo::mpi

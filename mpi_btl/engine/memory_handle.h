// MemoryHandle: what a process hands to others so that they may operate on memory of its own. It
// comes back from peers, in messages of Open MPI: nothing in it is believed before it was checked.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tombolo::mpi {

enum class MemoryKind : uint32_t {
  kLocal = 0,    // Its owner alone may use it.
  kRegion = 1,   // In the region: peers reach it themselves.
  kPrivate = 2,  // They ask the owner.
};

struct MemoryHandle {
  MemoryKind kind = MemoryKind::kLocal;
  uint32_t place = 0;       // kRegion: the first extent of its run. kPrivate: the registration.
  uint32_t generation = 0;  // Of either.
  uint32_t owner_index = 0;
  uint32_t owner_incarnation = 0;
  uint32_t reserved = 0;
  uint64_t extents_address = 0;  // kRegion: where the owner has mapped the first extent of all.
};

static_assert(sizeof(MemoryHandle) == 32);

}  // namespace tombolo::mpi

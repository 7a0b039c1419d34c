// A window of one-sided communication over memory of each kind, the same on all ranks.
#pragma once

#include <mpi.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "tests/mpi/message.h"

namespace tombolo::mpi_check {

enum class WindowMemory {
  kOrdinary,   // malloc's.
  kAllocMem,   // From MPI_Alloc_mem.
  kAllocated,  // From MPI_Win_allocate.
};

inline constexpr WindowMemory kAllWindowMemory[] = {
    WindowMemory::kOrdinary, WindowMemory::kAllocMem, WindowMemory::kAllocated};

// Collective; not movable, because the window refers to the memory. Displacements are bytes.
class Window {
 public:
  // Its memory is all kGuard.
  Window(MPI_Comm comm, WindowMemory kind, size_t bytes) : kind_(kind) {
    const auto size = static_cast<MPI_Aint>(bytes);
    std::byte* memory = nullptr;
    if (kind == WindowMemory::kAllocated) {
      MPI_Win_allocate(size, 1, MPI_INFO_NULL, comm, &memory, &win_);
    } else {
      if (kind == WindowMemory::kOrdinary) {
        ordinary_.resize(bytes);
        memory = ordinary_.data();
      } else {
        MPI_Alloc_mem(size, MPI_INFO_NULL, &memory);
      }
      MPI_Win_create(memory, size, 1, MPI_INFO_NULL, comm, &win_);
    }
    memory_ = {memory, bytes};
    std::ranges::fill(memory_, kGuard);
    // Nobody begins before all are there.
    MPI_Barrier(comm);
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  ~Window() {
    MPI_Win_free(&win_);
    if (kind_ == WindowMemory::kAllocMem) MPI_Free_mem(memory_.data());
  }

  MPI_Win win() const { return win_; }
  std::span<std::byte> memory() const { return memory_; }

 private:
  WindowMemory kind_;
  MPI_Win win_ = MPI_WIN_NULL;
  std::vector<std::byte> ordinary_;
  std::span<std::byte> memory_;
};

inline void Put(const Window& window, int target, size_t displacement,
                std::span<const std::byte> bytes) {
  const auto count = static_cast<int>(bytes.size());
  MPI_Put(bytes.data(), count, MPI_BYTE, target, static_cast<MPI_Aint>(displacement), count,
          MPI_BYTE, window.win());
}

inline void Get(const Window& window, int target, size_t displacement, std::span<std::byte> bytes) {
  const auto count = static_cast<int>(bytes.size());
  MPI_Get(bytes.data(), count, MPI_BYTE, target, static_cast<MPI_Aint>(displacement), count,
          MPI_BYTE, window.win());
}

}  // namespace tombolo::mpi_check

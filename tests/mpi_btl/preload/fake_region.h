// FakeRegion: a provider of malloc's blocks with memory of its own, mapped as a region is: shared,
// and not inherited by fork. It allocates large memory itself in each of its functions, as an
// engine may. Thread-safe.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "mpi_btl/preload/tombolo_malloc.h"

namespace tombolo {

inline uintptr_t AddressOf(const void* memory) { return reinterpret_cast<uintptr_t>(memory); }

class FakeRegion {
 public:
  static constexpr size_t kPageBytes = TOMBOLO_MALLOC_PAGE_BYTES;
  static constexpr size_t kBytes = size_t{8} << 20;

  FakeRegion()
      : memory_(static_cast<std::byte*>(
            mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    madvise(memory_, kBytes, MADV_DONTFORK);
  }
  FakeRegion(const FakeRegion&) = delete;
  FakeRegion& operator=(const FakeRegion&) = delete;
  ~FakeRegion() { munmap(memory_, kBytes); }

  tombolo_malloc_provider Provider() {
    return {.context = this,
            .allocate = Allocate,
            .release = Release,
            .first = memory_,
            .bytes = kBytes};
  }

  bool Has(const void* memory) const { return AddressOf(memory) - AddressOf(memory_) < kBytes; }

  // Whether requests are refused from now on.
  void SetFull(bool is_full) { is_full_ = is_full; }
  // Nobody is to call it any more.
  void End() { is_over_ = true; }

  int Asked() const { return asked_; }
  int Released() const { return released_; }
  // It was called after End(), or given its own memory when it allocated some for itself.
  bool WasMisused() const { return was_misused_; }

 private:
  // What the functions of a provider need themselves, while no lock of it is held.
  void AllocateForItself() {
    const std::vector<std::byte> own(kBytes / 16);
    if (is_over_ || Has(own.data())) was_misused_ = true;
  }

  static void* Allocate(void* self, size_t bytes) {
    return static_cast<FakeRegion*>(self)->AllocateRun(bytes);
  }
  static void Release(void* self, void* memory) {
    static_cast<FakeRegion*>(self)->ReleaseRun(static_cast<std::byte*>(memory));
  }

  void* AllocateRun(size_t bytes) {
    AllocateForItself();
    ++asked_;
    if (is_full_) return nullptr;
    const size_t run_bytes = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
    const std::lock_guard<std::mutex> lock(mutex_);
    size_t offset = 0;
    for (const auto& [begin, used_bytes] : runs_) {
      if (begin - offset >= run_bytes) break;
      offset = begin + used_bytes;
    }
    if (run_bytes > kBytes - offset) return nullptr;
    runs_[offset] = run_bytes;
    return memory_ + offset;
  }

  void ReleaseRun(std::byte* memory) {
    AllocateForItself();
    ++released_;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto run = runs_.find(AddressOf(memory) - AddressOf(memory_));
    if (run == runs_.end()) {
      was_misused_ = true;
      return;
    }
    std::memset(memory, 0, run->second);
    runs_.erase(run);
  }

  std::byte* const memory_;
  std::atomic<bool> is_full_ = false;
  std::atomic<bool> is_over_ = false;
  std::atomic<bool> was_misused_ = false;
  std::atomic<int> asked_ = 0;
  std::atomic<int> released_ = 0;
  std::mutex mutex_;
  std::map<size_t, size_t> runs_;  // Bytes by offset.
};

}  // namespace tombolo

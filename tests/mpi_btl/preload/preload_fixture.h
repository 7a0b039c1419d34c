// PreloadTest: libtombolo_malloc.so, under which the whole program runs, with a provider attached.
#pragma once

#include <dlfcn.h>
#include <stdlib.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

#include "gtest/gtest.h"
#include "mpi_btl/preload/tombolo_malloc.h"
#include "tests/mpi_btl/preload/fake_region.h"

namespace tombolo {

inline constexpr char kMinBytesVariable[] = "TOMBOLO_MALLOC_MIN_BYTES";
inline constexpr size_t kMinBytes = 65536;
inline constexpr size_t kLargeBytes = 100'000;
inline constexpr size_t kLargeBlockBytes = 102'400;  // In whole pages.

// The program is not linked with the library, nor is an MPI program.
template <typename Function>
Function* FindInLibrary(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

inline bool Attach(FakeRegion& region) {
  const tombolo_malloc_provider provider = region.Provider();
  return FindInLibrary<decltype(tombolo_malloc_attach)>("tombolo_malloc_attach")(&provider);
}

inline tombolo_malloc_report Detach() {
  return FindInLibrary<decltype(tombolo_malloc_detach)>("tombolo_malloc_detach")();
}

// Bytes that depend on their position.
inline void Fill(void* memory, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) static_cast<unsigned char*>(memory)[i] = (i * 7 + 1) & 0xff;
}
inline bool IsFilled(const void* memory, size_t bytes) {
  const auto* seen = static_cast<const unsigned char*>(memory);
  for (size_t i = 0; i < bytes; ++i) {
    if (seen[i] != ((i * 7 + 1) & 0xff)) return false;
  }
  return true;
}

inline bool IsZero(const void* memory, size_t bytes) {
  const std::span<const unsigned char> all(static_cast<const unsigned char*>(memory), bytes);
  return std::ranges::all_of(all, [](unsigned char byte) { return byte == 0; });
}

class PreloadTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(dlsym(RTLD_DEFAULT, "tombolo_malloc_attach"), nullptr)
        << "run it with LD_PRELOAD=libtombolo_malloc.so";
    setenv(kMinBytesVariable, std::to_string(kMinBytes).c_str(), /*overwrite=*/1);
    ASSERT_TRUE(Attach(region_));
  }
  void TearDown() override {
    EXPECT_EQ(Detach().in_use, 0u);
    EXPECT_FALSE(region_.WasMisused());
  }

  FakeRegion region_;
};

}  // namespace tombolo

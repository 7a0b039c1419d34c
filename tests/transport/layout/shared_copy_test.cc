// Copies out of payloads, wherever a descriptor says that they begin.
#include "transport/layout/shared_copy.h"

#include <cstddef>
#include <cstring>

#include "gtest/gtest.h"
#include "transport/layout/link.h"

namespace tombolo {
namespace {

TEST(SharedCopyTest, GivesTheSameBytesAtEveryAlignment) {
  const LoanDescriptor original{.offset = 0x0102030405060708,
                                .length_bytes = 0xfffefdfcfbfaf9f8,
                                .first_extent = 0x11121314,
                                .generation = 0xe1e2e3e4,
                                .slot = 63,
                                .reserved = 0};
  alignas(SharedU64) std::byte memory[sizeof(original) + alignof(SharedU64)];
  for (size_t at = 0; at < alignof(SharedU64); ++at) {
    memcpy(memory + at, &original, sizeof(original));
    const auto copy = CopyShared<LoanDescriptor>(memory + at);
    EXPECT_EQ(memcmp(&copy, &original, sizeof(copy)), 0) << "at " << at;
  }
}

}  // namespace
}  // namespace tombolo

#include "transport/region/region_copy.h"

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "transport/base/memory_type.h"

namespace tombolo {
namespace {

constexpr size_t kGuard = 64;
constexpr size_t kMostBytes = 100;

class RegionCopyTest : public testing::TestWithParam<MemoryType> {
 protected:
  static std::vector<std::byte> Numbered(size_t size) {
    std::vector<std::byte> bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i + 1);
    return bytes;
  }
};

// The alignment matrix: every offset of both sides within a wide word, every short length.
TEST_P(RegionCopyTest, CopiesEveryAlignmentAndLengthAndNothingBesides) {
  const std::vector<std::byte> source = Numbered(kGuard + kMostBytes);
  for (size_t from = 0; from < 17; ++from) {
    for (size_t to = 0; to < 17; ++to) {
      for (size_t size = 0; size <= kMostBytes - 17; ++size) {
        for (auto* copy : {CopyOut, CopyIn}) {
          alignas(16) std::byte target[kGuard + 2 * kMostBytes] = {};
          copy(GetParam(), target + kGuard + to, {source.data() + from, size});
          for (size_t i = 0; i < sizeof(target); ++i) {
            const bool inside = i >= kGuard + to && i < kGuard + to + size;
            const std::byte expected = inside ? source[from + i - kGuard - to] : std::byte{0};
            ASSERT_EQ(target[i], expected) << from << " " << to << " " << size << " at " << i;
          }
        }
      }
    }
  }
}

TEST_P(RegionCopyTest, ZeroFillsWhatItIsGiven) {
  std::vector<std::byte> bytes = Numbered(10000);
  Zero(GetParam(), std::span(bytes).subspan(3, 9000));
  for (size_t i = 0; i < bytes.size(); ++i) {
    const bool inside = i >= 3 && i < 9003;
    ASSERT_EQ(bytes[i], inside ? std::byte{0} : static_cast<std::byte>(i + 1)) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(EveryType, RegionCopyTest,
                         testing::Values(MemoryType::kWriteBack, MemoryType::kWriteCombining,
                                         MemoryType::kUncached, MemoryType::kDevice));

}  // namespace
}  // namespace tombolo

// Items word by word: whatever their lengths and wherever a value begins, no byte is missing, too
// many or from beside it.
#include "kvcache/shard/item_bytes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "kvcache/layout/item.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kWordBytes = 8;
constexpr size_t kSharedBytes = 2048;
constexpr char kUntouched = '#';

// No two bytes within 256 are the same.
struct alignas(kWordBytes) SharedBytes {
  std::array<std::byte, kSharedBytes> bytes;

  SharedBytes() {
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  }

  std::string_view Text(size_t from, size_t size) const {
    return {reinterpret_cast<const char*>(bytes.data()) + from, size};
  }
};

TEST(ItemBytesTest, LoadsExactlyTheBytesThatAreAskedFor) {
  const SharedBytes shared;
  for (size_t from = 0; from < 2 * kWordBytes; ++from) {
    // Words, blocks, and the C library: from 1,024 on.
    for (size_t size = 0; size < 1100; ++size) {
      std::string seen(size + 2, kUntouched);
      LoadBytes(shared.bytes.data() + from,
                std::as_writable_bytes(std::span(seen)).subspan(1, size));
      std::string expected(shared.Text(from, size));
      expected.insert(0, 1, kUntouched).push_back(kUntouched);
      ASSERT_EQ(seen, expected) << size << " bytes from " << from;
    }
  }
}

TEST(ItemBytesTest, TellsAKeyFromEachThatDiffersInOneByte) {
  const SharedBytes shared;
  for (size_t size = 1; size <= kMaxKeyBytes; ++size) {
    std::string key(shared.Text(kWordBytes, size));
    ASSERT_TRUE(HoldsKey(shared.bytes.data() + kWordBytes, key)) << size;
    for (char& byte : key) {
      byte = static_cast<char>(byte ^ 0x40);
      ASSERT_FALSE(HoldsKey(shared.bytes.data() + kWordBytes, key)) << size;
      byte = static_cast<char>(byte ^ 0x40);
    }
  }
}

// Writes an item of two parts, the second one as bytes or as those of another item.
void Write(SharedBytes& to, std::string_view first, const std::byte* second, size_t second_bytes,
           bool is_shared) {
  ItemWriter writer(to.bytes.data(), {});
  writer.Append(first);
  if (is_shared) {
    writer.AppendShared(second, second_bytes);
  } else {
    writer.Append({reinterpret_cast<const char*>(second), second_bytes});
  }
  writer.Finish();
}

TEST(ItemBytesTest, WritesPartsOneAfterTheOtherAndZerosAfterThem) {
  const SharedBytes from;
  for (size_t first = 0; first < 2 * kWordBytes; ++first) {
    for (size_t second = 0; second < 5 * kWordBytes; ++second) {
      for (const bool is_shared : {false, true}) {
        SharedBytes to;
        Write(to, from.Text(0, first), from.bytes.data() + 2 * kWordBytes, second, is_shared);
        std::string expected(from.Text(0, first));
        expected.append(from.Text(2 * kWordBytes, second));
        while (expected.size() % kWordBytes != 0) expected.push_back(0);
        ASSERT_EQ(to.Text(sizeof(Item), expected.size()), expected) << first << " and " << second;
        const size_t end = sizeof(Item) + expected.size();
        ASSERT_EQ(to.Text(end, 1), from.Text(end, 1)) << first << " and " << second;
      }
    }
  }
}

}  // namespace
}  // namespace tombolo::kvcache

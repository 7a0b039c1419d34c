// MapTest: a small extent map, its words set and read by hand.
#pragma once

#include <array>
#include <optional>

#include "gtest/gtest.h"
#include "transport/alloc/extent_map.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/shared_word.h"

namespace tombolo {

class MapTest : public testing::Test {
 protected:
  static constexpr uint32_t kExtents = 16;
  static constexpr uint16_t kAlice = 7;
  static constexpr uint16_t kBob = 8;

  std::optional<uint32_t> Claim(uint32_t count, uint16_t owner = kAlice) {
    return map_.Claim(count, owner, ExtentKind::kMemory);
  }
  void Set(uint32_t index, const ExtentWord& word) {
    words_[index].store(Pack(word), std::memory_order_relaxed);
  }
  void SetTail(uint32_t index, uint16_t owner) {
    Set(index, {.state = ExtentState::kTail, .kind = ExtentKind::kMemory, .owner = owner});
  }
  void SetHead(uint32_t index, uint16_t owner, uint32_t length) {
    Set(index, {.state = ExtentState::kHead,
                .kind = ExtentKind::kMemory,
                .owner = owner,
                .length = length});
  }
  bool IsFree(uint32_t index) const { return map_.Look(index).state == ExtentState::kFree; }

  std::array<SharedU64, kExtents> words_{};
  ExtentMap map_{words_};
};

}  // namespace tombolo

// ExtentMap: claims and frees over words that a peer writes in between. What is given must lie in
// the map; what is freed must have been the caller's.
#include <cstdlib>
#include <memory>

#include "tests/fuzz/hostile_loads.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/alloc/extent_map.h"

namespace tombolo::fuzz {
namespace {

constexpr uint32_t kMostWords = 64;
constexpr int kMostSteps = 256;
constexpr uint16_t kOwner = 3;

class ExtentMapTarget {
 public:
  explicit ExtentMapTarget(Input& input)
      : input_(input),
        count_(1 + input.Below(kMostWords)),
        words_(std::make_unique<SharedU64[]>(count_)),
        map_({words_.get(), count_}) {}

  void Run() {
    for (int i = 0; i < kMostSteps && !input_.IsEmpty(); ++i) Step();
  }

 private:
  void Step() {
    switch (input_.Below(7)) {
      case 0:
        return Claim();
      case 1:
        map_.Free(input_.Below(2 * kMostWords), kOwner);
        return;
      case 2:
        if (map_.ReleaseAllOf(input_.Below(8) == 0 ? input_.Number<uint16_t>() : kOwner) > count_)
          abort();
        return;
      case 3:
        if (map_.CountFree() > count_) abort();
        return;
      case 4:
        map_.Look(input_.Below(count_));
        return;
      case 5:
        Word().store(input_.Number<uint64_t>(), std::memory_order_relaxed);
        return;
      default:
        Word().store(Pack(PlausibleWord()), std::memory_order_relaxed);
        return;
    }
  }

  void Claim() {
    const uint32_t count = input_.Below(2 * kMostWords);
    const auto first = map_.Claim(count, kOwner, ExtentKind::kMemory);
    if (first && (count == 0 || *first >= count_ || count > count_ - *first)) abort();
  }

  SharedU64& Word() { return words_[input_.Below(count_)]; }

  ExtentWord PlausibleWord() {
    return {.state = static_cast<ExtentState>(input_.Below(4)),
            .kind = static_cast<ExtentKind>(input_.Below(7)),
            .owner = input_.Below(2) == 0 ? kOwner : input_.Number<uint16_t>(),
            .generation = input_.Number<uint32_t>(),
            .length = input_.Below(2 * kMostWords)};
  }

  Input& input_;
  const uint32_t count_;
  std::unique_ptr<SharedU64[]> words_;
  ExtentMap map_;
};

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  ExtentMapTarget target(input);
  const HostileLoads hostile(input);
  target.Run();
}

std::vector<Bytes> Seeds() {
  return {
      {63, 0, 4, 0, 60, 3, 1, 0, 2, 1, 0, 60, 0, 1},  // Claims that fill the map, frees.
      {15, 6, 2, 1, 4, 0, 0, 255, 255, 0, 0, 0, 127, 1, 2, 2, 1},  // A run that ends outside.
      {0, 0, 1, 0, 1, 1, 0, 0, 1, 2, 1, 3},                        // A map of one word.
  };
}

}  // namespace tombolo::fuzz

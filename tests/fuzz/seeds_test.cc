// A fuzz target without a fuzzer: its seeds, and inputs not far from them. Keeps the target in
// order under every compiler and sanitizer; what it finds by itself is little.
#include <cstddef>
#include <cstdint>
#include <random>

#include "gtest/gtest.h"
#include "tests/fuzz/target.h"

namespace tombolo::fuzz {
namespace {

constexpr int kMutantsPerSeed = 100;
constexpr size_t kMostChanges = 8;

Bytes Mutant(Bytes bytes, std::mt19937& random) {
  const size_t changes = 1 + random() % kMostChanges;
  for (size_t i = 0; i < changes && !bytes.empty(); ++i) {
    uint8_t& byte = bytes[random() % bytes.size()];
    byte = random() % 2 == 0 ? static_cast<uint8_t>(random())
                             : static_cast<uint8_t>(byte ^ 1u << random() % 8);
  }
  return bytes;
}

TEST(SeedsTest, AreSurvivedAndSoIsWhatIsNearThem) {
  std::mt19937 random(1);
  RunInput({});
  const std::vector<Bytes> seeds = Seeds();
  ASSERT_FALSE(seeds.empty());
  for (const Bytes& seed : seeds) {
    RunInput(seed);
    for (int i = 0; i < kMutantsPerSeed; ++i) RunInput(Mutant(seed, random));
  }
}

}  // namespace
}  // namespace tombolo::fuzz

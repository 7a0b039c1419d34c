// What a fuzz target is: two functions, in a file of its own. The same code is linked with
// libFuzzer (fuzz_main.cc, `./dev fuzz`) and with a test that every compiler builds
// (seeds_test.cc).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tombolo::fuzz {

using Bytes = std::vector<uint8_t>;

// Does what `input` says with the code under test: in bounded time, the same each time, and leaves
// nothing behind. Whatever it says must be survived.
void RunInput(std::span<const uint8_t> input);

// Inputs from which the fuzzer begins, because it would take long to find them.
std::vector<Bytes> Seeds();

}  // namespace tombolo::fuzz

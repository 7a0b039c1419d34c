// What a fuzz target is: two functions, in a file of its own. The same code is linked with
// libFuzzer (fuzz_main.cc, `./dev fuzz`) and with a test that every compiler builds
// (seeds_test.cc).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tombolo::fuzz {

using Bytes = std::vector<uint8_t>;

// Does what `bytes` say with the code under test: in bounded time, the same each time, and leaves
// nothing behind. Whatever they say must be survived.
void RunInput(std::span<const uint8_t> bytes);

// Inputs from which the fuzzer begins, because it would take long to find them.
std::vector<Bytes> Seeds();

}  // namespace tombolo::fuzz

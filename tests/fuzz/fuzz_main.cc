// libFuzzer's entry into a target. With TOMBOLO_FUZZ_SEEDS=FOLDER it first writes the target's
// seeds there, so that no corpus has to be kept anywhere. --hostile: hostile_loads.h.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "tests/fuzz/hostile_loads.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  // libFuzzer itself leaves flags alone that begin with two hyphens.
  const std::span<char*> words(*argv, static_cast<size_t>(*argc));
  tombolo::fuzz::loads_are_hostile =
      std::ranges::find(words, std::string_view("--hostile")) != words.end();
  const char* folder = getenv("TOMBOLO_FUZZ_SEEDS");
  if (folder == nullptr) return 0;
  int number = 0;
  for (const tombolo::fuzz::Bytes& seed : tombolo::fuzz::Seeds()) {
    std::ofstream file(std::string(folder) + "/seed-" + std::to_string(number++), std::ios::binary);
    file.write(reinterpret_cast<const char*>(seed.data()),
               static_cast<std::streamsize>(seed.size()));
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tombolo::fuzz::RunInput({data, size});
  return 0;
}

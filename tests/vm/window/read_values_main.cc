// read_values FILE PREFIX COUNT TIMES: gets PREFIX0 to PREFIX(COUNT-1) from the memory file of a
// tombolo-kv, or a device's file that shows it, TIMES times each, and checks them: whoever stored
// them made a value of its key, as Expected() says.
//
// Prints one JSON object, {"hits": N, "others": N, "wrong": N}: what was got, what the reader did
// not answer by itself, and what was not as it was stored. Exit codes: 0, 1 with a sentence when
// there is no such memory file, 2 usage.
#include <stdio.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "kvcache/client/file_reader.h"
#include "kvcache/client/reader.h"

namespace tombolo::kvcache {
namespace {

struct Task {
  std::string file;
  std::string prefix;
  uint32_t count = 0;
  uint32_t times = 0;
};

struct Tally {
  uint64_t hits = 0;
  uint64_t others = 0;
  uint64_t wrong = 0;
};

// The key, over and over, up to a length that depends on the number: odd ones too.
std::string Expected(const std::string& key, uint32_t number) {
  std::string value;
  while (value.size() < number * 37 + 1) value += key;
  value.resize(number * 37 + 1);
  return value;
}

void Read(FileReader& reader, const Task& task, Tally& tally) {
  std::string value;
  for (uint32_t number = 0; number < task.count; ++number) {
    const std::string key = absl::StrCat(task.prefix, number);
    Found found;
    if (reader.Get(key, value, found) != ReadResult::kHit) {
      ++tally.others;
      continue;
    }
    ++tally.hits;
    if (value != Expected(key, number)) ++tally.wrong;
  }
}

int Main(const std::vector<std::string>& words) {
  Task task;
  if (words.size() != 4 || !absl::SimpleAtoi(words[2], &task.count) ||
      !absl::SimpleAtoi(words[3], &task.times)) {
    fprintf(stderr, "usage: read_values FILE PREFIX COUNT TIMES\n");
    return 2;
  }
  task.file = words[0];
  task.prefix = words[1];
  absl::StatusOr<FileReader> reader = FileReader::Open(task.file);
  if (!reader.ok()) {
    fprintf(stderr, "error: %s\n", std::string(reader.status().message()).c_str());
    return 1;
  }
  Tally tally;
  for (uint32_t time = 0; time < task.times; ++time) Read(*reader, task, tally);
  printf("{\"hits\": %lu, \"others\": %lu, \"wrong\": %lu}\n",
         static_cast<unsigned long>(tally.hits), static_cast<unsigned long>(tally.others),
         static_cast<unsigned long>(tally.wrong));
  return 0;
}

}  // namespace
}  // namespace tombolo::kvcache

int main(int argc, char** argv) { return tombolo::kvcache::Main({argv + 1, argv + argc}); }

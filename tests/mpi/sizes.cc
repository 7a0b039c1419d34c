#include "tests/mpi/sizes.h"

#include <set>

namespace tombolo::mpi_check {
namespace {

constexpr size_t kEverySizeUpToBytes = 2200;
constexpr size_t kSmallestLimitBytes = 256;
constexpr size_t kLargestLimitBytes = size_t{64} << 10;

// Open MPI's headers of 14 to 60 bytes count against its limits, and so do a transport's own.
constexpr size_t kHeadersBytes = 96;
constexpr size_t kBelow[] = {64, 32, 28, 14, 8, 1};
constexpr size_t kBeyondBytes = 16;

// A prime, so that the last fragment of a long message takes many lengths.
constexpr size_t kSweepStepBytes = 4093;
constexpr size_t kSweepEndBytes = size_t{256} << 10;

}  // namespace

std::vector<size_t> AllSizes() {
  std::set<size_t> sizes;
  for (size_t bytes = 0; bytes <= kEverySizeUpToBytes; ++bytes) sizes.insert(bytes);
  for (size_t limit = kSmallestLimitBytes; limit <= kLargestLimitBytes; limit *= 2) {
    for (size_t bytes = limit - kHeadersBytes; bytes <= limit + kBeyondBytes; ++bytes) {
      sizes.insert(bytes);
    }
  }
  for (size_t bytes = kLargestLimitBytes; bytes < kSweepEndBytes; bytes += kSweepStepBytes) {
    sizes.insert(bytes);
  }
  for (const size_t bytes : SwitchSizes()) sizes.insert(bytes);
  return {sizes.begin(), sizes.end()};
}

std::vector<size_t> SwitchSizes(size_t largest_bytes) {
  std::set<size_t> sizes = {0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 127};
  for (size_t limit = kSmallestLimitBytes; limit <= kLargestBytes; limit *= 2) {
    for (const size_t below : kBelow) {
      if (limit <= kLargestLimitBytes || below == 1) sizes.insert(limit - below);
    }
    sizes.insert(limit);
    if (limit < kLargestBytes) sizes.insert(limit + 1);
  }
  sizes.erase(sizes.upper_bound(largest_bytes), sizes.end());
  return {sizes.begin(), sizes.end()};
}

}  // namespace tombolo::mpi_check

#include <set>
#include <vector>

#include "tests/mpi/groups.h"
#include "tests/mpi/sizes.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 100;

// To the rank `distance` above, from the rank `distance` below.
void Shift(World& world, int distance, size_t bytes) {
  const int next = (world.rank + distance) % world.size;
  const int previous = (world.rank - distance + world.size) % world.size;
  const int tag = kTag + distance;
  Incoming incoming(world, previous, tag, bytes);
  Outgoing outgoing(world, next, tag, bytes);
  incoming.Expect({previous, tag, bytes});
}

// Small and large in turn, so that each finds the lanes as another kind of message left them.
std::vector<size_t> Interleaved(const std::vector<size_t>& ascending) {
  std::vector<size_t> mixed;
  for (size_t low = 0, high = ascending.size(); low < high;) {
    mixed.push_back(ascending[low++]);
    if (low < high) mixed.push_back(ascending[--high]);
  }
  return mixed;
}

}  // namespace

void CheckSizes(World& world) {
  const std::vector<size_t> switches = SwitchSizes();
  const std::set<size_t> everywhere(switches.begin(), switches.end());
  const std::vector<size_t> sizes = Interleaved(AllSizes());
  // Sizes at a switch go over all distances, the others over one each: the time does not grow with
  // the square of the ranks.
  const auto distances = static_cast<size_t>(world.size - 1);
  for (size_t i = 0; i < sizes.size(); ++i) {
    for (size_t distance = 1; distance <= distances; ++distance) {
      if (i % distances != distance - 1 && !everywhere.contains(sizes[i])) continue;
      Shift(world, static_cast<int>(distance), sizes[i]);
    }
  }
}

}  // namespace tombolo::mpi_check

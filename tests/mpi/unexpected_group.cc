#include <memory>
#include <vector>

#include "tests/mpi/groups.h"
#include "tests/mpi/sizes.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 600;
constexpr size_t kLargestBytesHere = size_t{512} << 10;

std::vector<std::unique_ptr<Outgoing>> SendAll(World& world, const std::vector<size_t>& sizes) {
  std::vector<std::unique_ptr<Outgoing>> sends;
  for (size_t i = 0; i < sizes.size(); ++i) {
    for (int distance = 1; distance < world.size; ++distance) {
      sends.push_back(std::make_unique<Outgoing>(world, (world.rank + distance) % world.size,
                                                 kTag + static_cast<int>(i), sizes[i]));
    }
  }
  return sends;
}

}  // namespace

void CheckUnexpected(World& world) {
  const std::vector<size_t> sizes = SwitchSizes(kLargestBytesHere);
  const std::vector<std::unique_ptr<Outgoing>> sends = SendAll(world, sizes);
  // Everybody has sent, and the barrier's own messages came behind: nothing of the above was
  // expected.
  MPI_Barrier(world.comm);
  for (size_t i = sizes.size(); i-- > 0;) {
    for (int distance = world.size - 1; distance > 0; --distance) {
      const int source = (world.rank + distance) % world.size;
      const int tag = kTag + static_cast<int>(i);
      Incoming(world, source, tag, sizes[i]).Expect({source, tag, sizes[i]});
    }
  }
}

}  // namespace tombolo::mpi_check

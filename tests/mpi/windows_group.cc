#include <memory>
#include <utility>
#include <vector>

#include "tests/mpi/groups.h"
#include "tests/mpi/sizes.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 1000;
constexpr int kWindow = 256;
constexpr int kRounds = 4;
constexpr size_t kStormSizes[] = {0, 100, 4000, 33'000, 200'000};

size_t WindowBytes(int round, int index) {
  constexpr size_t kLimits[] = {64, 4200, 40'000, 150'000};
  return static_cast<size_t>(index) * 2654435761U % kLimits[round % 4];
}

// Both ranks of each pair have kWindow receives and kWindow sends open, posted in opposite orders
// of tags.
void BothWaysAtOnce(World& world, int round) {
  const int partner = world.rank ^ 1;
  if (partner >= world.size) return;
  std::vector<std::unique_ptr<Incoming>> receives;
  std::vector<std::unique_ptr<Outgoing>> sends;
  for (int i = kWindow - 1; i >= 0; --i) {
    receives.push_back(std::make_unique<Incoming>(world, partner, kTag + i, WindowBytes(round, i)));
  }
  for (int i = 0; i < kWindow; ++i) {
    sends.push_back(std::make_unique<Outgoing>(world, partner, kTag + i, WindowBytes(round, i)));
  }
  for (int i = kWindow - 1; i >= 0; --i) {
    receives[static_cast<size_t>(kWindow - 1 - i)]->Expect(
        {partner, kTag + i, WindowBytes(round, i)});
  }
}

// Everybody to everybody, completed in whatever order it comes.
void Storm(World& world, size_t bytes) {
  constexpr int kEach = 8;
  std::vector<std::unique_ptr<Incoming>> receives;
  std::vector<std::unique_ptr<Outgoing>> sends;
  std::vector<MPI_Request> requests;
  std::vector<Origin> origins;
  for (int source = 0; source < world.size; ++source) {
    for (int i = 0; i < kEach && source != world.rank; ++i) {
      origins.push_back({source, kTag + i, bytes + static_cast<size_t>(i)});
      receives.push_back(std::make_unique<Incoming>(world, source, kTag + i, origins.back().bytes));
      requests.push_back(std::exchange(receives.back()->request(), MPI_REQUEST_NULL));
    }
  }
  for (int i = 0; i < kEach; ++i) {
    for (int distance = 1; distance < world.size; ++distance) {
      sends.push_back(std::make_unique<Outgoing>(world, (world.rank + distance) % world.size,
                                                 kTag + i, bytes + static_cast<size_t>(i)));
    }
  }
  for (size_t done = 0; done < origins.size(); ++done) {
    int index;
    MPI_Status status;
    MPI_Waitany(static_cast<int>(requests.size()), requests.data(), &index, &status);
    receives[static_cast<size_t>(index)]->ExpectDone(origins[static_cast<size_t>(index)], status);
  }
}

}  // namespace

void CheckWindows(World& world) {
  for (int round = 0; round < kRounds; ++round) BothWaysAtOnce(world, round);
  for (const size_t bytes : kStormSizes) Storm(world, bytes);
}

}  // namespace tombolo::mpi_check

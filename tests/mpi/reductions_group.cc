#include <algorithm>
#include <string_view>
#include <vector>

#include "tests/mpi/groups.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 21;
constexpr size_t kCounts[] = {0, 1, 3, 100, 511, 513, 4100, 30'000};

// A map x -> scale * x + shift; following one by another does not commute. Two integers of the
// payload.
struct Affine {
  int64_t scale;
  int64_t shift;
};

Affine Then(const Affine& first, const Affine& second) {
  const auto product = [](int64_t a, int64_t b) {
    return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  };
  return {product(second.scale, first.scale),
          static_cast<int64_t>(static_cast<uint64_t>(product(second.scale, first.shift)) +
                               static_cast<uint64_t>(second.shift))};
}

void ComposeAffine(void* in, void* inout, int* count, MPI_Datatype*) {
  const auto* left = static_cast<const Affine*>(in);
  auto* right = static_cast<Affine*>(inout);
  for (int i = 0; i < *count; ++i) right[i] = Then(left[i], right[i]);
}

// The sum, maximum or composition of what ranks [first, last) contribute.
int64_t Sum(size_t index, int first, int last) {
  int64_t sum = 0;
  for (int rank = first; rank < last; ++rank) sum += Value(rank, kTag, index);
  return sum;
}

int64_t Maximum(size_t index, int first, int last) {
  int64_t maximum = Value(first, kTag, index);
  for (int rank = first + 1; rank < last; ++rank) {
    maximum = std::max(maximum, Value(rank, kTag, index));
  }
  return maximum;
}

Affine Composition(size_t index, int first, int last) {
  Affine all = {1, 0};
  for (int rank = first; rank < last; ++rank) {
    all = Then(all, {Value(rank, kTag, 2 * index), Value(rank, kTag, 2 * index + 1)});
  }
  return all;
}

template <typename Expected>
void CheckEach(World& world, std::string_view what, std::span<const int64_t> seen, size_t from,
               Expected expected) {
  for (size_t i = 0; i < seen.size(); ++i) world.checks.Equal(what, seen[i], expected(from + i));
}

void ReduceToRoots(World& world, std::span<const int64_t> own) {
  const int count = static_cast<int>(own.size());
  const auto maximum = [&world](size_t i) { return Maximum(i, 0, world.size); };
  for (int root = 0; root < world.size; ++root) {
    std::vector<int64_t> result(own.size());
    MPI_Reduce(own.data(), result.data(), count, MPI_INT64_T, MPI_MAX, root, world.comm);
    if (world.rank == root) CheckEach(world, "Reduce", result, 0, maximum);
  }
}

void ReduceToAll(World& world, std::span<const int64_t> own) {
  const int count = static_cast<int>(own.size());
  const auto sum = [&world](size_t i) { return Sum(i, 0, world.size); };
  std::vector<int64_t> result(own.size());
  MPI_Allreduce(own.data(), result.data(), count, MPI_INT64_T, MPI_SUM, world.comm);
  CheckEach(world, "Allreduce", result, 0, sum);
  std::vector<int64_t> in_place(own.begin(), own.end());
  MPI_Allreduce(MPI_IN_PLACE, in_place.data(), count, MPI_INT64_T, MPI_SUM, world.comm);
  CheckEach(world, "Allreduce in place", in_place, 0, sum);
}

void ReduceAndScatter(World& world, size_t block) {
  const auto size = static_cast<size_t>(world.size);
  const auto rank = static_cast<size_t>(world.rank);
  const auto sum = [&world](size_t i) { return Sum(i, 0, world.size); };
  std::vector<int64_t> own(block * size);
  FillValues(world.rank, kTag, own);
  std::vector<int64_t> part(block);
  MPI_Reduce_scatter_block(own.data(), part.data(), static_cast<int>(block), MPI_INT64_T, MPI_SUM,
                           world.comm);
  CheckEach(world, "Reduce_scatter_block", part, block * rank, sum);
  // Rank r keeps r elements of every size() more than the rank before it.
  std::vector<int> counts;
  size_t before = 0;
  for (size_t i = 0, left = own.size(); i < size; ++i) {
    const size_t count = i + 1 == size ? left : std::min(left, block / 2 * i);
    if (i < rank) before += count;
    left -= count;
    counts.push_back(static_cast<int>(count));
  }
  std::vector<int64_t> uneven(static_cast<size_t>(counts[rank]));
  MPI_Reduce_scatter(own.data(), uneven.data(), counts.data(), MPI_INT64_T, MPI_SUM, world.comm);
  CheckEach(world, "Reduce_scatter", uneven, before, sum);
}

void Prefixes(World& world, std::span<const int64_t> own) {
  const int count = static_cast<int>(own.size());
  std::vector<int64_t> result(own.size());
  MPI_Scan(own.data(), result.data(), count, MPI_INT64_T, MPI_SUM, world.comm);
  CheckEach(world, "Scan", result, 0, [&world](size_t i) { return Sum(i, 0, world.rank + 1); });
  MPI_Exscan(own.data(), result.data(), count, MPI_INT64_T, MPI_SUM, world.comm);
  if (world.rank == 0) return;  // Its result is undefined.
  CheckEach(world, "Exscan", result, 0, [&world](size_t i) { return Sum(i, 0, world.rank); });
}

void CheckCompositions(World& world, std::string_view what, std::span<const Affine> seen,
                       int last) {
  for (size_t i = 0; i < seen.size(); ++i) {
    const Affine expected = Composition(i, 0, last);
    world.checks.Equal(what, seen[i].scale, expected.scale);
    world.checks.Equal(what, seen[i].shift, expected.shift);
  }
}

void InOrderOfRanks(World& world, std::span<const int64_t> own) {
  MPI_Datatype type;
  MPI_Type_contiguous(2, MPI_INT64_T, &type);
  MPI_Type_commit(&type);
  MPI_Op compose;
  MPI_Op_create(ComposeAffine, /*commute=*/0, &compose);
  std::vector<Affine> result(own.size() / 2);
  const int count = static_cast<int>(result.size());
  MPI_Allreduce(own.data(), result.data(), count, type, compose, world.comm);
  CheckCompositions(world, "Allreduce in order", result, world.size);
  MPI_Scan(own.data(), result.data(), count, type, compose, world.comm);
  CheckCompositions(world, "Scan in order", result, world.rank + 1);
  MPI_Reduce(own.data(), result.data(), count, type, compose, world.size - 1, world.comm);
  if (world.rank == world.size - 1) {
    CheckCompositions(world, "Reduce in order", result, world.size);
  }
  MPI_Op_free(&compose);
  MPI_Type_free(&type);
}

}  // namespace

void CheckReductions(World& world) {
  for (const size_t count : kCounts) {
    std::vector<int64_t> own(count);
    FillValues(world.rank, kTag, own);
    ReduceToRoots(world, own);
    ReduceToAll(world, own);
    ReduceAndScatter(world, count / 4);
    Prefixes(world, own);
    InOrderOfRanks(world, own);
  }
}

}  // namespace tombolo::mpi_check

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tests/mpi/blocks.h"
#include "tests/mpi/groups.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 41;
constexpr size_t kSizes[] = {1, 100, 3000, 40'000};

// What `rank` contributes, or is given; nothing for every fourth.
size_t BytesOf(int rank, size_t bytes) {
  return rank % 4 == 3 ? 0 : bytes / (static_cast<size_t>(rank % 3) + 1);
}

std::vector<size_t> Uneven(const World& world, size_t bytes) {
  std::vector<size_t> uneven;
  for (int rank = 0; rank < world.size; ++rank) uneven.push_back(BytesOf(rank, bytes));
  return uneven;
}

// The buffers of the collectives that are open at once.
struct Open {
  Open(const World& world, size_t bytes)
      : count(static_cast<int>(bytes)),
        even(bytes),
        even_gathered(bytes * static_cast<size_t>(world.size)),
        even_scattered(even_gathered.size()),
        even_part(bytes),
        own(BytesOf(world.rank, bytes)),
        gathered(Uneven(world, bytes)),
        all_gathered(Uneven(world, bytes)),
        scattered(Uneven(world, bytes)),
        part(own.size()),
        to_each(std::vector<size_t>(static_cast<size_t>(world.size), own.size())),
        from_each_v(Uneven(world, bytes)),
        from_each_w(Uneven(world, bytes)),
        values(even_gathered.size()),
        reduced(bytes),
        block(bytes),
        uneven_block(bytes),
        scanned(bytes),
        scanned_before(bytes) {}

  int count;
  std::vector<std::byte> even, even_gathered, even_scattered;
  GuardedBuffer even_part;
  std::vector<std::byte> own;
  Blocks gathered, all_gathered, scattered;
  GuardedBuffer part;
  Blocks to_each, from_each_v, from_each_w;
  std::vector<int64_t> values, reduced, block, uneven_block, scanned, scanned_before;
};

std::span<std::byte> EvenBlock(std::vector<std::byte>& all, int index, const Open& open) {
  return std::span(all).subspan(open.even.size() * static_cast<size_t>(index), open.even.size());
}

// A block for rank d carries tag d, and what goes to everybody or to the root kTag.
void FillAll(World& world, Open& open, int root) {
  Fill({world.rank, kTag, open.even.size()}, open.even);
  Fill({world.rank, kTag, open.own.size()}, open.own);
  FillValues(world.rank, kTag, open.values);
  for (int to = 0; to < world.size; ++to) {
    Fill({world.rank, to, open.to_each.bytes(to)}, open.to_each[to]);
    if (world.rank != root) continue;
    Fill({root, to, open.even.size()}, EvenBlock(open.even_scattered, to, open));
    Fill({root, to, open.scattered.bytes(to)}, open.scattered[to]);
  }
}

void StartEven(World& world, Open& open, int root, std::vector<MPI_Request>& requests) {
  MPI_Igather(open.even.data(), open.count, MPI_BYTE, open.even_gathered.data(), open.count,
              MPI_BYTE, root, world.comm, &requests.emplace_back());
  MPI_Iscatter(open.even_scattered.data(), open.count, MPI_BYTE, open.even_part.payload().data(),
               open.count, MPI_BYTE, root, world.comm, &requests.emplace_back());
}

void StartUneven(World& world, Open& open, int root, std::vector<MPI_Request>& requests) {
  const int own = static_cast<int>(open.own.size());
  MPI_Igatherv(open.own.data(), own, MPI_BYTE, open.gathered.data(), open.gathered.counts(),
               open.gathered.displacements(), MPI_BYTE, root, world.comm, &requests.emplace_back());
  MPI_Iscatterv(open.scattered.data(), open.scattered.counts(), open.scattered.displacements(),
                MPI_BYTE, open.part.payload().data(), own, MPI_BYTE, root, world.comm,
                &requests.emplace_back());
  MPI_Iallgatherv(open.own.data(), own, MPI_BYTE, open.all_gathered.data(),
                  open.all_gathered.counts(), open.all_gathered.displacements(), MPI_BYTE,
                  world.comm, &requests.emplace_back());
}

// `types` must live as long as the request.
void StartAllToAll(World& world, Open& open, const std::vector<MPI_Datatype>& types,
                   std::vector<MPI_Request>& requests) {
  Blocks& out = open.to_each;
  MPI_Ialltoallv(out.data(), out.counts(), out.displacements(), MPI_BYTE, open.from_each_v.data(),
                 open.from_each_v.counts(), open.from_each_v.displacements(), MPI_BYTE, world.comm,
                 &requests.emplace_back());
  MPI_Ialltoallw(out.data(), out.counts(), out.displacements(), types.data(),
                 open.from_each_w.data(), open.from_each_w.counts(),
                 open.from_each_w.displacements(), types.data(), world.comm,
                 &requests.emplace_back());
}

// `counts` must live as long as the request.
void StartReductions(World& world, Open& open, int root, const std::vector<int>& counts,
                     std::vector<MPI_Request>& requests) {
  const int64_t* values = open.values.data();
  MPI_Ireduce(values, open.reduced.data(), open.count, MPI_INT64_T, MPI_SUM, root, world.comm,
              &requests.emplace_back());
  MPI_Ireduce_scatter_block(values, open.block.data(), open.count, MPI_INT64_T, MPI_SUM, world.comm,
                            &requests.emplace_back());
  MPI_Ireduce_scatter(values, open.uneven_block.data(), counts.data(), MPI_INT64_T, MPI_SUM,
                      world.comm, &requests.emplace_back());
  MPI_Iscan(values, open.scanned.data(), open.count, MPI_INT64_T, MPI_SUM, world.comm,
            &requests.emplace_back());
  MPI_Iexscan(values, open.scanned_before.data(), open.count, MPI_INT64_T, MPI_SUM, world.comm,
              &requests.emplace_back());
}

void CheckEven(World& world, Open& open, int root) {
  const size_t bytes = open.even.size();
  world.checks.Payload("Iscatter", {root, world.rank, bytes}, open.even_part.payload());
  open.even_part.CheckGuards(world.checks);
  for (int source = 0; world.rank == root && source < world.size; ++source) {
    world.checks.Payload("Igather", {source, kTag, bytes},
                         EvenBlock(open.even_gathered, source, open));
  }
}

void CheckUneven(World& world, Open& open, int root) {
  if (world.rank == root) CheckFromEach(world, "Igatherv", open.gathered, kTag);
  world.checks.Payload("Iscatterv", {root, world.rank, open.own.size()}, open.part.payload());
  open.part.CheckGuards(world.checks);
  CheckFromEach(world, "Iallgatherv", open.all_gathered, kTag);
  CheckFromEach(world, "Ialltoallv", open.from_each_v, world.rank);
  CheckFromEach(world, "Ialltoallw", open.from_each_w, world.rank);
}

// `seen` is the sum of what ranks 0 to `ranks` - 1 contribute, from element `from` on.
void CheckSum(World& world, std::string_view what, std::span<const int64_t> seen, size_t from,
              int ranks) {
  for (size_t i = 0; i < seen.size(); ++i) {
    int64_t sum = 0;
    for (int rank = 0; rank < ranks; ++rank) sum += Value(rank, kTag, from + i);
    world.checks.Equal(what, seen[i], sum);
  }
}

void CheckReduced(World& world, Open& open, int root) {
  const size_t mine = open.block.size() * static_cast<size_t>(world.rank);
  if (world.rank == root) CheckSum(world, "Ireduce", open.reduced, 0, world.size);
  CheckSum(world, "Ireduce_scatter_block", open.block, mine, world.size);
  CheckSum(world, "Ireduce_scatter", open.uneven_block, mine, world.size);
  CheckSum(world, "Iscan", open.scanned, 0, world.rank + 1);
  // Undefined on rank 0.
  if (world.rank > 0) CheckSum(world, "Iexscan", open.scanned_before, 0, world.rank);
}

}  // namespace

void CheckRootedNonblocking(World& world) {
  int root = world.size - 1;
  for (const size_t bytes : kSizes) {
    Open open(world, bytes);
    FillAll(world, open, root);
    const std::vector<MPI_Datatype> types(static_cast<size_t>(world.size), MPI_BYTE);
    const std::vector<int> counts(static_cast<size_t>(world.size), open.count);
    std::vector<MPI_Request> requests;
    StartEven(world, open, root, requests);
    StartUneven(world, open, root, requests);
    StartAllToAll(world, open, types, requests);
    StartReductions(world, open, root, counts, requests);
    MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
    CheckEven(world, open, root);
    CheckUneven(world, open, root);
    CheckReduced(world, open, root);
    root = (root + 1) % world.size;
  }
}

}  // namespace tombolo::mpi_check

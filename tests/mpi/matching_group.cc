#include <vector>

#include "tests/mpi/groups.h"
#include "tests/mpi/sizes.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 400;
constexpr int kOrderTag = 499;
constexpr size_t kLargestBytesHere = 100'000;
constexpr int kOrderedMessages = 300;

// What rank `source` sends in round `round`: receivers with wildcards learn the round from the tag.
size_t BytesOf(int source, size_t round, const std::vector<size_t>& sizes) {
  return sizes[(round * 7 + static_cast<size_t>(source) * 3) % sizes.size()];
}

// Rank 0 receives from everybody by wildcards and must find each message once.
void AnySourceAnyTag(World& world, bool probe) {
  const std::vector<size_t> sizes = SwitchSizes(kLargestBytesHere);
  const size_t rounds = sizes.size();
  if (world.rank != 0) {
    for (size_t round = 0; round < rounds; ++round) {
      Outgoing(world, 0, kTag + static_cast<int>(round), BytesOf(world.rank, round, sizes)).Wait();
    }
    return;
  }
  std::vector<size_t> next_round(static_cast<size_t>(world.size), 0);
  const size_t messages = rounds * static_cast<size_t>(world.size - 1);
  for (size_t i = 0; i < messages; ++i) {
    MPI_Status status;
    MPI_Message message = MPI_MESSAGE_NULL;
    std::vector<std::byte> buffer(kLargestBytesHere);
    const int capacity = static_cast<int>(buffer.size());
    if (probe) {
      MPI_Mprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, world.comm, &message, &status);
      MPI_Mrecv(buffer.data(), capacity, MPI_BYTE, &message, &status);
    } else {
      MPI_Recv(buffer.data(), capacity, MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG, world.comm, &status);
    }
    const int source = status.MPI_SOURCE;
    const size_t round = next_round[static_cast<size_t>(source)]++;
    const Origin origin = {source, kTag + static_cast<int>(round), BytesOf(source, round, sizes)};
    CheckStatus(world.checks, status, origin);
    world.checks.Payload("message by wildcard", origin, std::span(buffer).first(origin.bytes));
  }
}

// MPI_Probe tells the length of a message that has not been received.
void ProbeTellsTheLength(World& world) {
  for (const size_t bytes : SwitchSizes(kLargestBytesHere)) {
    if (world.rank == 0) {
      Outgoing(world, 1, kTag, bytes).Wait();
    } else if (world.rank == 1) {
      MPI_Status status;
      MPI_Probe(0, kTag, world.comm, &status);
      CheckStatus(world.checks, status, {0, kTag, bytes});
      Incoming(world, 0, kTag, bytes).Expect({0, kTag, bytes});
    }
  }
}

// Small and large messages with one tag: they take different ways and still arrive in order.
void NoOvertaking(World& world) {
  const std::vector<size_t> sizes = SwitchSizes(kLargestBytesHere);
  const auto bytes_of = [&sizes](int i) {
    return sizes[static_cast<size_t>(i) * 13 % sizes.size()];
  };
  const int next = (world.rank + 1) % world.size;
  const int previous = (world.rank - 1 + world.size) % world.size;
  std::vector<std::vector<std::byte>> out;
  std::vector<MPI_Request> requests(kOrderedMessages);
  for (int i = 0; i < kOrderedMessages; ++i) {
    std::vector<std::byte>& buffer = out.emplace_back(bytes_of(i));
    Fill({world.rank, i, buffer.size()}, buffer);
    MPI_Isend(buffer.data(), static_cast<int>(buffer.size()), MPI_BYTE, next, kOrderTag, world.comm,
              &requests[static_cast<size_t>(i)]);
  }
  std::vector<std::byte> in(kLargestBytesHere);
  for (int i = 0; i < kOrderedMessages; ++i) {
    MPI_Status status;
    MPI_Recv(in.data(), static_cast<int>(in.size()), MPI_BYTE, previous, kOrderTag, world.comm,
             &status);
    CheckStatus(world.checks, status, {previous, kOrderTag, bytes_of(i)});
    world.checks.Payload("message in order", {previous, i, bytes_of(i)},
                         std::span(in).first(bytes_of(i)));
  }
  MPI_Waitall(kOrderedMessages, requests.data(), MPI_STATUSES_IGNORE);
}

}  // namespace

void CheckMatching(World& world) {
  AnySourceAnyTag(world, /*probe=*/false);
  MPI_Barrier(world.comm);
  AnySourceAnyTag(world, /*probe=*/true);
  MPI_Barrier(world.comm);
  ProbeTellsTheLength(world);
  NoOvertaking(world);
}

}  // namespace tombolo::mpi_check

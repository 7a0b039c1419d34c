// What all ranks of a soak do in one round. Each rank makes the whole plan by itself, from the same
// numbers, so a receiver knows what has to come without being told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tombolo::mpi_check {

enum class RoundKind { kMessages, kOneSided, kCollective };

// How a rank receives all messages of a round.
enum class Matching {
  kExact,      // Source and tag of each.
  kAnySource,  // All have the same tag.
  kAnything,   // MPI_ANY_SOURCE and MPI_ANY_TAG.
};

enum class SendCall { kSend, kSsend, kIsend, kIssend };

struct PlannedMessage {
  int number = 0;  // Of no other message of the soak: it tells payloads apart.
  int source = 0;
  int destination = 0;
  int tag = 0;
  size_t bytes = 0;
  SendCall call = SendCall::kSend;
  // Where its bytes lie at either end: in memory of MPI_Alloc_mem, or the program's own; in one
  // piece, or with gaps between.
  bool is_sent_from_region = false;
  bool is_received_in_region = false;
  bool is_sent_with_gaps = false;
  bool is_received_with_gaps = false;
};

struct RoundPlan {
  RoundKind kind = RoundKind::kMessages;
  uint64_t seed = 0;          // For what each rank decides by itself.
  std::vector<int> pause_ms;  // Before the round, by rank; mostly 0.

  // Messages. Either all receives are posted first, and sends may wait for them, or all sends are
  // begun first.
  bool is_posted_first = false;
  bool is_probed = false;          // If not posted first.
  std::vector<Matching> matching;  // By receiving rank.
  std::vector<PlannedMessage> messages;

  // Whether somebody would also take messages of the next round.
  bool HasWildcards() const;
};

// Round `round` of a soak of `size` ranks.
RoundPlan PlanRound(uint64_t seed, int round, int size);

}  // namespace tombolo::mpi_check

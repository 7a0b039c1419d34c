// One message each way: owns its buffer and its request, fills or checks the payload.
//
// An Incoming has guard bytes before and after the place of the payload, so that a byte too many is
// noticed.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <span>
#include <vector>

#include "tests/mpi/checks.h"
#include "tests/mpi/payload.h"

namespace tombolo::mpi_check {

// What a group of checks runs in. Ranks are those of `comm`.
struct World {
  MPI_Comm comm;
  int rank;
  int size;
  Checks& checks;
};

inline constexpr std::byte kGuard{0xA5};
inline constexpr size_t kGuardBytes = 64;

enum class SendMode { kStandard, kSynchronous, kBuffered };

// The payload of `origin` with kGuardBytes of kGuard on both sides.
class GuardedBuffer {
 public:
  explicit GuardedBuffer(size_t bytes) : all_(bytes + 2 * kGuardBytes, kGuard) {}

  std::span<std::byte> payload() {
    return std::span(all_).subspan(kGuardBytes, all_.size() - 2 * kGuardBytes);
  }
  // Checks that both guards are whole.
  void CheckGuards(Checks& checks) const;

 private:
  std::vector<std::byte> all_;
};

// Sends at once; not movable, because the request refers to the buffer.
class Outgoing {
 public:
  Outgoing(World& world, int destination, int tag, size_t bytes,
           SendMode mode = SendMode::kStandard);
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;
  ~Outgoing() { Wait(); }

  void Wait() { MPI_Wait(&request_, MPI_STATUS_IGNORE); }

 private:
  std::vector<std::byte> buffer_;
  MPI_Request request_ = MPI_REQUEST_NULL;
};

// Posts its receive at once. `source` and `tag` may be wildcards.
class Incoming {
 public:
  Incoming(World& world, int source, int tag, size_t capacity_bytes);
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;
  ~Incoming() { MPI_Wait(&request_, MPI_STATUS_IGNORE); }

  // Waits, then checks that it is this message and nothing else. Call once.
  void Expect(const Origin& origin);
  // The same for a message whose request is complete, with the status it had.
  void ExpectDone(const Origin& origin, const MPI_Status& status);

  MPI_Request& request() { return request_; }

 private:
  World& world_;
  GuardedBuffer buffer_;
  MPI_Request request_ = MPI_REQUEST_NULL;
};

// Checks source, tag and length of a received message.
void CheckStatus(Checks& checks, const MPI_Status& status, const Origin& origin);

}  // namespace tombolo::mpi_check

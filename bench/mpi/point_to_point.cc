#include <vector>

#include "bench/mpi/fresh_data.h"
#include "bench/mpi/measurements.h"
#include "bench/mpi/stopwatch.h"

namespace tombolo::bench {
namespace {

constexpr int kTag = 1;

// One side of a pair that exchanges messages.
class PairSide {
 public:
  PairSide(const Group& group, const Command& command, const Buffers& buffers)
      : group_(group),
        buffers_(buffers),
        bytes_(static_cast<int>(command.bytes)),
        window_(command.window),
        fresh_(command),
        requests_(2 * static_cast<size_t>(window_), MPI_REQUEST_NULL) {}

  void Send() {
    fresh_.Write(buffers_.outgoing);
    MPI_Send(buffers_.outgoing, bytes_, MPI_BYTE, group_.Partner(), kTag, group_.comm);
  }

  void Receive() {
    MPI_Recv(buffers_.incoming, bytes_, MPI_BYTE, group_.Partner(), kTag, group_.comm,
             MPI_STATUS_IGNORE);
    fresh_.Read(buffers_.incoming);
  }

  void SendWindow() {
    StartSends(0);
    WaitFor(window_);
    MPI_Recv(nullptr, 0, MPI_BYTE, group_.Partner(), kTag, group_.comm, MPI_STATUS_IGNORE);
  }

  void ReceiveWindow() {
    StartReceives(0);
    WaitFor(window_);
    MPI_Send(nullptr, 0, MPI_BYTE, group_.Partner(), kTag, group_.comm);
  }

  void ExchangeWindows() {
    StartReceives(0);
    StartSends(window_);
    WaitFor(2 * window_);
  }

 private:
  void StartSends(int first) {
    for (int i = first; i < first + window_; ++i) {
      MPI_Isend(buffers_.outgoing, bytes_, MPI_BYTE, group_.Partner(), kTag, group_.comm,
                Request(i));
    }
  }

  void StartReceives(int first) {
    for (int i = first; i < first + window_; ++i) {
      MPI_Irecv(buffers_.incoming, bytes_, MPI_BYTE, group_.Partner(), kTag, group_.comm,
                Request(i));
    }
  }

  void WaitFor(int count) { MPI_Waitall(count, requests_.data(), MPI_STATUSES_IGNORE); }
  MPI_Request* Request(int index) { return &requests_[static_cast<size_t>(index)]; }

  const Group& group_;
  const Buffers& buffers_;
  const int bytes_;
  const int window_;
  FreshData fresh_;
  std::vector<MPI_Request> requests_;
};

}  // namespace

Measured Latency(const Group& group, const Command& command, const Buffers& buffers) {
  PairSide side(group, command, buffers);
  const double round_trip_ns = TimedNs(command.count, [&] {
    if (group.Leads()) side.Send();
    side.Receive();
    if (!group.Leads()) side.Send();
  });
  return group.Leads() ? Measured(round_trip_ns / 2) : std::nullopt;
}

Measured LatencyAmongWaiting(const Group& group, const Command& command, const Buffers& buffers) {
  Measured measured;
  if (group.rank < 2) measured = Latency(group, command, buffers);
  MPI_Barrier(group.comm);
  return measured;
}

Measured Stream(const Group& group, const Command& command, const Buffers& buffers) {
  PairSide side(group, command, buffers);
  const double window_ns =
      TimedNs(command.count, [&] { group.Leads() ? side.SendWindow() : side.ReceiveWindow(); });
  return group.Leads() ? Measured(window_ns / command.window) : std::nullopt;
}

Measured Exchange(const Group& group, const Command& command, const Buffers& buffers) {
  PairSide side(group, command, buffers);
  const double windows_ns = TimedNs(command.count, [&] { side.ExchangeWindows(); });
  return group.Leads() ? Measured(windows_ns / (2 * command.window)) : std::nullopt;
}

}  // namespace tombolo::bench

#include <sys/resource.h>
#include <unistd.h>

#include "bench/mpi/measurements.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::bench {
namespace {

constexpr int kTag = 3;

int64_t Ns(const timeval& time) {
  return int64_t{time.tv_sec} * kNsPerSecond + int64_t{time.tv_usec} * kNsPerUs;
}

int64_t UsedCpuNs() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return Ns(usage.ru_utime) + Ns(usage.ru_stime);
}

}  // namespace

Measured Wait(const Group& group, const Command& command, const Buffers&) {
  if (group.Leads()) {
    sleep(static_cast<unsigned>(command.count));
    MPI_Send(nullptr, 0, MPI_BYTE, group.Partner(), kTag, group.comm);
    return std::nullopt;
  }
  const int64_t begin_ns = MonotonicNs();
  const int64_t used_ns = UsedCpuNs();
  MPI_Recv(nullptr, 0, MPI_BYTE, group.Partner(), kTag, group.comm, MPI_STATUS_IGNORE);
  return static_cast<double>(UsedCpuNs() - used_ns) / static_cast<double>(MonotonicNs() - begin_ns);
}

}  // namespace tombolo::bench

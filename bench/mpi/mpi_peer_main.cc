// One rank of a job that measures what bench/mpi_bench.py asks for. Runs over any transport:
//
//   mpirun OPTIONS mpi_peer SOCKET
//
// Each rank connects to the driver at SOCKET, and does with all others what the driver's next line
// says (command.h), until the driver hangs up.
#include <mpi.h>

#include <map>
#include <string>
#include <vector>

#include "bench/mpi/command.h"
#include "bench/mpi/driver.h"
#include "bench/mpi/group.h"
#include "bench/mpi/measurements.h"
#include "bench/mpi/message_memory.h"
#include "bench/transport/cores.h"
#include "bench/transport/require.h"

namespace tombolo::bench {
namespace {

Measure Find(const std::string& name) {
  static const std::map<std::string, Measure> kMeasurements = {
      {"latency", Latency},
      {"stream", Stream},
      {"exchange", Exchange},
      {"put", Put},
      {"get", Get},
      {"fetch_add", FetchAdd},
      {"allreduce", Allreduce},
      {"alltoall", Alltoall},
      {"token", Token},
      {"wait", Wait},
      {"among_waiting", LatencyAmongWaiting},
      {"copy", Copy},
      {"write_and_read", WriteAndRead},
  };
  const auto found = kMeasurements.find(name);
  if (found == kMeasurements.end()) Fail("there is no measurement " + name);
  return found->second;
}

// Ranks that have to share cores are left to the scheduler.
void PinIfThereIsRoom(const Group& group) {
  const std::vector<int> cores = AllowedCores();
  if (static_cast<size_t>(group.size) <= cores.size()) {
    PinTo(cores[static_cast<size_t>(group.rank)]);
  }
}

void Serve(const Group& group, Driver& driver) {
  MessageMemory memory;
  while (const auto line = driver.ReadLine()) {
    const Command command = ParseCommand(*line);
    const Measure measure = Find(command.name);
    MPI_Barrier(group.comm);
    const uint64_t preempted = TimesPreempted();
    const Measured measured = measure(group, command, memory.For(command));
    driver.Answer(measured, TimesPreempted() - preempted);
  }
}

int Main(int argc, char** argv) {
  if (argc != 2) Fail("usage: mpirun OPTIONS mpi_peer SOCKET");
  MPI_Init(&argc, &argv);
  Group group = {.comm = MPI_COMM_WORLD};
  MPI_Comm_rank(group.comm, &group.rank);
  MPI_Comm_size(group.comm, &group.size);
  PinIfThereIsRoom(group);
  {
    Driver driver(argv[1]);
    Serve(group, driver);
  }
  MPI_Finalize();
  return 0;
}

}  // namespace
}  // namespace tombolo::bench

int main(int argc, char** argv) { return tombolo::bench::Main(argc, argv); }

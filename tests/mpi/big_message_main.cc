// One message of more than 2^31 bytes, which no count of bytes can tell: a count of larger
// elements does, other ones at either end. Every byte is checked.
//
// Usage: mpirun -n 2 ... big_message [MEBIBYTES]    default 3072; a multiple of 3
//
// Says "skipped" and succeeds where the machine has not memory enough for both ranks.
// Exit codes: 0 right or skipped, 1 wrong, 2 usage.
#include <mpi.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "tests/mpi/checks.h"
#include "tests/mpi/payload.h"

namespace tombolo::mpi_check {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kDefaultMiB = 3072;
constexpr size_t kSentMiB = 1;      // Of an element where it is sent,
constexpr size_t kReceivedMiB = 3;  // and where it is received.
constexpr size_t kSpareMiB = 1024;  // For everything else on the machine.
constexpr int kTag = 5;

size_t AvailableMiB() {
  std::ifstream file("/proc/meminfo");
  std::string word;
  while (file >> word) {
    size_t kib = 0;
    if (word == "MemAvailable:" && file >> kib) return kib / 1024;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

// What rank 0 sees, on both.
bool HasRoom(int rank, size_t mib) {
  const size_t wanted = 2 * mib + kSpareMiB;
  size_t available = AvailableMiB();
  MPI_Bcast(&available, sizeof(available), MPI_BYTE, 0, MPI_COMM_WORLD);
  if (available >= wanted) return true;
  if (rank == 0) {
    std::printf("big_message: skipped: 2 x %zu MiB need %zu MiB of memory, %zu are available\n",
                mib, wanted, available);
  }
  return false;
}

class Elements {
 public:
  explicit Elements(size_t mib) {
    MPI_Type_contiguous(static_cast<int>(mib * kMiB), MPI_BYTE, &type_);
    MPI_Type_commit(&type_);
  }
  Elements(const Elements&) = delete;
  Elements& operator=(const Elements&) = delete;
  ~Elements() { MPI_Type_free(&type_); }

  MPI_Datatype type() const { return type_; }

 private:
  MPI_Datatype type_;
};

void Send(size_t mib) {
  const Elements elements(kSentMiB);
  const Origin origin = {0, kTag, mib * kMiB};
  std::vector<std::byte> payload(origin.bytes);
  Fill(origin, payload);
  MPI_Send(payload.data(), static_cast<int>(mib / kSentMiB), elements.type(), 1, kTag,
           MPI_COMM_WORLD);
}

void Receive(Checks& checks, size_t mib) {
  const Elements elements(kReceivedMiB);
  const Origin origin = {0, kTag, mib * kMiB};
  std::vector<std::byte> payload(origin.bytes);
  const int count = static_cast<int>(mib / kReceivedMiB);
  const double begin = MPI_Wtime();
  MPI_Status status;
  MPI_Recv(payload.data(), count, elements.type(), 0, kTag, MPI_COMM_WORLD, &status);
  const double seconds = MPI_Wtime() - begin;
  int seen = -1;
  MPI_Get_count(&status, elements.type(), &seen);
  checks.Equal("elements of a big message", seen, count);
  MPI_Count bytes = -1;
  MPI_Get_elements_x(&status, MPI_BYTE, &bytes);
  checks.Equal("bytes of a big message", bytes, static_cast<int64_t>(origin.bytes));
  checks.Payload("a big message", origin, payload);
  std::printf("big_message: %s: %zu MiB in %.1f s\n", checks.tally().failed == 0 ? "good" : "bad",
              mib, seconds);
}

int Main(int argc, char** argv) {
  const size_t mib = argc == 2 ? std::strtoull(argv[1], nullptr, 10) : kDefaultMiB;
  if (argc > 2 || mib == 0 || mib % kReceivedMiB != 0) {
    std::fprintf(stderr, "usage: big_message [MEBIBYTES], a multiple of %zu\n", kReceivedMiB);
    return 2;
  }
  MPI_Init(&argc, &argv);
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  Checks checks(rank);
  checks.Begin("big_message");
  if (HasRoom(rank, mib)) {
    if (rank == 0) Send(mib);
    if (rank == 1) Receive(checks, mib);
  }
  MPI_Finalize();
  return checks.tally().failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tombolo::mpi_check

int main(int argc, char** argv) { return tombolo::mpi_check::Main(argc, argv); }

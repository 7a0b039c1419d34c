// Ranks that do one thing after another as a test says, which looks at the region in between: while
// they wait for its word they are in no call of MPI, so they send nothing.
//
// Usage: mpirun ... steps SOCKET    a Unix socket at which the test listens
//
// Each rank connects and sends its number as a line; then it reads one letter per step and answers
// with a line "good" or "bad":
//   p   exchange a number with the partner, rank ^ 1, and nobody else
//   a   a barrier, and a sum of all
//   o   rank 0 sends kMessages messages of kMessageBytes to rank 1, from ordinary memory
//   r   the same from memory of MPI_Alloc_mem
//   k   allocate ordinary memory that is looked at and freed after MPI_Finalize
//   e   end
#include <mpi.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/mpi/payload.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 1;
constexpr int kMessages = 8;
constexpr size_t kMessageBytes = size_t{4} << 20;

class Connection {
 public:
  explicit Connection(const char* path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    is_good_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(fd_); }

  bool IsGood() const { return is_good_; }

  void SendLine(const std::string& line) {
    const std::string text = line + "\n";
    is_good_ &= send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == ssize_t(text.size());
  }
  // None: the test has ended.
  std::optional<char> Letter() {
    char letter;
    if (recv(fd_, &letter, 1, 0) != 1) return std::nullopt;
    return letter;
  }

 private:
  int fd_;
  bool is_good_ = false;
};

bool ExchangeWithPartner(int rank, int size) {
  const int partner = rank ^ 1;
  if (partner >= size) return true;
  int seen = -1;
  MPI_Sendrecv(&rank, 1, MPI_INT, partner, kTag, &seen, 1, MPI_INT, partner, kTag, MPI_COMM_WORLD,
               MPI_STATUS_IGNORE);
  return seen == partner;
}

bool SumOfAll(int rank, int size) {
  int sum = -1;
  MPI_Barrier(MPI_COMM_WORLD);
  MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  return sum == size * (size - 1) / 2;
}

void SendFrom(std::span<std::byte> memory) {
  for (int number = 0; number < kMessages; ++number) {
    Fill({0, number, memory.size()}, memory);
    MPI_Send(memory.data(), static_cast<int>(memory.size()), MPI_BYTE, 1, kTag, MPI_COMM_WORLD);
  }
}

bool ReceiveAll() {
  std::vector<std::byte> memory(kMessageBytes);
  bool good = true;
  for (int number = 0; number < kMessages; ++number) {
    MPI_Recv(memory.data(), static_cast<int>(memory.size()), MPI_BYTE, 0, kTag, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    good &= !FirstMismatch({0, number, memory.size()}, memory);
  }
  return good;
}

bool MoveFromOrdinaryMemory(int rank) {
  if (rank > 1) return true;
  if (rank == 1) return ReceiveAll();
  std::vector<std::byte> memory(kMessageBytes);
  SendFrom(memory);
  return true;
}

bool MoveFromTheRegion(int rank) {
  if (rank > 1) return true;
  if (rank == 1) return ReceiveAll();
  std::byte* memory = nullptr;
  MPI_Alloc_mem(kMessageBytes, MPI_INFO_NULL, &memory);
  SendFrom({memory, kMessageBytes});
  MPI_Free_mem(memory);
  return true;
}

bool Keep(int rank, std::vector<std::byte>& kept) {
  kept.resize(kMessageBytes);
  Fill({rank, kTag, kept.size()}, kept);
  return true;
}

bool Do(char letter, int rank, int size, std::vector<std::byte>& kept) {
  switch (letter) {
    case 'p':
      return ExchangeWithPartner(rank, size);
    case 'a':
      return SumOfAll(rank, size);
    case 'o':
      return MoveFromOrdinaryMemory(rank);
    case 'r':
      return MoveFromTheRegion(rank);
    case 'k':
      return Keep(rank, kept);
    default:
      return false;
  }
}

int Main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: steps SOCKET\n");
    return 2;
  }
  MPI_Init(&argc, &argv);
  int rank;
  int size;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  Connection test(argv[1]);
  test.SendLine(std::to_string(rank));
  std::vector<std::byte> kept;
  std::optional<char> letter;
  while (test.IsGood() && (letter = test.Letter()) && *letter != 'e') {
    test.SendLine(Do(*letter, rank, size, kept) ? "good" : "bad");
  }
  // Without its last word the others wait for this rank in vain.
  if (letter != 'e') MPI_Abort(MPI_COMM_WORLD, 1);
  MPI_Finalize();
  return FirstMismatch({rank, kTag, kept.size()}, kept) ? 1 : 0;
}

}  // namespace
}  // namespace tombolo::mpi_check

int main(int argc, char** argv) { return tombolo::mpi_check::Main(argc, argv); }

#include <cstdint>

#include "bench/mpi/measurements.h"
#include "bench/mpi/stopwatch.h"
#include "bench/transport/require.h"

namespace tombolo::bench {
namespace {

constexpr int kBytes = sizeof(int64_t);

// A window on 8 bytes of each rank, in memory that was there before: MPI_Win_allocate would use
// memory that all ranks of a host map, whatever transport there is.
class Window {
 public:
  Window(MPI_Comm comm, int64_t* memory) {
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    const int code = MPI_Win_create(memory, kBytes, kBytes, MPI_INFO_NULL, comm, &window_);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_ARE_FATAL);
    if (code != MPI_SUCCESS) window_ = MPI_WIN_NULL;
  }
  ~Window() {
    if (IsOpen()) MPI_Win_free(&window_);
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  bool IsOpen() const { return window_ != MPI_WIN_NULL; }
  MPI_Win Get() const { return window_; }

 private:
  MPI_Win window_ = MPI_WIN_NULL;
};

// `once` starts one operation; it is done when the window was flushed. Meanwhile the partner waits
// in MPI, where it can help a transport whose operations need that.
template <typename Once>
Measured Timed(const Group& group, const Command& command, const Buffers& buffers, Once once) {
  // SAFETY: message memory begins at a page and has more than 8 bytes.
  auto* exposed = reinterpret_cast<int64_t*>(buffers.incoming);
  *exposed = 0;
  const Window window(group.comm, exposed);
  if (!window.IsOpen()) return std::nullopt;
  MPI_Barrier(group.comm);
  Measured measured;
  if (group.Leads()) {
    MPI_Win_lock(MPI_LOCK_SHARED, group.Partner(), 0, window.Get());
    measured = TimedNs(command.count, [&] {
      once(window.Get());
      MPI_Win_flush(group.Partner(), window.Get());
    });
    MPI_Win_unlock(group.Partner(), window.Get());
  }
  MPI_Barrier(group.comm);
  return measured;
}

}  // namespace

Measured Put(const Group& group, const Command& command, const Buffers& buffers) {
  return Timed(group, command, buffers, [&](MPI_Win window) {
    MPI_Put(buffers.outgoing, kBytes, MPI_BYTE, group.Partner(), 0, kBytes, MPI_BYTE, window);
  });
}

Measured Get(const Group& group, const Command& command, const Buffers& buffers) {
  return Timed(group, command, buffers, [&](MPI_Win window) {
    MPI_Get(buffers.outgoing, kBytes, MPI_BYTE, group.Partner(), 0, kBytes, MPI_BYTE, window);
  });
}

Measured FetchAdd(const Group& group, const Command& command, const Buffers& buffers) {
  const int64_t one = 1;
  int64_t before = -1;
  int64_t expected = -1;
  const Measured measured = Timed(group, command, buffers, [&](MPI_Win window) {
    if (before != expected++) Fail("MPI_Fetch_and_op gave another number than was there");
    MPI_Fetch_and_op(&one, &before, MPI_INT64_T, group.Partner(), 0, MPI_SUM, window);
  });
  return measured;
}

}  // namespace tombolo::bench

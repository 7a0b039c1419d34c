#include "bench/mpi/driver.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bench/transport/require.h"
#include "transport/base/unique_fd.h"

namespace tombolo::bench {

Driver::Driver(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() >= sizeof(address.sun_path)) Fail(path + " is too long for a socket");
  memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd in(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Require(in.IsOpen(), "making a socket");
  // SAFETY: the kernel's interface asks for this cast.
  const int connected =
      connect(in.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  Require(connected == 0, "connecting to the driver");
  UniqueFd out(dup(in.Get()));
  in_ = fdopen(in.Release(), "r");
  out_ = fdopen(out.Release(), "w");
  Require(in_ != nullptr && out_ != nullptr, "opening the connection to the driver");
}

Driver::~Driver() {
  fclose(in_);
  fclose(out_);
}

std::optional<std::string> Driver::ReadLine() {
  char line[256];
  if (fgets(line, sizeof(line), in_) == nullptr) return std::nullopt;
  return line;
}

void Driver::Answer(std::optional<double> value, uint64_t times_preempted) {
  if (value) {
    fprintf(out_, "{\"value\": %.9g, ", *value);
  } else {
    fprintf(out_, "{\"value\": null, ");
  }
  fprintf(out_, "\"preempted\": %llu}\n", static_cast<unsigned long long>(times_preempted));
  Require(fflush(out_) == 0, "answering the driver");
}

}  // namespace tombolo::bench

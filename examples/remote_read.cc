// A process reads files of another one's folder by remote calls; the bytes land in a window of the
// reader, copied once, by the server's kernel.
//
//   remote_read serve BROKER_SOCKET DIR          (where the files are, for instance on the host)
//   remote_read cat BROKER_SOCKET NAME > COPY    (in a guest, or anywhere in the region)
//
// Beside control/copy and `tombolo cp`, which are for use, this shows the calls: the server keeps
// nothing between two of them, and each names file and position.
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/base/memory_type.h"
#include "transport/base/units.h"
#include "transport/call/call_window.h"
#include "transport/call/callee.h"
#include "transport/call/caller.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/membership_view.h"

namespace {

using namespace tombolo;  // NOLINT(google-build-using-namespace): an example, and short.

constexpr char kServer[] = "remote_read";
constexpr uint32_t kRead = 1;  // Arguments: position, 8 bytes; name. Result: bytes read, 8 bytes.
constexpr uint64_t kWindowBytes = kMiB;
constexpr int64_t kLimitNs = 10 * kNsPerSecond;

template <typename T>
T OrDie(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  fprintf(stderr, "remote_read: %s\n", result.status().ToString().c_str());
  exit(1);
}

absl::Status ErrnoStatus(const char* what, const std::string& name) {
  return absl::ErrnoToStatus(errno, absl::StrCat(what, " '", name, "'"));
}

class Server final : public CallHandler {
 public:
  Server(Channel& channel, const char* folder)
      : channel_(channel), folder_(open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    if (folder_ < 0) OrDie<int>(ErrnoStatus("cannot serve", folder));
  }
  void Run() {
    while (true) {
      channel_.Wait(callee_, kNsPerSecond);
      callee_.Flush();
    }
  }
  void OnCall(IncomingCall& call) override {
    uint64_t bytes = 0;
    const absl::Status status = Read(call, bytes);
    callee_.Reply(call.id, status, std::as_bytes(std::span(&bytes, 1))).IgnoreError();
  }

 private:
  absl::Status Read(IncomingCall& call, uint64_t& bytes) const {
    uint64_t position;
    if (call.method != kRead || call.arguments.size() <= sizeof(position) || !call.window) {
      return absl::InvalidArgumentError("this serves reads: a position, a name and a window.");
    }
    memcpy(&position, call.arguments.data(), sizeof(position));
    const std::string name(reinterpret_cast<const char*>(&call.arguments[sizeof(position)]),
                           call.arguments.size() - sizeof(position));
    // Nothing outside the folder, whatever the name says; and no waiting for a pipe.
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    const auto file =
        static_cast<int>(syscall(SYS_openat2, folder_, name.c_str(), &how, sizeof(how)));
    if (file < 0) return ErrnoStatus("cannot open", name);
    const absl::Status status = ReadInto(*call.window, file, name, position, bytes);
    close(file);
    return status;
  }

  // Straight from the file into the window where that is memory like any other.
  absl::Status ReadInto(CallWindow& window, int file, const std::string& name, uint64_t position,
                        uint64_t& bytes) const {
    struct stat found;
    if (fstat(file, &found) != 0 || !S_ISREG(found.st_mode)) {
      return absl::InvalidArgumentError(absl::StrCat("'", name, "' is no regular file."));
    }
    const bool in_place = channel_.SharedRegion().Type() == MemoryType::kWriteBack;
    if (window.Use() == CallWindowUse::kRead) {
      return absl::InvalidArgumentError("the window is not for writing.");
    }
    std::vector<std::byte> copy(in_place ? 0 : window.SizeBytes());
    const std::span<std::byte> to = in_place ? window.Bytes() : std::span(copy);
    const ssize_t got = pread(file, to.data(), to.size(), static_cast<off_t>(position));
    if (got < 0) return ErrnoStatus("cannot read", name);
    bytes = static_cast<uint64_t>(got);
    if (!in_place) return window.Write(0, to.first(bytes));
    return window.Intact() ? absl::OkStatus() : absl::AbortedError("the window was given away.");
  }

  Channel& channel_;
  int folder_;
  Callee callee_{channel_, *this};
};

// The bytes at `position`, which lie in `buffer` afterwards.
std::span<std::byte> ReadPart(Caller& caller, EndpointId server, const RegionBuffer& buffer,
                              const std::string& name, uint64_t position) {
  std::string arguments(reinterpret_cast<const char*>(&position), sizeof(position));
  arguments += name;
  CallRequest request;
  request.method = kRead;
  request.arguments = std::as_bytes(std::span(arguments.data(), arguments.size()));
  request.window = LentWindow{buffer, 0, kWindowBytes, CallWindowUse::kWrite};
  request.limit_ns = kLimitNs;
  const CallResult result = caller.Call(server, request);
  uint64_t bytes = 0;
  if (!result.status.ok()) OrDie<int>(result.status);
  if (result.bytes.size() == sizeof(bytes)) memcpy(&bytes, result.bytes.data(), sizeof(bytes));
  return buffer.bytes.first(std::min(bytes, kWindowBytes));
}

void Cat(Endpoint& endpoint, Channel& channel, const std::string& name) {
  const auto peers = LiveEndpoints(endpoint.SharedRegion());
  const auto server = std::ranges::find(peers, kServer, &EndpointInfo::name);
  if (server == peers.end()) OrDie<int>(absl::NotFoundError("nobody serves; start that first."));
  const RegionBuffer buffer = OrDie(channel.Allocate(kWindowBytes));
  Caller caller(channel);
  for (uint64_t position = 0;;) {
    const std::span<std::byte> part = ReadPart(caller, server->id, buffer, name, position);
    if (part.empty()) return;
    if (fwrite(part.data(), 1, part.size(), stdout) != part.size()) exit(1);
    position += part.size();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc == 4 ? argv[1] : "";
  if (verb != "serve" && verb != "cat") {
    fprintf(stderr, "usage: remote_read serve BROKER_SOCKET DIR | cat BROKER_SOCKET NAME\n");
    return 2;
  }
  const auto endpoint =
      OrDie(Endpoint::Attach(argv[2], verb == "serve" ? kServer : "remote_read_cat"));
  const auto channel = OrDie(Channel::Create(*endpoint));
  if (verb == "cat") {
    Cat(*endpoint, *channel, argv[3]);
    return 0;
  }
  Server server(*channel, argv[3]);
  fprintf(stderr, "I am endpoint %u\n", endpoint->Id().index);
  server.Run();
}

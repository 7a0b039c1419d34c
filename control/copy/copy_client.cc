#include "control/copy/copy_client.h"

#include <sys/socket.h>

#include <array>
#include <cstddef>

#include "control/copy/listing.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr int64_t kFarewellNs = 2 * kNsPerSecond;
// What may still be on its way when this side has had enough.
constexpr size_t kMostDrainedBytes = 16 * kMiB;

absl::Status Begin(int socket, FrameType type, std::string_view path) {
  if (path.size() > kMaxCopyPathBytes) {
    return absl::InvalidArgumentError("the path is too long");
  }
  if (absl::Status set = SetSilenceLimit(socket, kSilenceLimitNs); !set.ok()) {
    return set;
  }
  return SendFrame(socket, type, path);
}

// Says what is left to say, and waits until the other side has heard it: the socket may be closed
// then.
absl::Status Finish(int socket, const absl::Status& status) {
  if (!status.ok()) (void)SendRefusal(socket, status);
  shutdown(socket, SHUT_WR);
  (void)SetSilenceLimit(socket, kFarewellNs);
  std::array<std::byte, 4 * kKiB> unread;
  size_t drained = 0;
  for (ssize_t got = 1; got > 0 && drained < kMostDrainedBytes;) {
    got = recv(socket, unread.data(), unread.size(), 0);
    if (got > 0) drained += static_cast<size_t>(got);
  }
  return status;
}

}  // namespace

absl::Status PutFile(int socket, int file, std::string_view path, const OnProgress& on_progress) {
  if (absl::Status asked = Begin(socket, FrameType::kPut, path); !asked.ok()) return asked;
  return Finish(socket, SendFile(socket, file, on_progress));
}

absl::Status GetFile(int socket, std::string_view path, const FilePlace& place,
                     const OnProgress& on_progress) {
  if (absl::Status asked = Begin(socket, FrameType::kGet, path); !asked.ok()) return asked;
  return Finish(socket, ReceiveFile(socket, place, on_progress));
}

absl::Status MakeFolder(int socket, std::string_view path) {
  if (absl::Status asked = Begin(socket, FrameType::kMake, path); !asked.ok()) return asked;
  Frame frame;
  return Finish(socket, ReceiveFrame(socket, FrameType::kDone, frame));
}

absl::StatusOr<std::vector<Entry>> ListFolder(int socket, std::string_view path) {
  if (absl::Status asked = Begin(socket, FrameType::kList, path); !asked.ok()) return asked;
  absl::StatusOr<std::vector<Entry>> entries = ReceiveListing(socket);
  if (absl::Status ended = Finish(socket, entries.status()); !ended.ok()) return ended;
  return entries;
}

}  // namespace tombolo::control

#include "control/copy/session.h"

#include <sys/socket.h>

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/copy/frames.h"
#include "control/copy/listing.h"
#include "control/copy/transfer.h"
#include "control/words/words.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

// What may still be on its way when somebody is refused.
constexpr size_t kMostDrainedBytes = 16 * kMiB;

// Of a path, in the log.
constexpr size_t kMostToldBytes = 256;

void IgnoreProgress(const TransferProgress&) {}

absl::Status Put(int socket, const Folders& folders, const std::string& path) {
  const absl::StatusOr<FilePlace> place = folders.PlaceForWriting(path);
  return place.ok() ? ReceiveFile(socket, *place, IgnoreProgress) : place.status();
}

absl::Status Get(int socket, const Folders& folders, const std::string& path) {
  const absl::StatusOr<UniqueFd> file = folders.OpenForReading(path);
  return file.ok() ? SendFile(socket, file->Get(), IgnoreProgress) : file.status();
}

absl::Status Make(int socket, const Folders& folders, const std::string& path) {
  const absl::Status made = folders.MakeFolder(path);
  return made.ok() ? SendFrame(socket, FrameType::kDone) : made;
}

absl::Status List(int socket, const Folders& folders, const std::string& path) {
  absl::StatusOr<UniqueFd> folder = folders.OpenFolder(path);
  return folder.ok() ? SendListing(socket, *std::move(folder)) : folder.status();
}

SessionEnd ServeRequest(int socket, const Folders& folders) {
  Frame frame;
  if (absl::Status got = ReceiveFrame(socket, frame); !got.ok()) return {"a request", got};
  const std::string path = BodyReader(frame.body).TakeText();
  const std::string told = Printable(path.substr(0, kMostToldBytes));
  if (frame.type == FrameType::kPut) {
    return {absl::StrCat("put ", told), Put(socket, folders, path)};
  }
  if (frame.type == FrameType::kGet) {
    return {absl::StrCat("get ", told), Get(socket, folders, path)};
  }
  if (frame.type == FrameType::kMake) {
    return {absl::StrCat("make ", told), Make(socket, folders, path)};
  }
  if (frame.type == FrameType::kList) {
    return {absl::StrCat("list ", told), List(socket, folders, path)};
  }
  return {"a request", absl::InvalidArgumentError("a copy begins with kPut, kGet, kMake or kList")};
}

void Refuse(int socket, const absl::Status& why) {
  if (!SendRefusal(socket, why).ok()) return;
  shutdown(socket, SHUT_WR);
  std::array<std::byte, 16 * kKiB> unread;
  for (size_t drained = 0; drained < kMostDrainedBytes;) {
    const ssize_t got = recv(socket, unread.data(), unread.size(), 0);
    if (got <= 0) return;
    drained += static_cast<size_t>(got);
  }
}

}  // namespace

SessionEnd ServeCopy(int socket, const Folders& folders) {
  SessionEnd end = ServeRequest(socket, folders);
  if (!end.status.ok()) Refuse(socket, end.status);
  return end;
}

}  // namespace tombolo::control

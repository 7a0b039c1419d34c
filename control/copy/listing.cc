#include "control/copy/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/copy/part_file.h"
#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

struct CloseDir {
  void operator()(DIR* folder) const { closedir(folder); }
};
using OpenDir = std::unique_ptr<DIR, CloseDir>;

constexpr size_t kHeaderBytes = 3;  // Kind and length.

std::optional<EntryKind> KindOf(int folder, const char* name) {
  struct stat seen;
  if (fstatat(folder, name, &seen, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  if (S_ISREG(seen.st_mode)) return EntryKind::kFile;
  if (S_ISDIR(seen.st_mode)) return EntryKind::kFolder;
  return std::nullopt;
}

// The next one that is told of; nothing at the end.
std::optional<Entry> NextEntry(DIR* folder) {
  while (const dirent* found = readdir(folder)) {
    if (!CheckFileName(found->d_name).ok()) continue;
    if (const auto kind = KindOf(dirfd(folder), found->d_name)) return Entry{*kind, found->d_name};
  }
  return std::nullopt;
}

absl::StatusOr<Entry> TakeEntry(BodyReader& body) {
  const uint64_t kind = body.Take(1);
  const std::span<const std::byte> name = body.TakeBytes(body.Take(2));
  Entry entry{static_cast<EntryKind>(kind),
              std::string(reinterpret_cast<const char*>(name.data()), name.size())};
  if (entry.kind != EntryKind::kFile && entry.kind != EntryKind::kFolder) {
    return absl::InvalidArgumentError(absl::StrCat("an entry of kind ", kind));
  }
  if (absl::Status good = CheckFileName(entry.name); !good.ok()) return good;
  return entry;
}

}  // namespace

absl::Status SendListing(int socket, UniqueFd folder) {
  const OpenDir open_dir(fdopendir(folder.Get()));
  if (open_dir == nullptr) return ErrnoStatus(errno, "list a folder");
  folder.Release();
  BodyWriter body;
  size_t count = 0;
  while (const std::optional<Entry> entry = NextEntry(open_dir.get())) {
    if (++count > kMostEntries) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the folder has more than ", kMostEntries, " entries"));
    }
    if (body.Body().size() + kHeaderBytes + entry->name.size() > kMaxBodyBytes) {
      if (absl::Status sent = SendFrame(socket, FrameType::kEntries, body.Body()); !sent.ok()) {
        return sent;
      }
      body = BodyWriter();
    }
    body.Add(static_cast<uint64_t>(entry->kind), 1)
        .Add(entry->name.size(), 2)
        .Add(std::as_bytes(std::span(entry->name)));
  }
  if (absl::Status sent = SendFrame(socket, FrameType::kEntries, body.Body()); !sent.ok()) {
    return sent;
  }
  return SendFrame(socket, FrameType::kDone);
}

absl::StatusOr<std::vector<Entry>> ReceiveListing(int socket) {
  std::vector<Entry> entries;
  Frame frame;
  for (;;) {
    if (absl::Status got = ReceiveFrame(socket, frame); !got.ok()) return got;
    if (frame.type == FrameType::kDone) return entries;
    if (frame.type != FrameType::kEntries) {
      return absl::InvalidArgumentError("the other side tells no entries of a folder");
    }
    BodyReader body(frame.body);
    while (!body.IsComplete()) {
      absl::StatusOr<Entry> entry = TakeEntry(body);
      if (!entry.ok()) return entry.status();
      if (entries.size() >= kMostEntries) {
        return absl::InvalidArgumentError("the other side tells of too many entries");
      }
      entries.push_back(*std::move(entry));
    }
  }
}

}  // namespace tombolo::control

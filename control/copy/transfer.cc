#include "control/copy/transfer.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "control/copy/digest.h"
#include "control/copy/frames.h"
#include "control/copy/part_file.h"
#include "transport/base/clock.h"
#include "transport/base/errno_status.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

// Less than the silence that the other side bears.
constexpr int64_t kWaitPeriodNs = 5 * kNsPerSecond;

// Tells the other side now and then that this one is busy.
class StillThere {
 public:
  explicit StillThere(int socket) : socket_(socket) {}

  absl::Status operator()() {
    if (MonotonicNs() < next_ns_) return absl::OkStatus();
    next_ns_ = MonotonicNs() + kWaitPeriodNs;
    return SendFrame(socket_, FrameType::kWait);
  }

 private:
  int socket_;
  int64_t next_ns_ = MonotonicNs() + kWaitPeriodNs;
};

absl::Status Malformed(const char* what) {
  return absl::InvalidArgumentError(
      absl::StrCat("the other side sends a malformed ", what, ". Are both sides of one version?"));
}

// One file on its way out.
class Sending {
 public:
  Sending(int socket, int file, const OnProgress& on_progress)
      : socket_(socket), file_(file), on_progress_(on_progress), piece_(kMaxBodyBytes) {}

  absl::Status Run() {
    struct stat seen;
    if (fstat(file_, &seen) != 0) return ErrnoStatus(errno, "look at the file");
    progress_.total_bytes = static_cast<uint64_t>(seen.st_size);
    if (absl::Status agreed = AgreeWhereToBegin(); !agreed.ok()) return agreed;
    const auto from = BodyWriter()
                          .Add(progress_.resumed_bytes, 8)
                          .Add(progress_.total_bytes, 8)
                          .Add(seen.st_mode & 0777, 4);
    absl::Status status = SendFrame(socket_, FrameType::kFrom, from.Body());
    progress_.done_bytes = progress_.resumed_bytes;
    on_progress_(progress_);
    while (status.ok() && progress_.done_bytes < progress_.total_bytes) status = SendPiece();
    if (status.ok()) status = SendFrame(socket_, FrameType::kEnd, digest_->Value());
    Frame frame;
    return status.ok() ? ReceiveFrame(socket_, FrameType::kDone, frame) : status;
  }

 private:
  absl::Status AgreeWhereToBegin() {
    Frame frame;
    if (absl::Status got = ReceiveFrame(socket_, FrameType::kHave, frame); !got.ok()) return got;
    BodyReader reader(frame.body);
    const uint64_t had = reader.Take(8);
    DigestBytes digest = {};
    std::ranges::copy(reader.TakeBytes(digest.size()), digest.begin());
    if (!reader.IsComplete()) return Malformed("kHave");
    digest_.emplace();
    if (had == 0 || had > progress_.total_bytes) return absl::OkStatus();
    if (absl::Status read = digest_->AddFile(file_, had, StillThere(socket_)); !read.ok()) {
      return read;
    }
    if (digest_->Value() == digest) {
      progress_.resumed_bytes = had;
    } else {
      digest_.emplace();
    }
    return absl::OkStatus();
  }

  absl::Status SendPiece() {
    if (HasSaidSomething(socket_)) {
      // Nothing but a refusal comes now.
      Frame frame;
      absl::Status said = ReceiveFrame(socket_, FrameType::kRefused, frame);
      return said.ok() ? Malformed("refusal") : said;
    }
    const size_t wanted =
        std::min<uint64_t>(piece_.size(), progress_.total_bytes - progress_.done_bytes);
    const ssize_t got =
        pread(file_, piece_.data(), wanted, static_cast<off_t>(progress_.done_bytes));
    if (got < 0) return errno == EINTR ? absl::OkStatus() : ErrnoStatus(errno, "read the file");
    if (got == 0) {
      return absl::DataLossError("the file has become shorter meanwhile; copy it again");
    }
    const auto bytes = std::span<const std::byte>(piece_).first(static_cast<size_t>(got));
    digest_->Add(bytes);
    progress_.done_bytes += bytes.size();
    on_progress_(progress_);
    return SendFrame(socket_, FrameType::kData, bytes);
  }

  const int socket_;
  const int file_;
  const OnProgress& on_progress_;
  std::vector<std::byte> piece_;
  std::optional<Digest> digest_;
  TransferProgress progress_;
};

// One file on its way in.
class Receiving {
 public:
  Receiving(int socket, PartFile part, const OnProgress& on_progress)
      : socket_(socket), part_(std::move(part)), on_progress_(on_progress) {}

  absl::Status Run() {
    if (absl::Status agreed = AgreeWhereToBegin(); !agreed.ok()) return agreed;
    progress_.done_bytes = part_.SizeBytes();
    on_progress_(progress_);
    while (part_.SizeBytes() < progress_.total_bytes) {
      if (absl::Status got = ReceivePiece(); !got.ok()) return got;
    }
    if (absl::Status same = CompareDigests(); !same.ok()) return same;
    if (absl::Status done = part_.Commit(mode_); !done.ok()) return done;
    return SendFrame(socket_, FrameType::kDone);
  }

 private:
  absl::Status AgreeWhereToBegin() {
    const uint64_t had = part_.SizeBytes();
    digest_.emplace();
    absl::Status read = digest_->AddFile(part_.Fd(), had, StillThere(socket_));
    if (!read.ok()) return read;
    const auto have = BodyWriter().Add(had, 8).Add(digest_->Value());
    absl::Status sent = SendFrame(socket_, FrameType::kHave, have.Body());
    if (!sent.ok()) return sent;
    Frame frame;
    if (absl::Status got = ReceiveFrame(socket_, FrameType::kFrom, frame); !got.ok()) return got;
    BodyReader reader(frame.body);
    const uint64_t from = reader.Take(8);
    progress_.total_bytes = reader.Take(8);
    mode_ = static_cast<unsigned>(reader.Take(4));
    if (!reader.IsComplete() || (from != 0 && from != had) || from > progress_.total_bytes) {
      return Malformed("kFrom");
    }
    progress_.resumed_bytes = from;
    if (from == 0) digest_.emplace();
    if (absl::Status cut = part_.Truncate(from); !cut.ok()) return cut;
    return CheckRoom(progress_.total_bytes - from);
  }

  absl::Status CheckRoom(uint64_t wanted_bytes) const {
    const absl::StatusOr<uint64_t> free_bytes = part_.FreeBytes();
    if (!free_bytes.ok()) return free_bytes.status();
    if (wanted_bytes <= *free_bytes) return absl::OkStatus();
    return absl::ResourceExhaustedError(absl::StrCat("the file needs ", wanted_bytes,
                                                     " bytes more, and the disk has ", *free_bytes,
                                                     "; make room there"));
  }

  absl::Status ReceivePiece() {
    if (absl::Status got = ReceiveFrame(socket_, FrameType::kData, frame_); !got.ok()) return got;
    if (frame_.body.empty() || frame_.body.size() > progress_.total_bytes - part_.SizeBytes()) {
      return Malformed("kData");
    }
    digest_->Add(frame_.body);
    absl::Status written = part_.Append(frame_.body);
    progress_.done_bytes = part_.SizeBytes();
    on_progress_(progress_);
    return written;
  }

  absl::Status CompareDigests() {
    if (absl::Status got = ReceiveFrame(socket_, FrameType::kEnd, frame_); !got.ok()) return got;
    if (std::ranges::equal(frame_.body, digest_->Value())) return absl::OkStatus();
    part_.Remove();
    return absl::DataLossError(
        "what came is not what was sent: the checksums differ, and it was thrown away. Copy again");
  }

  const int socket_;
  PartFile part_;
  const OnProgress& on_progress_;
  std::optional<Digest> digest_;
  unsigned mode_ = 0;
  Frame frame_;
  TransferProgress progress_;
};

}  // namespace

absl::Status SendFile(int socket, int file, const OnProgress& on_progress) {
  return Sending(socket, file, on_progress).Run();
}

absl::Status ReceiveFile(int socket, const FilePlace& place, const OnProgress& on_progress) {
  absl::StatusOr<PartFile> part = PartFile::Open(place.folder.Get(), place.name);
  if (!part.ok()) return part.status();
  return Receiving(socket, *std::move(part), on_progress).Run();
}

}  // namespace tombolo::control

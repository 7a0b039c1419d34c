#include "control/copy/frames.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "control/words/words.h"
#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

constexpr size_t kHeaderBytes = 5;

absl::Status Gone() { return absl::UnavailableError("the other side has ended the connection"); }

absl::Status SocketError(const char* what) {
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    return absl::DeadlineExceededError("the other side says nothing any more");
  }
  if (errno == EPIPE || errno == ECONNRESET) return Gone();
  return ErrnoStatus(errno, what);
}

absl::Status SendAll(int socket, std::span<const std::byte> bytes, int flags) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | flags);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return SocketError("write to the connection");
    bytes = bytes.subspan(static_cast<size_t>(sent));
  }
  return absl::OkStatus();
}

absl::Status ReceiveAll(int socket, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = recv(socket, bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SocketError("read from the connection");
    if (got == 0) return Gone();
    bytes = bytes.subspan(static_cast<size_t>(got));
  }
  return absl::OkStatus();
}

absl::Status ReadRefusal(const Frame& frame) {
  BodyReader reader(frame.body);
  const uint64_t code = reader.Take(4);
  const std::string text = absl::StrCat("the other side says: ",
                                        Printable(reader.TakeText().substr(0, kMaxRefusalBytes)));
  // A code that is none, or OK, is no refusal that anybody honest makes.
  const bool is_code =
      code > 0 && code <= static_cast<uint64_t>(absl::StatusCode::kUnauthenticated);
  return absl::Status(is_code ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown,
                      text);
}

std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

absl::Status SetSilenceLimit(int socket, int64_t limit_ns) {
  const timeval limit{.tv_sec = limit_ns / kNsPerSecond,
                      .tv_usec = limit_ns % kNsPerSecond / kNsPerUs};
  if (setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 &&
      setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, "limit how long a connection may be silent");
}

absl::Status SendFrame(int socket, FrameType type, std::span<const std::byte> body) {
  const auto header = BodyWriter().Add(body.size(), 4).Add(static_cast<uint64_t>(type), 1);
  if (absl::Status sent = SendAll(socket, header.Body(), body.empty() ? 0 : MSG_MORE); !sent.ok()) {
    return sent;
  }
  return SendAll(socket, body, 0);
}

absl::Status SendFrame(int socket, FrameType type, std::string_view body) {
  return SendFrame(socket, type, AsBytes(body));
}

absl::Status SendRefusal(int socket, const absl::Status& why) {
  const std::string_view text(why.message().data(),
                              std::min(why.message().size(), kMaxRefusalBytes));
  const auto body = BodyWriter().Add(static_cast<uint64_t>(why.code()), 4).Add(AsBytes(text));
  return SendFrame(socket, FrameType::kRefused, body.Body());
}

absl::Status ReceiveFrame(int socket, Frame& frame) {
  do {
    std::byte header[kHeaderBytes];
    if (absl::Status got = ReceiveAll(socket, header); !got.ok()) return got;
    BodyReader reader(header);
    const uint64_t size = reader.Take(4);
    frame.type = static_cast<FrameType>(reader.Take(1));
    if (size > kMaxBodyBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("the other side sends a frame of ", size, " bytes; at most ", kMaxBodyBytes,
                       " are possible. Are both sides of one version?"));
    }
    frame.body.resize(size);
    if (absl::Status got = ReceiveAll(socket, frame.body); !got.ok()) return got;
  } while (frame.type == FrameType::kWait);
  return frame.type == FrameType::kRefused ? ReadRefusal(frame) : absl::OkStatus();
}

absl::Status ReceiveFrame(int socket, FrameType type, Frame& frame) {
  if (absl::Status got = ReceiveFrame(socket, frame); !got.ok()) return got;
  if (frame.type == type) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "the other side sends a frame of type ", static_cast<int>(frame.type), " where one of type ",
      static_cast<int>(type), " is due. Are both sides of one version?"));
}

bool HasSaidSomething(int socket) {
  pollfd wait = {.fd = socket, .events = POLLIN, .revents = 0};
  return poll(&wait, 1, 0) > 0;
}

BodyWriter& BodyWriter::Add(uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) body_.push_back(static_cast<std::byte>(value >> 8 * i));
  return *this;
}

BodyWriter& BodyWriter::Add(std::span<const std::byte> bytes) {
  body_.insert(body_.end(), bytes.begin(), bytes.end());
  return *this;
}

uint64_t BodyReader::Take(size_t bytes) {
  const std::span<const std::byte> taken = TakeBytes(bytes);
  uint64_t value = 0;
  for (size_t i = 0; i < taken.size(); ++i) value |= std::to_integer<uint64_t>(taken[i]) << 8 * i;
  return value;
}

std::span<const std::byte> BodyReader::TakeBytes(size_t bytes) {
  failed_ |= bytes > left_.size();
  if (failed_) return {};
  const std::span<const std::byte> taken = left_.first(bytes);
  left_ = left_.subspan(bytes);
  return taken;
}

std::string BodyReader::TakeText() {
  const std::span<const std::byte> taken = TakeBytes(left_.size());
  return {reinterpret_cast<const char*>(taken.data()), taken.size()};
}

}  // namespace tombolo::control

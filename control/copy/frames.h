// Frames: what the two ends of a copy (transfer.h, session.h) say to each other over a connected
// stream socket that blocks. One process owns a connection, from one thread.
//
//   offset  bytes
//        0      4  length of the body, little-endian, at most kMaxBodyBytes
//        4      1  type (FrameType)
//        5   ...   body
//
//   kPut      path                                       client: I send you this file
//   kGet      path                                       client: send me this file
//   kHave     size u64, digest 16 bytes                  receiver: of this file I have so much
//   kFrom     offset u64, size u64, mode u32             sender: I begin there; so large it is
//   kData     bytes                                      sender: the next ones
//   kEnd      digest 16 bytes                            sender: of the whole file
//   kDone     -                                          receiver: the file is in its place
//   kRefused  code u32 (absl::StatusCode), text          either: no, or not any more; the last word
//   kWait     -                                          either: I am busy, and still there
//   kMake     path                                       client: let there be a folder
//   kList     path                                       client: what is in this folder?
//   kEntries  (kind u8, length u16, name)*               far side: the next ones (EntryKind)
//
//   put: kPut, then the client sends and the far side receives; get: kGet, and the other way round.
//   receiver                     sender
//   kHave               -->
//                       <--      kFrom   offset is 0, or the size that was said when its digest is
//                       <--      kData*          that of the sender's own beginning
//                       <--      kEnd
//   kDone               -->
//
//   make: kMake, then kDone of the far side. list: kList, then kEntries* and kDone of the far side.
//
// The other side is not trusted: lengths are bounded, each frame has to come whole, and who says
// nothing for as long as the socket's timeout (SetSilenceLimit) is given up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/units.h"

namespace tombolo::control {

// What an agent calls the service.
inline constexpr char kCopyService[] = "copy";

// How long either side bears the other's silence.
inline constexpr int64_t kSilenceLimitNs = 30 * kNsPerSecond;

inline constexpr size_t kMaxBodyBytes = 64 * kKiB;
inline constexpr size_t kMaxRefusalBytes = 512;

enum class FrameType : uint8_t {
  kPut = 1,
  kGet = 2,
  kHave = 3,
  kFrom = 4,
  kData = 5,
  kEnd = 6,
  kDone = 7,
  kRefused = 8,
  kWait = 9,
  kMake = 10,
  kList = 11,
  kEntries = 12,
};

// What else lies in a folder is not listed.
enum class EntryKind : uint8_t { kFile = 1, kFolder = 2 };

struct Entry {
  EntryKind kind = EntryKind::kFile;
  std::string name;  // A single one (CheckFileName).
};

// Entries of one folder; one that has more is not copied.
inline constexpr size_t kMostEntries = 100'000;

struct Frame {
  FrameType type = FrameType::kWait;
  std::vector<std::byte> body;
};

// Receiving and sending fail with DeadlineExceeded when nothing moves for so long.
absl::Status SetSilenceLimit(int socket, int64_t limit_ns);

// Unavailable when the other side is gone.
absl::Status SendFrame(int socket, FrameType type, std::span<const std::byte> body);
absl::Status SendFrame(int socket, FrameType type, std::string_view body = "");

// `why` as the last word, its text cut to kMaxRefusalBytes.
absl::Status SendRefusal(int socket, const absl::Status& why);

// The next frame that is no kWait, into `frame`, whose memory is used again. Unavailable when the
// other side is gone, InvalidArgument when it breaks the rules. A kRefused comes as the status that
// it tells, made printable.
absl::Status ReceiveFrame(int socket, Frame& frame);

// The same, and it has to be of `type`.
absl::Status ReceiveFrame(int socket, FrameType type, Frame& frame);

// Whether something can be received, or the other side is gone: looks, and does not wait.
bool HasSaidSomething(int socket);

// Bodies of fixed shape.
class BodyWriter {
 public:
  BodyWriter& Add(uint64_t value, size_t bytes);
  BodyWriter& Add(std::span<const std::byte> bytes);
  std::span<const std::byte> Body() const { return body_; }

 private:
  std::vector<std::byte> body_;
};

class BodyReader {
 public:
  explicit BodyReader(std::span<const std::byte> body) : left_(body) {}

  // 0 once the body has ended before.
  uint64_t Take(size_t bytes);
  std::span<const std::byte> TakeBytes(size_t bytes);
  std::string TakeText();

  // Everything was there and nothing is left.
  bool IsComplete() const { return !failed_ && left_.empty(); }

 private:
  std::span<const std::byte> left_;
  bool failed_ = false;
};

}  // namespace tombolo::control

// StreamFrame: how a message of a byte stream begins (transport/stream has the protocol).
//
//    0  type          StreamFrameType
//    1  from_opener   1: whoever sends this frame opened the stream; 0: the other side did
//    2  reserved      0
//    4  stream_id     chosen by the opener; a stream is (two endpoints, who opened it, stream_id)
//    8  value         what it means depends on the type
//   16  body          the rest of the message
//
//   type    value                           body
//   open    bytes that may be sent to it    name of the service
//   accept  bytes that may be sent to it    -
//   data    position of its first byte      1 byte or more
//   fin     position of the end             -
//   credit  position up to which to send    -
//   reset   absl::StatusCode                reason, for people
#pragma once

#include <cstddef>
#include <cstdint>

namespace tombolo {

enum class StreamFrameType : uint8_t {
  kOpen = 1,
  kAccept = 2,
  kData = 3,
  kFin = 4,
  kCredit = 5,
  kReset = 6,
};

struct StreamFrameHeader {
  uint8_t type;
  uint8_t from_opener;
  uint16_t reserved;
  uint32_t stream_id;
  uint64_t value;
};

static_assert(offsetof(StreamFrameHeader, type) == 0);
static_assert(offsetof(StreamFrameHeader, from_opener) == 1);
static_assert(offsetof(StreamFrameHeader, reserved) == 2);
static_assert(offsetof(StreamFrameHeader, stream_id) == 4);
static_assert(offsetof(StreamFrameHeader, value) == 8);
static_assert(sizeof(StreamFrameHeader) == 16);

inline constexpr size_t kMaxServiceNameBytes = 64;
inline constexpr size_t kMaxReasonBytes = 200;

}  // namespace tombolo

// The header of memcached's binary protocol, 24 bytes, numbers big-endian:
//
//   0 magic   1 opcode   2 key bytes   4 extras bytes   5 data type   6 status (of an answer)
//   8 body bytes: extras, key and value   12 opaque   16 CAS number
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tombolo::kvcache {

inline constexpr uint8_t kBinaryRequest = 0x80;
inline constexpr uint8_t kBinaryAnswer = 0x81;
inline constexpr size_t kBinaryHeaderBytes = 24;

enum class BinaryStatus : uint16_t {
  kOk = 0,
  kNotFound = 1,
  kExists = 2,
  kTooLarge = 3,
  kInvalid = 4,
  kNotStored = 5,
  kNotANumber = 6,
  kNotAllowed = 0x20,
  kUnknownCommand = 0x81,
  kNoMemory = 0x82,
  kNoOwner = 0x86,
};

struct BinaryHeader {
  uint8_t magic = 0;
  uint8_t opcode = 0;
  uint16_t key_bytes = 0;
  uint8_t extras_bytes = 0;
  uint16_t status = 0;
  uint32_t body_bytes = 0;
  uint32_t opaque = 0;
  uint64_t cas = 0;
};

// The number in the first `bytes` of `from`, which has as many.
uint64_t LoadBig(std::string_view from, size_t bytes);
void AppendBig(uint64_t number, size_t bytes, std::string& to);

// `from`: kBinaryHeaderBytes.
BinaryHeader LoadBinaryHeader(std::string_view from);
void AppendBinaryHeader(const BinaryHeader& header, std::string& to);

// What an error is called in the body of its answer.
std::string_view NameOf(BinaryStatus status);

}  // namespace tombolo::kvcache

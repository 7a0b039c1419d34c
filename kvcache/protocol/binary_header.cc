#include "kvcache/protocol/binary_header.h"

namespace tombolo::kvcache {

uint64_t LoadBig(std::string_view from, size_t bytes) {
  uint64_t number = 0;
  for (const char byte : from.substr(0, bytes)) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

void AppendBig(uint64_t number, size_t bytes, std::string& to) {
  for (size_t left = bytes; left != 0; --left) {
    to.push_back(static_cast<char>(number >> 8 * (left - 1)));
  }
}

BinaryHeader LoadBinaryHeader(std::string_view from) {
  return {.magic = static_cast<uint8_t>(from[0]),
          .opcode = static_cast<uint8_t>(from[1]),
          .key_bytes = static_cast<uint16_t>(LoadBig(from.substr(2), 2)),
          .extras_bytes = static_cast<uint8_t>(from[4]),
          .status = static_cast<uint16_t>(LoadBig(from.substr(6), 2)),
          .body_bytes = static_cast<uint32_t>(LoadBig(from.substr(8), 4)),
          .opaque = static_cast<uint32_t>(LoadBig(from.substr(12), 4)),
          .cas = LoadBig(from.substr(16), 8)};
}

void AppendBinaryHeader(const BinaryHeader& header, std::string& to) {
  AppendBig(header.magic, 1, to);
  AppendBig(header.opcode, 1, to);
  AppendBig(header.key_bytes, 2, to);
  AppendBig(header.extras_bytes, 1, to);
  AppendBig(0, 1, to);
  AppendBig(header.status, 2, to);
  AppendBig(header.body_bytes, 4, to);
  AppendBig(header.opaque, 4, to);
  AppendBig(header.cas, 8, to);
}

std::string_view NameOf(BinaryStatus status) {
  switch (status) {
    case BinaryStatus::kOk:
      return "";
    case BinaryStatus::kNotFound:
      return "Not found";
    case BinaryStatus::kExists:
      return "Data exists for key.";
    case BinaryStatus::kTooLarge:
      return "Too large.";
    case BinaryStatus::kInvalid:
      return "Invalid arguments";
    case BinaryStatus::kNotStored:
      return "Not stored.";
    case BinaryStatus::kNotANumber:
      return "Non-numeric server-side value for incr or decr";
    case BinaryStatus::kNotAllowed:
      return "Auth failure.";
    case BinaryStatus::kUnknownCommand:
      return "Unknown command";
    case BinaryStatus::kNoMemory:
      return "Out of memory";
    case BinaryStatus::kNoOwner:
      return "Temporary failure";
  }
  return "";
}

}  // namespace tombolo::kvcache

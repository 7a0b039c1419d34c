#include "kvcache/protocol/binary_protocol.h"

#include <algorithm>

#include "kvcache/protocol/tokens.h"

namespace tombolo::kvcache {
namespace {

// Appends to `bytes` until they are `wanted`; gives how many bytes that took.
size_t Collect(std::string_view input, size_t wanted, std::string& bytes) {
  const std::string_view part = input.substr(0, wanted - bytes.size());
  bytes.append(part);
  return part.size();
}

}  // namespace

const BinaryProtocol::Command BinaryProtocol::kCommands[] = {
    {0x00, 0x09, Shape::kKey, 0, &BinaryProtocol::Get},
    {0x01, 0x11, Shape::kKeyAndMore, 8, &BinaryProtocol::Set},
    {0x02, 0x12, Shape::kKeyAndMore, 8, &BinaryProtocol::Add},
    {0x03, 0x13, Shape::kKeyAndMore, 8, &BinaryProtocol::Replace},
    {0x04, 0x14, Shape::kKey, 0, &BinaryProtocol::Delete},
    {0x05, 0x15, Shape::kExtrasKeyOnly, 20, &BinaryProtocol::Incr},
    {0x06, 0x16, Shape::kExtrasKeyOnly, 20, &BinaryProtocol::Decr},
    {0x07, 0x17, Shape::kNothing, 0, &BinaryProtocol::Quit},
    {0x08, 0x18, Shape::kPerhapsExtras, 4, &BinaryProtocol::Flush},
    {0x0a, 0x0a, Shape::kNothing, 0, &BinaryProtocol::Noop},
    {0x0b, 0x0b, Shape::kNothing, 0, &BinaryProtocol::Version},
    {0x0c, 0x0d, Shape::kKey, 0, &BinaryProtocol::GetWithKey},
    {0x0e, 0x19, Shape::kKeyAndMore, 0, &BinaryProtocol::Append},
    {0x0f, 0x1a, Shape::kKeyAndMore, 0, &BinaryProtocol::Prepend},
    {0x10, 0x10, Shape::kAnyKey, 0, &BinaryProtocol::Stat},
    {0x1c, 0x1c, Shape::kKeyAndMore, 4, &BinaryProtocol::Touch},
    {0x1d, 0x1e, Shape::kKeyAndMore, 4, &BinaryProtocol::Get},
    {0x20, 0x20, Shape::kNothing, 0, &BinaryProtocol::RefuseSasl},
    {0x21, 0x21, Shape::kKeyAndMore, 0, &BinaryProtocol::RefuseSasl},
    {0x22, 0x22, Shape::kKeyAndMore, 0, &BinaryProtocol::RefuseSasl},
    {0x23, 0x24, Shape::kKeyAndMore, 4, &BinaryProtocol::GetWithKey},
};

size_t BinaryProtocol::Take(std::string_view input) {
  switch (state_) {
    case State::kHeader:
      return TakeHeader(input);
    case State::kArguments:
      return TakeArguments(input);
    case State::kValue:
      return TakeValue(input);
    case State::kSkip:
      break;
  }
  return Skip(input);
}

size_t BinaryProtocol::TakeHeader(std::string_view input) {
  const size_t taken = Collect(input, kBinaryHeaderBytes, bytes_);
  if (bytes_.size() < kBinaryHeaderBytes) return taken;
  header_ = LoadBinaryHeader(bytes_);
  bytes_.clear();
  CheckHeader();
  return taken;
}

// Everything that can be wrong with it is the end, because nobody knows where the next one begins.
void BinaryProtocol::CheckHeader() {
  is_quiet_ = false;
  if (header_.magic != kBinaryRequest) return replies_.Close();
  const uint32_t arguments_bytes = uint32_t{header_.key_bytes} + header_.extras_bytes;
  if (arguments_bytes > header_.body_bytes) return Break(BinaryStatus::kUnknownCommand);
  if (header_.key_bytes > kMaxTextKeyBytes) return Break(BinaryStatus::kInvalid);
  if (arguments_bytes == 0) return Run();
  state_ = State::kArguments;
}

size_t BinaryProtocol::TakeArguments(std::string_view input) {
  const size_t wanted = size_t{header_.key_bytes} + header_.extras_bytes;
  const size_t taken = Collect(input, wanted, bytes_);
  if (bytes_.size() < wanted) return taken;
  state_ = State::kHeader;
  Run();
  bytes_.clear();
  return taken;
}

void BinaryProtocol::Run() {
  const auto command =
      std::find_if(std::begin(kCommands), std::end(kCommands), [this](const Command& known) {
        return header_.opcode == known.opcode || header_.opcode == known.quiet_opcode;
      });
  // SUBTLE: extras and key were taken already, and memcached skips as much as if they were not.
  if (command == std::end(kCommands)) {
    return Refuse(BinaryStatus::kUnknownCommand, header_.body_bytes);
  }
  if (!HasShape(*command)) return Break(BinaryStatus::kInvalid);
  is_quiet_ = header_.opcode != command->opcode;
  const size_t mark = replies_.Mark();
  (this->*command->run)();
  AnswerFailure(mark);
}

bool BinaryProtocol::HasShape(const Command& command) const {
  const bool has_key = header_.key_bytes != 0;
  const bool is_bare = header_.body_bytes == uint32_t{header_.key_bytes} + header_.extras_bytes;
  const bool has_extras = header_.extras_bytes == command.extras_bytes;
  switch (command.shape) {
    case Shape::kNothing:
      return header_.body_bytes == 0;
    case Shape::kKey:
    case Shape::kExtrasKeyOnly:
      return has_key && has_extras && is_bare;
    case Shape::kKeyAndMore:
      return has_key && has_extras;
    case Shape::kPerhapsExtras:
      return !has_key && is_bare && (has_extras || header_.extras_bytes == 0);
    case Shape::kAnyKey:
      break;
  }
  return header_.extras_bytes == 0;
}

std::string_view BinaryProtocol::Key() const {
  return std::string_view(bytes_).substr(header_.extras_bytes);
}

uint64_t BinaryProtocol::Extra(size_t offset, size_t bytes) const {
  return LoadBig(std::string_view(bytes_).substr(offset), bytes);
}

uint64_t BinaryProtocol::ValueBytes() const {
  return uint64_t{header_.body_bytes} - header_.key_bytes - header_.extras_bytes;
}

size_t BinaryProtocol::TakeValue(std::string_view input) {
  const size_t taken = put_.Take(input);
  if (put_.left_bytes != 0) return taken;
  const size_t mark = replies_.Mark();
  FinishPut();
  AnswerFailure(mark);
  return taken;
}

size_t BinaryProtocol::Skip(std::string_view input) {
  const size_t skipped = std::min<uint64_t>(input.size(), skip_bytes_);
  skip_bytes_ -= skipped;
  if (skip_bytes_ == 0) state_ = State::kHeader;
  return skipped;
}

void BinaryProtocol::Answer(BinaryHeader header, std::string_view extras, std::string_view key,
                            std::string_view value) {
  header.magic = kBinaryAnswer;
  header.opcode = header_.opcode;
  header.opaque = header_.opaque;
  header.key_bytes = static_cast<uint16_t>(key.size());
  header.extras_bytes = static_cast<uint8_t>(extras.size());
  header.body_bytes = static_cast<uint32_t>(extras.size() + key.size() + value.size());
  std::string bytes;
  AppendBinaryHeader(header, bytes);
  bytes.append(extras).append(key);
  replies_.Append(bytes);
  replies_.Append(value);
}

void BinaryProtocol::AnswerDone(std::string_view value, uint64_t cas) {
  if (!is_quiet_) Answer({.cas = cas}, {}, {}, value);
}

void BinaryProtocol::AnswerError(BinaryStatus status) {
  Answer({.status = static_cast<uint16_t>(status)}, {}, {}, NameOf(status));
}

// In place of what was said since `mark`, if the backend was asked in vain.
void BinaryProtocol::AnswerFailure(size_t mark) {
  if (!server_.backend.TakeFailure()) return;
  replies_.Rewind(mark);
  AnswerError(BinaryStatus::kNoOwner);
}

void BinaryProtocol::Refuse(BinaryStatus status, uint64_t skip_bytes) {
  AnswerError(status);
  skip_bytes_ = skip_bytes;
  state_ = skip_bytes == 0 ? State::kHeader : State::kSkip;
}

void BinaryProtocol::Break(BinaryStatus status) {
  AnswerError(status);
  replies_.Close();
}

}  // namespace tombolo::kvcache

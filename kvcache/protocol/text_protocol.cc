#include "kvcache/protocol/text_protocol.h"

#include <algorithm>
#include <utility>

#include "kvcache/protocol/wording.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kMostTokens = kMaxTokens + 1;  // Any number.
constexpr std::string_view kValueEnd = "\r\n";

// Whether a line that begins so may be long.
bool IsMultiGet(std::string_view line) {
  const std::string_view name = TakeToken(line);
  return name == "get" || name == "gets";
}

}  // namespace

// They are looked through in this order.
const TextProtocol::Command TextProtocol::kCommands[] = {
    {"get", 2, kMostTokens, &TextProtocol::Get},
    {"set", 5, 6, &TextProtocol::Set},
    {"gets", 2, kMostTokens, &TextProtocol::Get},
    {"bget", 2, kMostTokens, &TextProtocol::Get},
    {"gat", 2, kMostTokens, &TextProtocol::GetAndTouch},
    {"gats", 2, kMostTokens, &TextProtocol::GetAndTouch},
    {"mg", 2, kMostTokens, &TextProtocol::MetaGet},
    {"ms", 2, kMostTokens, &TextProtocol::MetaSet},
    {"md", 2, kMostTokens, &TextProtocol::MetaDelete},
    {"ma", 2, kMostTokens, &TextProtocol::MetaCount},
    {"mn", 1, kMostTokens, &TextProtocol::MetaNoop},
    {"me", 1, kMostTokens, &TextProtocol::MetaDebug},
    {"add", 5, 6, &TextProtocol::Add},
    {"replace", 5, 6, &TextProtocol::Replace},
    {"append", 5, 6, &TextProtocol::Append},
    {"prepend", 5, 6, &TextProtocol::Prepend},
    {"cas", 6, 7, &TextProtocol::Cas},
    {"incr", 3, 4, &TextProtocol::Incr},
    {"decr", 3, 4, &TextProtocol::Decr},
    {"delete", 2, 4, &TextProtocol::Delete},
    {"touch", 3, 4, &TextProtocol::Touch},
    {"flush_all", 1, 3, &TextProtocol::FlushAll},
    {"stats", 1, kMostTokens, &TextProtocol::Stats},
    {"verbosity", 2, 3, &TextProtocol::Verbosity},
    {"cache_memlimit", 2, 3, &TextProtocol::CacheMemlimit},
    {"lru", 1, kMostTokens, &TextProtocol::Lru},
    {"lru_crawler", 1, kMostTokens, &TextProtocol::LruCrawler},
    {"slabs", 1, kMostTokens, &TextProtocol::Slabs},
    {"version", 1, kMostTokens, &TextProtocol::Version},
    {"quit", 1, kMostTokens, &TextProtocol::Quit},
    {"shutdown", 1, kMostTokens, &TextProtocol::Shutdown},
    {"watch", 1, kMostTokens, &TextProtocol::Watch},
};

TextProtocol::TextProtocol(Server& server, Replies& replies)
    : server_(server),
      replies_(replies),
      meta_(server, replies),
      multi_get_(server, replies),
      dump_(server, replies) {}

size_t TextProtocol::Take(std::string_view input) {
  switch (state_) {
    case State::kLine:
      return TakeLine(input);
    case State::kValue:
      return TakeValue(input);
    case State::kSkip:
      return Skip(input);
    case State::kWatching:
      break;
  }
  return input.size();
}

size_t TextProtocol::TakeLine(std::string_view input) {
  const size_t newline = input.find('\n');
  const std::string_view part = input.substr(0, newline);
  if (IsTooLong(part)) {
    replies_.Close();
    return part.size();
  }
  const bool is_whole = newline != std::string_view::npos;
  if (is_whole && line_.empty()) {
    RunLine(part);
    return newline + 1;
  }
  line_.append(part);
  if (!is_whole) return part.size();
  const std::string line = std::exchange(line_, {});
  RunLine(line);
  return newline + 1;
}

// Whether the line is, with `part`. What it begins with tells, and is looked at once.
bool TextProtocol::IsTooLong(std::string_view part) const {
  const size_t size = line_.size() + part.size();
  if (size <= kMaxLineBytes) return false;
  if (line_.size() > kMaxLineBytes) return size > kMaxMultiGetBytes;
  std::string begin = line_;
  begin.append(part.substr(0, kMaxLineBytes - line_.size()));
  return !IsMultiGet(begin) || size > kMaxMultiGetBytes;
}

void TextProtocol::RunLine(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  line = line.substr(0, line.find('\0'));
  is_quiet_ = false;
  const Tokens tokens(line);
  if (tokens.Count() == 0) return Answer("ERROR");
  const auto command = std::find_if(std::begin(kCommands), std::end(kCommands),
                                    [&](const Command& known) { return known.name == tokens[0]; });
  // A web browser that was led here is not answered.
  if (command == std::end(kCommands) && tokens.Last().starts_with("HTTP/")) {
    return replies_.Close();
  }
  if (command == std::end(kCommands) || tokens.Count() < command->least ||
      tokens.Count() > command->most) {
    return Answer("ERROR");
  }
  arguments_ = line;
  TakeToken(arguments_);
  const size_t mark = replies_.Mark();
  (this->*command->run)(tokens);
  AnswerFailure(mark);
  follows_sent_ = command->run == &TextProtocol::Get ||
                  command->run == &TextProtocol::GetAndTouch ||
                  command->run == &TextProtocol::MetaNoop;
}

void TextProtocol::Answer(std::string_view text) {
  if (!is_quiet_) replies_.AppendLine(text);
}

// In place of what was said since `mark`, if the backend was asked in vain.
void TextProtocol::AnswerFailure(size_t mark) {
  if (!server_.backend.TakeFailure()) return;
  replies_.Rewind(mark);
  Answer(kNoOwner);
}

void TextProtocol::AwaitValue(PendingPut put, uint64_t value_bytes) {
  put_ = std::move(put);
  put_.left_bytes = value_bytes + kValueEnd.size();
  state_ = State::kValue;
}

void TextProtocol::SkipValue(uint64_t value_bytes) {
  skip_bytes_ = value_bytes + kValueEnd.size();
  state_ = State::kSkip;
}

size_t TextProtocol::Skip(std::string_view input) {
  const size_t skipped = std::min<uint64_t>(input.size(), skip_bytes_);
  skip_bytes_ -= skipped;
  if (skip_bytes_ == 0) state_ = State::kLine;
  return skipped;
}

size_t TextProtocol::TakeValue(std::string_view input) {
  const size_t taken = put_.Take(input);
  if (put_.left_bytes != 0) return taken;
  state_ = State::kLine;
  const size_t mark = replies_.Mark();
  FinishValue();
  AnswerFailure(mark);
  put_.Clear();
  return taken;
}

void TextProtocol::FinishValue() {
  is_quiet_ = put_.is_quiet && !put_.is_meta;
  if (!put_.value.ends_with(kValueEnd)) return Answer("CLIENT_ERROR bad data chunk");
  const StoreAnswer answer = RunPut(put_, put_.value.size() - kValueEnd.size(), server_);
  if (answer.result == StoreResult::kNoMemory) {
    return Answer("SERVER_ERROR out of memory storing object");
  }
  if (put_.is_meta) return meta_.FinishSet(put_, answer);
  switch (answer.result) {
    case StoreResult::kStored:
      return Answer("STORED");
    case StoreResult::kExists:
      return Answer("EXISTS");
    case StoreResult::kNotFound:
      return Answer("NOT_FOUND");
    default:
      return Answer("NOT_STORED");
  }
}

}  // namespace tombolo::kvcache

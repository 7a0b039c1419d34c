// ms and ma.
#include <climits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kvcache/layout/item.h"
#include "kvcache/protocol/meta_commands.h"
#include "kvcache/protocol/meta_replies.h"
#include "kvcache/protocol/statistics.h"
#include "kvcache/store/expiry.h"
#include "kvcache/store/numbers.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kFirstSetFlag = 3;  // After command, key and size.

std::optional<PutMode> PutModeOf(char letter) {
  switch (letter) {
    case '\0':
    case 'S':
      return PutMode::kSet;
    case 'E':
      return PutMode::kAdd;
    case 'A':
      return PutMode::kAppend;
    case 'P':
      return PutMode::kPrepend;
    case 'R':
      return PutMode::kReplace;
    default:
      return std::nullopt;
  }
}

std::optional<bool> IsDown(char letter) {
  if (letter == '\0' || letter == 'I' || letter == '+') return false;
  if (letter == 'D' || letter == '-') return true;
  return std::nullopt;
}

std::optional<uint64_t> ValueBytesIn(const Tokens& tokens) {
  const auto bytes = Signed32In(tokens.Text(2).c_str());
  if (!bytes || *bytes < 0 || *bytes > INT_MAX - 2) return std::nullopt;
  return static_cast<uint64_t>(*bytes);
}

}  // namespace

bool MetaCommands::BeginSet(const Tokens& tokens, PendingPut& put,
                            std::optional<uint64_t>& value_bytes) {
  if (tokens[1].size() > kMaxTextKeyBytes || tokens.Count() < kFirstSetFlag) {
    Answer(kMetaBadFormat);
    return false;
  }
  if (!Check(tokens, kMetaTooManyFlags)) return false;
  value_bytes = ValueBytesIn(tokens);
  const char* error = value_bytes ? ReadSet(tokens, put) : kMetaBadFormat;
  if (error == nullptr && !server_.backend.Fits(put.key.size(), *value_bytes)) {
    ++server_.counters.store_too_large;
    server_.backend.Remove({.key = put.key});
    error = "SERVER_ERROR object too large for cache";
  }
  if (error != nullptr) Answer(error);
  return error == nullptr;
}

// Null, or what to answer.
const char* MetaCommands::ReadSet(const Tokens& tokens, PendingPut& put) {
  MetaFlags flags;
  if (const char* error = ParseMetaFlags(tokens, kFirstSetFlag, flags)) return error;
  std::optional<PutMode> mode = PutModeOf(flags.mode);
  if (!mode) return "CLIENT_ERROR invalid mode for ms M token";
  for (size_t i = kFirstSetFlag; i < tokens.Count(); ++i) {
    std::string opaque;
    const char letter = tokens[i][0];
    if (letter == 'O') {
      if (const char* error = AppendOpaque(tokens[i], opaque)) return error;
    }
    if (letter == 'O' || letter == 'k' || letter == 'c') put.reply_flags.emplace_back(tokens[i]);
  }
  if (flags.cas && (*mode == PutMode::kSet || *mode == PutMode::kReplace)) mode = PutMode::kCas;
  put.mode = *mode;
  put.key = flags.key;
  put.flags = flags.client_flags;
  put.exptime = flags.exptime.value_or(0);
  put.cas = flags.cas.value_or(0);
  put.takes_older = flags.is_stale;
  put.marks = flags.is_binary ? kMarkBinaryKey : uint16_t{0};
  put.is_quiet = flags.is_quiet;
  put.is_meta = true;
  return nullptr;
}

void MetaCommands::FinishSet(const PendingPut& put, const StoreAnswer& answer) {
  const bool is_stored = answer.result == StoreResult::kStored;
  if (is_stored && put.is_quiet) return;
  std::string text = is_stored                                 ? "HD"
                     : answer.result == StoreResult::kExists   ? "EX"
                     : answer.result == StoreResult::kNotFound ? "NF"
                                                               : "NS";
  for (const std::string& flag : put.reply_flags) {
    if (flag[0] == 'O') absl::StrAppend(&text, " ", flag);
    if (flag[0] == 'k') text += KeyFlag(put.key, (put.marks & kMarkBinaryKey) != 0);
    if (flag[0] == 'c') absl::StrAppend(&text, " c", answer.cas);
  }
  Answer(text);
}

void MetaCommands::Count(const Tokens& tokens) {
  MetaFlags flags;
  if (!Check(tokens, kMetaTooManyFlags)) return;
  if (ParseMetaFlags(tokens, 2, flags) != nullptr) return Answer(kMetaBadFlag);
  const std::optional<bool> is_down = IsDown(flags.mode);
  if (!is_down) return Answer("CLIENT_ERROR invalid mode for ma M token");
  Answering answering;
  const StoreAnswer answer = CountOrVivify(tokens, flags, *is_down, answering);
  flags.is_quiet &= answer.result == StoreResult::kStored && !answering.is_created;
  switch (answer.result) {
    case StoreResult::kStored:
      return AnswerCount(tokens, flags, answering);
    case StoreResult::kNotFound:
      return AnswerMiss(tokens, flags, "NF");
    case StoreResult::kExists:
      return AnswerMiss(tokens, flags, "EX");
    case StoreResult::kNotANumber:
      return Answer("CLIENT_ERROR cannot increment or decrement non-numeric value");
    default:
      return Answer("SERVER_ERROR out of memory");
  }
}

StoreAnswer MetaCommands::CountOrVivify(const Tokens& tokens, const MetaFlags& flags, bool is_down,
                                        Answering& answering) {
  StoreAnswer answer = server_.backend.Count(
      {.key = flags.key, .is_down = is_down, .delta = flags.delta, .cas = flags.cas.value_or(0)});
  uint64_t number = answer.number;
  if (answer.result == StoreResult::kNotFound && flags.vivify_exptime) {
    number = flags.initial;
    answer = server_.backend.Put({.mode = PutMode::kAdd,
                                  .key = flags.key,
                                  .value = absl::StrCat(number),
                                  .exptime = LastExptime(tokens, flags)});
    answering.is_created = true;
  } else {
    CountArithmetic(answer.result, is_down, server_.counters);
  }
  answering.item = {.value = absl::StrCat(number), .expiry_s = answer.expiry_s, .cas = answer.cas};
  return answer;
}

void MetaCommands::AnswerCount(const Tokens& tokens, const MetaFlags& flags, Answering& answering) {
  const std::string& value = answering.item.value;
  answering.text = flags.wants_value ? absl::StrCat("VA ", value.size()) : "HD";
  const char* error = nullptr;
  for (size_t i = 2; i < tokens.Count() && error == nullptr; ++i) {
    const char letter = tokens[i][0];
    if (letter == 'k') {
      answering.text += KeyFlag(flags.key, flags.is_binary);
    } else if (std::string_view("ctTNO").find(letter) != std::string_view::npos) {
      error = AnswerFlag(tokens[i], flags, answering);
    }
  }
  if (flags.exptime && !answering.is_created) {
    server_.backend.Amend({.key = flags.key, .exptime = flags.exptime});
  }
  if (error != nullptr) return Answer(error);
  if (flags.is_quiet) return;
  Answer(answering.text);
  if (flags.wants_value) Answer(value);
}

}  // namespace tombolo::kvcache

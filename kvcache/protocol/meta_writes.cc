// ms and ma.
#include "absl/strings/str_cat.h"
#include "kvcache/layout/item.h"
#include "kvcache/protocol/meta_commands.h"
#include "kvcache/protocol/statistics.h"
#include "kvcache/protocol/watch_lines.h"
#include "kvcache/protocol/wording.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kFirstSetFlag = 3;  // After command, key and size.
constexpr std::string_view kToldBySet = "Ock";
constexpr std::string_view kToldByCount = "Ockt";

struct NamedMode {
  char letter;
  PutMode mode;
};
constexpr NamedMode kPutModes[] = {
    {'\0', PutMode::kSet}, {'S', PutMode::kSet},    {'R', PutMode::kReplace},
    {'E', PutMode::kAdd},  {'A', PutMode::kAppend}, {'P', PutMode::kPrepend},
};

// With a CAS number what replaces is a cas; the others look at the number themselves, or do not.
std::optional<PutMode> PutModeOf(const MetaRequest& request) {
  for (const auto& [letter, mode] : kPutModes) {
    if (letter != request.Mode()) continue;
    const bool replaces = mode == PutMode::kSet || mode == PutMode::kReplace;
    return replaces && request.Has('C') ? PutMode::kCas : mode;
  }
  return std::nullopt;
}

std::optional<bool> IsDown(char mode) {
  if (std::string_view("D-").find(mode) != std::string_view::npos) return true;
  if (mode == '\0' || std::string_view("I+").find(mode) != std::string_view::npos) return false;
  return std::nullopt;
}

std::string_view WordFor(StoreResult result) {
  switch (result) {
    case StoreResult::kStored:
      return "HD";
    case StoreResult::kExists:
      return "EX";
    case StoreResult::kNotFound:
      return "NF";
    default:
      return "NS";
  }
}

}  // namespace

bool MetaCommands::BeginSet(const Tokens& tokens, PendingPut& put,
                            std::optional<uint64_t>& value_bytes) {
  std::string_view error = CheckMetaTokens(tokens, kTooManyFlags);
  if (error.empty() && tokens.Count() >= kFirstSetFlag) value_bytes = ValueBytesIn(tokens[2]);
  if (error.empty()) error = value_bytes ? ReadSet(tokens, put) : kBadFormat;
  if (error.empty() && !Admit(put, *value_bytes, server_)) error = kTooLarge;
  if (!error.empty()) Answer(error);
  return error.empty();
}

// Empty, or what to answer.
std::string_view MetaCommands::ReadSet(const Tokens& tokens, PendingPut& put) {
  MetaRequest request;
  if (const auto error = request.Read(tokens, kFirstSetFlag); !error.empty()) return error;
  const std::optional<PutMode> mode = PutModeOf(request);
  if (!mode) return "CLIENT_ERROR invalid mode for ms M token";
  std::string echoes;
  if (!AppendEchoes(request, echoes)) return kLongOpaque;
  for (const MetaFlag& flag : request.Flags()) {
    if (kToldBySet.find(flag.letter) == std::string_view::npos) continue;
    put.reply_flags.emplace_back(flag.token);
  }
  put.mode = *mode;
  put.key = request.Key();
  put.flags = static_cast<uint32_t>(request.Number('F').value_or(0));
  put.exptime = request.Exptime('T').value_or(0);
  put.cas = request.Number('C').value_or(0);
  put.takes_older = request.Has('I');
  put.marks = request.Has('b') ? kMarkBinaryKey : uint16_t{0};
  put.is_quiet = request.Has('q');
  put.is_meta = true;
  return {};
}

void MetaCommands::FinishSet(const PendingPut& put, const StoreAnswer& answer) {
  if (put.is_quiet && answer.result == StoreResult::kStored) return;
  const MetaSubject subject{.key = put.key,
                            .has_binary_key = (put.marks & kMarkBinaryKey) != 0,
                            .item = {.cas = answer.cas}};
  std::string text(WordFor(answer.result));
  for (const std::string& token : put.reply_flags) {
    AppendFlag({.letter = token[0], .token = token}, kToldBySet, subject, text);
  }
  Answer(text);
}

void MetaCommands::Count(const Tokens& tokens) {
  MetaRequest request;
  const std::string_view error = CheckMetaTokens(tokens, kTooManyFlags);
  if (!error.empty()) return Answer(error);
  if (!request.Read(tokens, 2).empty()) return Answer(kBadFlag);
  const std::optional<bool> is_down = IsDown(request.Mode());
  if (!is_down) return Answer("CLIENT_ERROR invalid mode for ma M token");
  CountRequest count{.key = request.Key(),
                     .is_down = *is_down,
                     .delta = request.Number('D').value_or(1),
                     .cas = request.Number('C').value_or(0),
                     .exptime = request.ExptimeToApply()};
  if (request.Has('N')) {
    count.initial = request.Number('J').value_or(0);
    count.initial_exptime = request.LastExptime();
  }
  const StoreAnswer answer = RunCount(server_, count);
  if (!answer.is_new) CountArithmetic(answer.result, *is_down, server_.counters);
  switch (answer.result) {
    case StoreResult::kStored:
      return AnswerCount(request, answer);
    case StoreResult::kNotANumber:
      return Answer(kNoNumber);
    case StoreResult::kNotFound:
    case StoreResult::kExists:
      return AnswerEchoes(WordFor(answer.result), request, /*is_quiet=*/false);
    default:
      return Answer(kOutOfMemory);
  }
}

void MetaCommands::AnswerCount(const MetaRequest& request, const StoreAnswer& answer) {
  Visit visit{.subject = {.key = request.Key(),
                          .has_binary_key = request.Has('b'),
                          .item = {.value = absl::StrCat(answer.number),
                                   .expiry_s = answer.expiry_s,
                                   .cas = answer.cas},
                          .now_s = server_.backend.NowS()},
              .is_new = answer.is_new};
  if (!GoThrough(request, kToldByCount, visit)) return Answer(kLongOpaque);
  if (answer.is_new || !request.Has('q')) AnswerItem(request, visit);
}

}  // namespace tombolo::kvcache

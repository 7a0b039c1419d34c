// mg, md and me; ma and ms are in meta_writes.cc.
#include "kvcache/protocol/meta_commands.h"

#include "absl/strings/str_cat.h"
#include "kvcache/layout/item.h"
#include "kvcache/protocol/base64.h"
#include "kvcache/protocol/meta_replies.h"
#include "kvcache/store/expiry.h"

namespace tombolo::kvcache {

// What all of them check first, in this order.
bool MetaCommands::Check(const Tokens& tokens, const char* too_many) {
  const bool is_long = tokens[1].size() > kMaxTextKeyBytes;
  if (!is_long && tokens.Count() <= kMaxMetaTokens) return true;
  Answer(is_long ? kMetaBadFormat : too_many);
  return false;
}

void MetaCommands::Get(const Tokens& tokens) {
  MetaFlags flags;
  if (!Check(tokens, "CLIENT_ERROR options flags are too long")) return;
  if (const char* error = ParseMetaFlags(tokens, 2, flags)) return Answer(error);
  Answering answering;
  const bool is_hit = FindOrVivify(tokens, flags, answering);
  CountGet(flags, is_hit);
  if (!is_hit) return AnswerMiss(tokens, flags, "EN");
  const std::string& value = answering.item.value;
  answering.text = flags.wants_value ? absl::StrCat("VA ", value.size()) : "HD";
  const char* error = nullptr;
  for (size_t i = 2; i < tokens.Count() && error == nullptr; ++i) {
    error = AnswerFlag(tokens[i], flags, answering);
  }
  if (error == nullptr) AnswerMarks(answering);
  AmendItem(flags, error == nullptr, answering);
  if (error != nullptr) return Answer(error);
  Answer(answering.text);
  if (flags.wants_value) Answer(value);
}

// Whether there is an item, or was made one.
bool MetaCommands::FindOrVivify(const Tokens& tokens, const MetaFlags& flags,
                                Answering& answering) {
  const bool counts_now = !flags.is_peek && !flags.counts_late;
  const GetUse use = counts_now ? GetUse::kCounts : GetUse::kPeeks;
  if (server_.backend.Get(flags.key, answering.item, use)) return true;
  if (!flags.vivify_exptime) return false;
  const unsigned marks = kMarkWon | (flags.is_peek ? 0u : kMarkFetched);
  const StoreAnswer answer = server_.backend.Put({.mode = PutMode::kAdd,
                                                  .key = flags.key,
                                                  .exptime = LastExptime(tokens, flags),
                                                  .marks = static_cast<uint16_t>(marks)});
  if (answer.result != StoreResult::kStored) return false;
  answering.item = {.cas = answer.cas};
  answering.is_created = true;
  return true;
}

// Null, or what to answer instead of all.
const char* MetaCommands::AnswerFlag(std::string_view token, const MetaFlags& flags,
                                     Answering& answering) {
  StoredValue& item = answering.item;
  std::string& text = answering.text;
  const uint32_t now_s = server_.backend.NowS();
  switch (token[0]) {
    case 'T':
      item.expiry_s = ExpiryOf(*flags.exptime, now_s);
      break;
    case 'N':
      if (!answering.is_created) break;
      item.expiry_s = ExpiryOf(*flags.vivify_exptime, now_s);
      answering.has_won = true;
      break;
    case 'R':
      answering.has_won |= (item.marks & kMarkWon) == 0 && !answering.is_created &&
                           item.expiry_s != 0 &&
                           item.expiry_s < ExpiryOf(*flags.recache_exptime, now_s);
      break;
    case 's':
      absl::StrAppend(&text, " s", item.value.size());
      break;
    case 't':
      text += TtlFlag(item.expiry_s, now_s);
      break;
    case 'c':
      absl::StrAppend(&text, " c", item.cas);
      break;
    case 'f':
      absl::StrAppend(&text, " f", item.flags);
      break;
    case 'l':
      text += " l0";  // The store does not keep the time of the last access.
      break;
    case 'h':
      text += (item.marks & kMarkFetched) != 0 ? " h1" : " h0";
      break;
    case 'k':
      text += KeyFlag(flags.key, (item.marks & kMarkBinaryKey) != 0);
      break;
    case 'O':
      return AppendOpaque(token, text);
    default:
      break;
  }
  return nullptr;
}

// Z: somebody has been told to write it anew. X: it is stale. W: the client is told so now.
void MetaCommands::AnswerMarks(Answering& answering) {
  const bool was_won = (answering.item.marks & kMarkWon) != 0;
  const bool is_stale = (answering.item.marks & kMarkStale) != 0;
  answering.has_won |= is_stale && !was_won;
  if (was_won) answering.text += " Z";
  if (is_stale) answering.text += " X";
  if (answering.has_won) answering.text += " W";
}

// A created item has everything already. What ends in an error does not count.
void MetaCommands::AmendItem(const MetaFlags& flags, bool is_good, const Answering& answering) {
  const bool counts_now = is_good && flags.counts_late && !flags.is_peek;
  if (answering.is_created || (!flags.exptime && !answering.has_won && !counts_now)) return;
  server_.backend.Amend({.key = flags.key,
                         .exptime = flags.exptime,
                         .marks = is_good && answering.has_won ? kMarkWon : uint16_t{0},
                         .use = counts_now ? GetUse::kCounts : GetUse::kPeeks});
}

void MetaCommands::AnswerMiss(const Tokens& tokens, const MetaFlags& flags, std::string text) {
  const char* error = AppendEchoes(tokens, 2, flags, text);
  if (error != nullptr) return Answer(error);
  if (!flags.is_quiet) Answer(text);
}

void MetaCommands::CountGet(const MetaFlags& flags, bool is_hit) {
  CommandCounters& counters = server_.counters;
  if (flags.exptime && is_hit) {
    ++counters.cmd_touch;
    ++counters.touch_hits;
    return;
  }
  ++counters.cmd_get;
  ++(is_hit ? counters.get_hits : counters.get_misses);
}

void MetaCommands::Delete(const Tokens& tokens) {
  MetaFlags flags;
  if (!Check(tokens, kMetaTooManyFlags)) return;
  if (ParseMetaFlags(tokens, 2, flags) != nullptr) return Answer(kMetaBadFlag);
  std::string echoes;
  if (const char* error = AppendEchoes(tokens, 2, flags, echoes)) return Answer(error);
  const StoreAnswer answer = server_.backend.Remove({.key = flags.key,
                                                     .cas = flags.cas,
                                                     .leaves_stale = flags.is_stale,
                                                     .exptime = flags.exptime});
  switch (answer.result) {
    case StoreResult::kDone:
      if (!flags.is_stale) ++server_.counters.delete_hits;
      if (!flags.is_quiet) Answer(absl::StrCat("HD", echoes));
      return;
    case StoreResult::kExists:
      ++server_.counters.delete_misses;
      return Answer(absl::StrCat("EX", echoes));
    default:
      ++server_.counters.delete_misses;
      return Answer(absl::StrCat("NF", echoes));
  }
}

void MetaCommands::Debug(const Tokens& tokens) {
  if (tokens.Count() < 2 || tokens[1].size() > kMaxTextKeyBytes) return Answer(kMetaBadFormat);
  std::optional<std::string> key(tokens[1]);
  if (tokens.Count() >= 3 && tokens[2] == "b") key = DecodeBase64(tokens[1]);
  if (!key) return Answer(kMetaBadFormat);
  ++server_.counters.cmd_meta;
  StoredValue item;
  if (!server_.backend.Get(*key, item, GetUse::kPeeks)) return Answer("EN");
  const int64_t until_s = int64_t{server_.backend.NowS()} - item.expiry_s;
  const bool is_binary = (item.marks & kMarkBinaryKey) != 0;
  Answer(absl::StrCat("ME ", is_binary ? EncodeBase64(*key) : *key,
                      " exp=", item.expiry_s == 0 ? -1 : until_s, " la=0 cas=", item.cas,
                      " fetch=", (item.marks & kMarkFetched) != 0 ? "yes" : "no",
                      " cls=1 size=", ItemBytes(key->size(), item.value.size())));
}

}  // namespace tombolo::kvcache

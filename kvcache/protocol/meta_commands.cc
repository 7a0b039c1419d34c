// mg, md and me; ma and ms are in meta_writes.cc.
#include "kvcache/protocol/meta_commands.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "kvcache/layout/item.h"
#include "kvcache/protocol/base64.h"
#include "kvcache/protocol/statistics.h"
#include "kvcache/protocol/wording.h"
#include "kvcache/store/expiry.h"

namespace tombolo::kvcache {
namespace {

constexpr std::string_view kToldByGet = "Ocfhklst";
// With one of them the access counts only after it was answered.
constexpr std::string_view kLateFlags = "NRThl";

bool IsToBeWon(const StoredValue& item) {
  return (item.marks & kMarkStale) != 0 && (item.marks & kMarkWon) == 0;
}

}  // namespace

void MetaCommands::Get(const Tokens& tokens) {
  MetaRequest request;
  std::string_view error = CheckMetaTokens(tokens, "CLIENT_ERROR options flags are too long");
  if (error.empty()) error = request.Read(tokens, 2);
  if (!error.empty()) return Answer(error);
  Visit visit{.subject = {.key = request.Key(), .now_s = server_.backend.NowS()}};
  std::optional<HeldItem> held;
  if (request.HasOneOf(kLateFlags)) held.emplace(server_.backend, request.Key());
  bool is_hit = Find(request, visit);
  // One client alone is told to write it anew: nobody may come between that and its mark.
  if (is_hit && !held && IsToBeWon(visit.subject.item)) {
    held.emplace(server_.backend, request.Key());
    is_hit = Find(request, visit);
  }
  is_hit = is_hit || Vivify(request, visit);
  CountFetch(is_hit && request.Has('T'), is_hit, server_.counters);
  if (!is_hit) return AnswerEchoes("EN", request, request.Has('q'));
  const bool is_good = GoThrough(request, kToldByGet, visit);
  if (is_good) AppendMarks(visit);
  Amend(request, is_good, visit);
  if (!is_good) return Answer(kLongOpaque);
  AnswerItem(request, visit);
}

bool MetaCommands::Find(const MetaRequest& request, Visit& visit) {
  const bool counts_now = !request.Has('u') && !request.HasOneOf(kLateFlags);
  const GetUse use = counts_now ? GetUse::kCounts : GetUse::kPeeks;
  StoredValue& item = visit.subject.item;
  const bool is_hit = request.Has('v') ? server_.backend.Get(request.Key(), item, use)
                                       : server_.backend.Describe(request.Key(), item, use);
  visit.subject.has_binary_key = is_hit && (item.marks & kMarkBinaryKey) != 0;
  return is_hit;
}

// Makes an empty item, which the client has won.
bool MetaCommands::Vivify(const MetaRequest& request, Visit& visit) {
  if (!request.Has('N')) return false;
  const unsigned marks = kMarkWon | (request.Has('u') ? 0u : kMarkFetched);
  const StoreAnswer answer = server_.backend.Put({.mode = PutMode::kAdd,
                                                  .key = request.Key(),
                                                  .exptime = request.LastExptime(),
                                                  .marks = static_cast<uint16_t>(marks)});
  visit.is_new = answer.result == StoreResult::kStored;
  visit.subject.item = {.cas = answer.cas};
  return visit.is_new;
}

// False: an opaque is too long, and the flags after it do not count.
bool MetaCommands::GoThrough(const MetaRequest& request, std::string_view told, Visit& visit) {
  for (const MetaFlag& flag : request.Flags()) {
    Apply(flag, visit);
    if (!AppendFlag(flag, told, visit.subject, visit.flags)) return false;
  }
  return true;
}

void MetaCommands::Apply(const MetaFlag& flag, Visit& visit) {
  StoredValue& item = visit.subject.item;
  const auto exptime = static_cast<int64_t>(flag.number);
  const uint32_t now_s = visit.subject.now_s;
  if (flag.letter == 'R' && !visit.is_new && item.expiry_s != 0) {
    const bool is_soon = item.expiry_s < ExpiryOf(exptime, now_s);
    if (is_soon && (item.marks & kMarkWon) == 0) visit.is_won = true;
  }
  if (flag.letter == 'N' && visit.is_new) visit.is_won = true;
  if (flag.letter == 'T' || (flag.letter == 'N' && visit.is_new)) {
    visit.exptime = exptime;
    item.expiry_s = ExpiryOf(exptime, now_s);
  }
}

// Z: somebody has been told to write it anew. X: it is stale. W: the client is told so now.
void MetaCommands::AppendMarks(Visit& visit) {
  const unsigned marks = visit.subject.item.marks;
  const bool was_won = (marks & kMarkWon) != 0;
  const bool is_stale = (marks & kMarkStale) != 0;
  if (is_stale && !was_won) visit.is_won = true;
  if (was_won) visit.flags += " Z";
  if (is_stale) visit.flags += " X";
  if (visit.is_won) visit.flags += " W";
}

// What is new has everything already. What ends in an error does not count.
void MetaCommands::Amend(const MetaRequest& request, bool is_good, const Visit& visit) {
  const bool counts_now = is_good && !request.Has('u') && request.HasOneOf(kLateFlags);
  const bool is_won = is_good && visit.is_won;
  if (visit.is_new || (!visit.exptime && !is_won && !counts_now)) return;
  server_.backend.Amend({.key = request.Key(),
                         .exptime = visit.exptime,
                         .marks = is_won ? kMarkWon : uint16_t{0},
                         .use = counts_now ? GetUse::kCounts : GetUse::kPeeks});
}

void MetaCommands::AnswerItem(const MetaRequest& request, const Visit& visit) {
  const std::string& value = visit.subject.item.value;
  if (!request.Has('v')) return Answer(absl::StrCat("HD", visit.flags));
  Answer(absl::StrCat("VA ", value.size(), visit.flags));
  Answer(value);
}

void MetaCommands::AnswerEchoes(std::string_view word, const MetaRequest& request, bool is_quiet) {
  std::string text(word);
  if (!AppendEchoes(request, text)) return Answer(kLongOpaque);
  if (!is_quiet) Answer(text);
}

void MetaCommands::Delete(const Tokens& tokens) {
  MetaRequest request;
  const std::string_view error = CheckMetaTokens(tokens, kTooManyFlags);
  if (!error.empty()) return Answer(error);
  if (!request.Read(tokens, 2).empty()) return Answer(kBadFlag);
  std::string echoes;
  if (!AppendEchoes(request, echoes)) return Answer(kLongOpaque);
  const bool leaves_stale = request.Has('I');
  const StoreAnswer answer = server_.backend.Remove({.key = request.Key(),
                                                     .cas = request.Number('C'),
                                                     .leaves_stale = leaves_stale,
                                                     .exptime = request.Exptime('T')});
  if (answer.result != StoreResult::kDone) {
    ++server_.counters.delete_misses;
    return Answer(absl::StrCat(answer.result == StoreResult::kExists ? "EX" : "NF", echoes));
  }
  if (!leaves_stale) ++server_.counters.delete_hits;
  if (!request.Has('q')) Answer(absl::StrCat("HD", echoes));
}

void MetaCommands::Debug(const Tokens& tokens) {
  if (tokens.Count() < 2 || tokens[1].size() > kMaxTextKeyBytes) return Answer(kBadFormat);
  std::optional<std::string> key(tokens[1]);
  if (tokens.Count() > 2 && tokens[2] == "b") key = DecodeBase64(tokens[1]);
  if (!key) return Answer(kBadFormat);
  ++server_.counters.cmd_meta;
  StoredValue item;
  if (!server_.backend.Describe(*key, item, GetUse::kPeeks)) return Answer("EN");
  const int64_t until_s = int64_t{server_.backend.NowS()} - item.expiry_s;
  const bool is_binary = (item.marks & kMarkBinaryKey) != 0;
  Answer(absl::StrCat("ME ", is_binary ? EncodeBase64(*key) : *key,
                      " exp=", item.expiry_s == 0 ? -1 : until_s, " la=0 cas=", item.cas,
                      " fetch=", (item.marks & kMarkFetched) != 0 ? "yes" : "no",
                      " cls=1 size=", ItemBytes(key->size(), item.value_bytes)));
}

}  // namespace tombolo::kvcache

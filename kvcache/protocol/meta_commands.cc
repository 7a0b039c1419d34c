// mg, md and me; ma and ms are in meta_writes.cc.
#include "kvcache/protocol/meta_commands.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "kvcache/layout/item.h"
#include "kvcache/protocol/base64.h"
#include "kvcache/protocol/statistics.h"
#include "kvcache/protocol/watch_lines.h"
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

// What a get is to do with the item beside telling of it. What ends in an error neither counts nor
// wins.
VisitRequest ChangesOf(const MetaRequest& request) {
  const bool counts = !request.Has('u');
  VisitRequest changes{
      .key = request.Key(), .wants_value = request.Has('v'), .exptime = request.ExptimeToApply()};
  if (!request.HasLongOpaque()) {
    changes.use = counts ? GetUse::kCounts : GetUse::kPeeks;
    changes.wins_stale = true;
    changes.wins_before = request.Exptime('R');
    changes.compares_new = request.ComesBefore('T', 'R');
  }
  if (request.Has('N')) {
    changes.makes = request.LastExptime();
    changes.new_marks = counts ? kMarkFetched : uint16_t{0};
  }
  return changes;
}

}  // namespace

void MetaCommands::Get(const Tokens& tokens) {
  MetaRequest request;
  std::string_view error = CheckMetaTokens(tokens, "CLIENT_ERROR options flags are too long");
  if (error.empty()) error = request.Read(tokens, 2);
  if (!error.empty()) return Answer(error);
  Visit visit{.subject = {.key = request.Key()}};
  const bool is_late = request.HasOneOf(kLateFlags);
  bool is_hit = is_late ? FindAndChange(request, visit) : Find(request, visit);
  // One client alone is told to write it anew: that is decided where the item is.
  if (is_hit && !is_late && IsToBeWon(visit.subject.item)) is_hit = FindAndChange(request, visit);
  CountFetch(is_hit && request.Has('T'), is_hit, server_.counters);
  TellFetch(server_, request.Key(), is_hit && !visit.is_new, visit.subject.item.value_bytes);
  if (!is_hit) return AnswerEchoes("EN", request, request.Has('q'));
  visit.subject.now_s = server_.backend.NowS();
  visit.subject.has_binary_key = (visit.subject.item.marks & kMarkBinaryKey) != 0;
  if (!GoThrough(request, kToldByGet, visit)) return Answer(kLongOpaque);
  AppendMarks(visit);
  AnswerItem(request, visit);
}

bool MetaCommands::Find(const MetaRequest& request, Visit& visit) {
  const GetUse use = request.Has('u') ? GetUse::kPeeks : GetUse::kCounts;
  StoredValue& item = visit.subject.item;
  return request.Has('v') ? server_.backend.Get(request.Key(), item, use)
                          : server_.backend.Describe(request.Key(), item, use);
}

bool MetaCommands::FindAndChange(const MetaRequest& request, Visit& visit) {
  const StoreAnswer answer = server_.backend.Visit(ChangesOf(request), visit.subject.item);
  visit.is_new = answer.is_new;
  visit.is_won = answer.is_won;
  return answer.result == StoreResult::kDone || answer.is_new;
}

// False: an opaque is too long, and the flags after it do not count.
bool MetaCommands::GoThrough(const MetaRequest& request, std::string_view told, Visit& visit) {
  for (const MetaFlag& flag : request.Flags()) {
    Apply(flag, visit);
    if (!AppendFlag(flag, told, visit.subject, visit.flags)) return false;
  }
  return true;
}

// What comes later tells of the new expiry.
void MetaCommands::Apply(const MetaFlag& flag, Visit& visit) {
  if (flag.letter != 'T' && !(flag.letter == 'N' && visit.is_new)) return;
  visit.subject.item.expiry_s = ExpiryOf(static_cast<int64_t>(flag.number), visit.subject.now_s);
}

// Z: somebody has been told to write it anew. X: it is stale. W: the client is told so now.
void MetaCommands::AppendMarks(Visit& visit) {
  const unsigned marks = visit.subject.item.marks;
  const bool was_won = (marks & kMarkWon) != 0;
  const bool is_stale = (marks & kMarkStale) != 0;
  if (was_won) visit.flags += " Z";
  if (is_stale) visit.flags += " X";
  if (visit.is_won) visit.flags += " W";
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
  const StoreAnswer answer = RunRemove(server_, {.key = request.Key(),
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
  const bool is_there = server_.backend.Describe(*key, item, GetUse::kPeeks);
  TellFetch(server_, *key, is_there, item.value_bytes);
  if (!is_there) return Answer("EN");
  const int64_t until_s = int64_t{server_.backend.NowS()} - item.expiry_s;
  const bool is_binary = (item.marks & kMarkBinaryKey) != 0;
  Answer(absl::StrCat("ME ", is_binary ? EncodeBase64(*key) : *key,
                      " exp=", item.expiry_s == 0 ? -1 : until_s, " la=0 cas=", item.cas,
                      " fetch=", (item.marks & kMarkFetched) != 0 ? "yes" : "no",
                      " cls=1 size=", ItemBytes(key->size(), item.value_bytes)));
}

}  // namespace tombolo::kvcache

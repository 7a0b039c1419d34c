// The commands of the binary protocol, one function each.
#include "absl/strings/str_cat.h"
#include "kvcache/protocol/binary_protocol.h"
#include "kvcache/protocol/statistics.h"
#include "kvcache/protocol/watch_lines.h"

namespace tombolo::kvcache {
namespace {

constexpr uint64_t kDoNotCreate = 0xffffffff;

// Why the condition of a way of storing was not met.
BinaryStatus Unmet(PutMode mode) {
  if (mode == PutMode::kAdd) return BinaryStatus::kExists;
  return mode == PutMode::kReplace ? BinaryStatus::kNotFound : BinaryStatus::kNotStored;
}

BinaryStatus StatusOf(StoreResult result, PutMode mode) {
  switch (result) {
    case StoreResult::kNotFound:
      return BinaryStatus::kNotFound;
    case StoreResult::kExists:
      return BinaryStatus::kExists;
    case StoreResult::kNotANumber:
      return BinaryStatus::kNotANumber;
    case StoreResult::kNoMemory:
      return BinaryStatus::kNoMemory;
    default:
      return Unmet(mode);
  }
}

constexpr std::string_view kDetail = "detail ";

bool IsJoin(PutMode mode) { return mode == PutMode::kAppend || mode == PutMode::kPrepend; }

}  // namespace

// A get, or with extras, which are a new expiry, a touch.
void BinaryProtocol::Fetch(bool with_key, bool with_value) {
  const bool is_touch = header_.extras_bytes != 0;
  StoredValue item;
  const bool is_hit = is_touch ? FetchAndTouch(with_value, item)
                               : server_.backend.Get(Key(), item, GetUse::kCounts);
  CountFetch(is_touch, is_hit, server_.counters);
  server_.prefixes->CountGet(Key(), is_hit);
  TellFetch(server_, Key(), is_hit, item.value_bytes);
  if (!is_hit) return AnswerMiss(with_key);
  std::string flags;
  AppendBig(item.flags, 4, flags);
  Answer({.cas = item.cas}, flags, with_key ? Key() : std::string_view(), item.value);
}

bool BinaryProtocol::FetchAndTouch(bool with_value, StoredValue& item) {
  const VisitRequest request{.key = Key(),
                             .wants_value = with_value,
                             .use = GetUse::kCounts,
                             .exptime = static_cast<int64_t>(Extra(0, 4))};
  return server_.backend.Visit(request, item).result == StoreResult::kDone;
}

// With the key in place of an explanation, for those who asked for several.
void BinaryProtocol::AnswerMiss(bool with_key) {
  if (is_quiet_) return;
  if (!with_key) return AnswerError(BinaryStatus::kNotFound);
  Answer({.status = static_cast<uint16_t>(BinaryStatus::kNotFound)}, {}, Key(), {});
}

void BinaryProtocol::Put(PutMode mode) {
  const uint64_t value_bytes = ValueBytes();
  put_ = {.mode = mode,
          .key = std::string(Key()),
          .left_bytes = value_bytes,
          .cas = header_.cas,
          .is_quiet = is_quiet_};
  if (!Admit(put_, value_bytes, server_)) return Refuse(BinaryStatus::kTooLarge, value_bytes);
  if (!IsJoin(mode)) {
    put_.flags = static_cast<uint32_t>(Extra(0, 4));
    put_.exptime = static_cast<int64_t>(Extra(4, 4));
    if (put_.cas != 0) put_.mode = PutMode::kCas;
  }
  server_.prefixes->CountSet(Key());
  state_ = State::kValue;
  if (value_bytes == 0) FinishPut();
}

void BinaryProtocol::FinishPut() {
  state_ = State::kHeader;
  const StoreAnswer answer = RunPut(put_, put_.value.size(), server_);
  if (answer.result == StoreResult::kStored) {
    AnswerDone({}, answer.cas);
  } else {
    AnswerError(StatusOf(answer.result, put_.mode));
  }
  put_.Clear();
}

void BinaryProtocol::Count(bool is_down) {
  CountRequest request{.key = Key(), .is_down = is_down, .delta = Extra(0, 8), .cas = header_.cas};
  if (Extra(16, 4) != kDoNotCreate) {
    request.initial = Extra(8, 8);
    request.initial_exptime = static_cast<int64_t>(Extra(16, 4));
  }
  const StoreAnswer answer = RunCount(server_, request);
  if (!answer.is_new) CountArithmetic(answer.result, is_down, server_.counters);
  if (answer.result != StoreResult::kStored) {
    return AnswerError(StatusOf(answer.result, PutMode::kSet));
  }
  std::string number;
  AppendBig(answer.number, 8, number);
  AnswerDone(number, answer.cas);
}

void BinaryProtocol::Delete() {
  RemoveRequest request{.key = Key()};
  server_.prefixes->CountDelete(Key());
  if (header_.cas != 0) request.cas = header_.cas;
  const StoreAnswer answer = RunRemove(server_, request);
  if (answer.result == StoreResult::kDone) {
    ++server_.counters.delete_hits;
    return AnswerDone();
  }
  if (answer.result == StoreResult::kNotFound) ++server_.counters.delete_misses;
  AnswerError(StatusOf(answer.result, PutMode::kSet));
}

void BinaryProtocol::Flush() {
  if (!server_.facts.allows_flush) return AnswerError(BinaryStatus::kNotAllowed);
  ++server_.counters.cmd_flush;
  const int64_t when = header_.extras_bytes == 0 ? 0 : static_cast<int64_t>(Extra(0, 4));
  if (!server_.backend.FlushAll(when)) return AnswerError(BinaryStatus::kNotAllowed);
  AnswerDone();
}

void BinaryProtocol::Quit() {
  AnswerDone();
  replies_.Close();
}

void BinaryProtocol::Stat() {
  if (Key() == "reset") {
    if (!ResetStatistics(server_)) return AnswerError(BinaryStatus::kNoOwner);
    return AnswerStatistic({}, {});
  }
  if (Key().starts_with(kDetail)) return StatDetail(Key().substr(kDetail.size()));
  const auto list = ListStatistics(server_, Key());
  if (!list) return AnswerError(BinaryStatus::kNotFound);
  for (const Statistic& statistic : *list) AnswerStatistic(statistic.name, statistic.value);
  AnswerStatistic({}, {});
}

// What follows the words that are known does not matter.
void BinaryProtocol::StatDetail(std::string_view what) {
  if (what.starts_with("dump")) {
    AnswerStatistic("detailed", server_.prefixes->Dump());
  } else if (what.starts_with("on") || what.starts_with("off")) {
    server_.prefixes->Turn(what.starts_with("on"));
  } else {
    return AnswerError(BinaryStatus::kNotFound);
  }
  AnswerStatistic({}, {});
}

void BinaryProtocol::AnswerStatistic(std::string_view name, std::string_view value) {
  Answer({}, {}, name, value);
}

}  // namespace tombolo::kvcache

#include "kvcache/protocol/dump.h"

#include "absl/strings/str_cat.h"
#include "kvcache/layout/item.h"
#include "kvcache/protocol/encoded_key.h"

namespace tombolo::kvcache {
namespace {

constexpr int kStepsAtOnce = 64;

}  // namespace

bool Dump::Continue() {
  for (int step = 0; is_pending_ && step < kStepsAtOnce && !replies_.IsFull(); ++step) {
    switch (server_.backend.Walk(place_, key_, item_)) {
      case WalkStep::kItem:
        AppendLine();
        break;
      case WalkStep::kNothingYet:
        break;
      case WalkStep::kEnd:
        is_pending_ = false;
        replies_.AppendLine("END");
        break;
    }
  }
  return !is_pending_;
}

// When an item was used last is not kept: it is said to be now.
void Dump::AppendLine() {
  const int64_t expiry_s = item_.expiry_s == 0 ? -1 : int64_t{item_.expiry_s};
  replies_.Append(absl::StrCat("key=", EncodedKey(key_), " exp=", expiry_s,
                               " la=", server_.backend.NowS(), " cas=", item_.cas,
                               " fetch=", (item_.marks & kMarkFetched) != 0 ? "yes" : "no",
                               " cls=1 size=", ItemBytes(key_.size(), item_.value_bytes), "\n"));
}

}  // namespace tombolo::kvcache

#include "kvcache/protocol/prefix_statistics.h"

#include "absl/strings/str_cat.h"

namespace tombolo::kvcache {

void PrefixStatistics::Count(std::string_view key, const Counts& more) {
  const size_t end = key.find(delimiter_);
  if (end == std::string_view::npos) return;
  const std::string_view prefix = key.substr(0, end);
  const std::lock_guard lock(mutex_);
  auto known = counts_.find(prefix);
  if (known == counts_.end()) {
    if (counts_.size() >= kMostPrefixes) return;
    known = counts_.emplace(prefix, Counts()).first;
  }
  Counts& counts = known->second;
  counts.gets += more.gets;
  counts.hits += more.hits;
  counts.sets += more.sets;
  counts.deletes += more.deletes;
}

std::string PrefixStatistics::Dump() const {
  const std::lock_guard lock(mutex_);
  std::string lines;
  for (const auto& [prefix, counts] : counts_) {
    absl::StrAppend(&lines, "PREFIX ", prefix, " get ", counts.gets, " hit ", counts.hits, " set ",
                    counts.sets, " del ", counts.deletes, "\r\n");
  }
  return lines.append("END\r\n");
}

void PrefixStatistics::Reset() {
  const std::lock_guard lock(mutex_);
  counts_.clear();
}

}  // namespace tombolo::kvcache

#include "tests/kvcache/history/register_checker.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tombolo::kvcache {
namespace {

using Kind = Operation::Kind;

// A write and the reads that found it, or one clear.
struct Group {
  uint64_t version = 0;  // 0: a clear.
  int64_t first_end_ns = kUnanswered;
  int64_t last_begin_ns = INT64_MIN;

  void Add(const Operation& operation) {
    first_end_ns = std::min(first_end_ns, operation.end_ns);
    last_begin_ns = std::max(last_begin_ns, operation.begin_ns);
  }

  // Whatever overlaps (first_end_ns, last_begin_ns) comes neither before nor after.
  bool IsLong() const { return first_end_ns < last_begin_ns; }

  std::string Name() const { return version == 0 ? "nothing" : absl::StrCat("version ", version); }
};

// Both have to come before the other.
bool Contradict(const Group& a, const Group& b) {
  return a.first_end_ns < b.last_begin_ns && b.first_end_ns < a.last_begin_ns;
}

std::string Contradiction(const Group& there, const Group& between) {
  return absl::StrCat(there.Name(), " was there at ", there.first_end_ns, " ns and at ",
                      there.last_begin_ns, " ns, but ", between.Name(), " was between, from ",
                      std::min(between.first_end_ns, between.last_begin_ns), " to ",
                      std::max(between.first_end_ns, between.last_begin_ns), " ns.");
}

// Of the operations with one version. Why they are wrong by themselves; else a group, unless
// nobody can tell whether the write was run.
std::string Gather(std::span<const Operation> operations, std::vector<Group>& groups) {
  Group group{.version = operations.front().version};
  const Operation* write = nullptr;
  for (const Operation& operation : operations) {
    group.Add(operation);
    if (operation.kind != Kind::kWrite) continue;
    if (write != nullptr) return absl::StrCat(group.Name(), " was written twice.");
    write = &operation;
  }
  if (write == nullptr) return absl::StrCat(group.Name(), " was found, but never written.");
  if (group.first_end_ns < write->begin_ns) {
    return absl::StrCat(group.Name(), " was found at ", group.first_end_ns,
                        " ns, but written from ", write->begin_ns, " ns on.");
  }
  if (group.first_end_ns != kUnanswered) groups.push_back(group);
  return "";
}

// Long groups lie beside each other, so that only neighbours have to be compared.
std::string CompareLong(const std::vector<Group>& groups) {
  for (size_t i = 1; i < groups.size(); ++i) {
    if (Contradict(groups[i - 1], groups[i])) return Contradiction(groups[i - 1], groups[i]);
  }
  return "";
}

// A short group contradicts at most the last long one that began before it.
std::string CompareShort(const std::vector<Group>& groups, const Group& one) {
  const auto next = std::partition_point(groups.begin(), groups.end(), [&](const Group& group) {
    return group.first_end_ns < one.last_begin_ns;
  });
  if (next == groups.begin() || !Contradict(*std::prev(next), one)) return "";
  return Contradiction(*std::prev(next), one);
}

std::string Compare(std::vector<Group>& groups) {
  const auto end_of_long = std::partition(groups.begin(), groups.end(),
                                          [](const Group& group) { return group.IsLong(); });
  std::vector<Group> longs(groups.begin(), end_of_long);
  std::sort(longs.begin(), longs.end(),
            [](const Group& a, const Group& b) { return a.first_end_ns < b.first_end_ns; });
  std::string why = CompareLong(longs);
  for (auto one = end_of_long; why.empty() && one != groups.end(); ++one) {
    why = CompareShort(longs, *one);
  }
  return why;
}

}  // namespace

std::string WhyImpossible(std::span<const Operation> operations) {
  std::vector<Group> groups;
  std::vector<Operation> versions;
  for (const Operation& operation : operations) {
    if (operation.kind != Kind::kClear) {
      versions.push_back(operation);
    } else if (operation.end_ns != kUnanswered) {
      groups.emplace_back().Add(operation);
    }
  }
  std::sort(versions.begin(), versions.end(),
            [](const Operation& a, const Operation& b) { return a.version < b.version; });
  for (auto begin = versions.begin(); begin != versions.end();) {
    const auto end = std::find_if(begin, versions.end(), [&](const Operation& operation) {
      return operation.version != begin->version;
    });
    if (std::string why = Gather({begin, end}, groups); !why.empty()) return why;
    begin = end;
  }
  return Compare(groups);
}

}  // namespace tombolo::kvcache

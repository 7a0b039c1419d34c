#include "kvcache/remote/owner_request.h"

#include <algorithm>
#include <optional>

#include "kvcache/layout/item.h"

namespace tombolo::kvcache {
namespace {

constexpr uint8_t kLastPutMode = static_cast<uint8_t>(PutMode::kPrepend);

// Which fields an operation uses beside its flags.
constexpr unsigned kKey = 1 << 0;
constexpr unsigned kValue = 1 << 1;
constexpr unsigned kMode = 1 << 2;
constexpr unsigned kMarks = 1 << 3;
constexpr unsigned kItemFlags = 1 << 4;
constexpr unsigned kCas = 1 << 5;
constexpr unsigned kExptime = 1 << 6;
constexpr unsigned kDelta = 1 << 7;

struct Rule {
  OwnerOp op;
  uint16_t flags;
  unsigned fields;
  uint64_t value_bytes;  // Of kValue: exactly so many; 0: any number.
};

constexpr Rule kRules[] = {
    {OwnerOp::kHello, 0, kValue, sizeof(OwnerHello)},
    {OwnerOp::kVisit,
     kHasExptime | kHasWinsBefore | kMakes | kWantsValue | kCountsAsUse | kWinsStale | kComparesNew,
     kKey | kMarks, 0},
    {OwnerOp::kPut, kTakesOlder, kKey | kValue | kMode | kMarks | kItemFlags | kCas | kExptime, 0},
    {OwnerOp::kCount, kHasExptime | kMakes | kIsDown, kKey | kCas | kDelta, 0},
    {OwnerOp::kRemove, kHasCas | kHasExptime | kLeavesStale, kKey, 0},
    {OwnerOp::kFlush, 0, kExptime, 0},
    {OwnerOp::kFacts, 0, 0, 0},
    {OwnerOp::kTouched, 0, kValue, 0},
};

const Rule* FindRule(uint8_t op) {
  const auto rule = std::find_if(std::begin(kRules), std::end(kRules), [op](const Rule& one) {
    return static_cast<uint8_t>(one.op) == op;
  });
  return rule == std::end(kRules) ? nullptr : rule;
}

// Those whose flag is set are used too.
unsigned FieldsOf(const Rule& rule, uint16_t flags) {
  unsigned fields = rule.fields;
  if ((flags & kHasCas) != 0) fields |= kCas;
  if ((flags & kHasExptime) != 0) fields |= kExptime;
  return fields;
}

bool HasOnly(const OwnerRequestHeader& header, unsigned fields) {
  const auto is_good = [fields](unsigned field, bool is_zero) {
    return is_zero || (fields & field) != 0;
  };
  return is_good(kKey, header.key_bytes == 0) && is_good(kValue, header.value_bytes == 0) &&
         is_good(kMode, header.mode == 0) && is_good(kMarks, header.marks == 0) &&
         is_good(kItemFlags, header.item_flags == 0) && is_good(kCas, header.cas == 0) &&
         is_good(kExptime, header.exptime == 0) && is_good(kDelta, header.delta == 0) &&
         header.reserved0 == 0;
}

// Of the fields that only a flag of their own brings.
bool HasFlagsOfFields(const OwnerRequestHeader& header) {
  const bool is_count = header.op == static_cast<uint8_t>(OwnerOp::kCount);
  const bool makes = (header.flags & kMakes) != 0;
  return (header.wins_before == 0 || (header.flags & kHasWinsBefore) != 0) &&
         (header.made_exptime == 0 || makes) && (header.initial == 0 || (makes && is_count)) &&
         (header.marks == 0 || makes || header.op == static_cast<uint8_t>(OwnerOp::kPut));
}

bool HasGoodValue(const OwnerRequestHeader& header, const Rule& rule) {
  constexpr uint64_t kSlotBytes = sizeof(uint64_t);
  if (rule.value_bytes != 0) return header.value_bytes == rule.value_bytes;
  if (rule.op != OwnerOp::kTouched) return true;
  return header.value_bytes != 0 && header.value_bytes % kSlotBytes == 0 &&
         header.value_bytes <= kMaxTouchedSlots * kSlotBytes;
}

OwnerRequestHeader HeaderFor(OwnerOp op, std::string_view key) {
  return {.op = static_cast<uint8_t>(op), .key_bytes = static_cast<uint8_t>(key.size())};
}

void SetFlag(OwnerRequestHeader& header, bool is_set, uint16_t flag) {
  if (is_set) header.flags = static_cast<uint16_t>(header.flags | flag);
}

bool HasFlag(const OwnerRequest& request, uint16_t flag) {
  return (request.header.flags & flag) != 0;
}

template <typename T>
std::optional<T> IfSo(bool is_so, T value) {
  return is_so ? std::optional<T>(value) : std::nullopt;
}

}  // namespace

OwnerRequest ToOwner(const PutRequest& put) {
  OwnerRequest request{HeaderFor(OwnerOp::kPut, put.key), put.key, put.value};
  OwnerRequestHeader& header = request.header;
  header.mode = static_cast<uint8_t>(put.mode);
  header.marks = put.marks;
  header.value_bytes = static_cast<uint32_t>(put.value.size());
  header.item_flags = put.flags;
  header.cas = put.cas;
  header.exptime = put.exptime;
  SetFlag(header, put.takes_older, kTakesOlder);
  return request;
}

OwnerRequest ToOwner(const CountRequest& count) {
  OwnerRequest request{HeaderFor(OwnerOp::kCount, count.key), count.key, {}};
  OwnerRequestHeader& header = request.header;
  header.delta = count.delta;
  header.cas = count.cas;
  header.exptime = count.exptime.value_or(0);
  SetFlag(header, count.is_down, kIsDown);
  SetFlag(header, count.exptime.has_value(), kHasExptime);
  if (!count.initial) return request;
  header.initial = *count.initial;
  header.made_exptime = count.initial_exptime;
  SetFlag(header, true, kMakes);
  return request;
}

OwnerRequest ToOwner(const RemoveRequest& remove) {
  OwnerRequest request{HeaderFor(OwnerOp::kRemove, remove.key), remove.key, {}};
  OwnerRequestHeader& header = request.header;
  header.cas = remove.cas.value_or(0);
  header.exptime = remove.exptime.value_or(0);
  SetFlag(header, remove.cas.has_value(), kHasCas);
  SetFlag(header, remove.exptime.has_value(), kHasExptime);
  SetFlag(header, remove.leaves_stale, kLeavesStale);
  return request;
}

OwnerRequest ToOwner(const VisitRequest& visit) {
  OwnerRequest request{HeaderFor(OwnerOp::kVisit, visit.key), visit.key, {}};
  OwnerRequestHeader& header = request.header;
  header.exptime = visit.exptime.value_or(0);
  header.wins_before = visit.wins_before.value_or(0);
  header.made_exptime = visit.makes.value_or(0);
  header.marks = visit.makes ? visit.new_marks : uint16_t{0};
  SetFlag(header, visit.wants_value, kWantsValue);
  SetFlag(header, visit.use == GetUse::kCounts, kCountsAsUse);
  SetFlag(header, visit.exptime.has_value(), kHasExptime);
  SetFlag(header, visit.wins_stale, kWinsStale);
  SetFlag(header, visit.wins_before.has_value(), kHasWinsBefore);
  SetFlag(header, visit.compares_new, kComparesNew);
  SetFlag(header, visit.makes.has_value(), kMakes);
  return request;
}

OwnerRequest FlushOfOwner(int64_t when) {
  OwnerRequest request{HeaderFor(OwnerOp::kFlush, {}), {}, {}};
  request.header.exptime = when;
  return request;
}

OwnerRequest FactsOfOwner() { return {HeaderFor(OwnerOp::kFacts, {}), {}, {}}; }

std::string_view FaultOf(const OwnerRequestHeader& header) {
  const Rule* rule = FindRule(header.op);
  if (rule == nullptr) return "there is no such operation";
  if ((header.flags & ~rule->flags) != 0) return "it has a flag that its operation does not have";
  if (!HasOnly(header, FieldsOf(*rule, header.flags)) || !HasFlagsOfFields(header)) {
    return "a field that its operation does not use is not 0";
  }
  if (header.key_bytes > kMaxKeyBytes) return "its key is too long";
  if (header.mode > kLastPutMode) return "there is no such way of storing";
  if ((header.marks & ~kKnownMarks) != 0) return "there is no such mark";
  if (!HasGoodValue(header, *rule)) return "its value has a size that its operation does not take";
  return {};
}

PutRequest PutIn(const OwnerRequest& request) {
  const OwnerRequestHeader& header = request.header;
  return {.mode = static_cast<PutMode>(header.mode),
          .key = request.key,
          .value = request.value,
          .flags = header.item_flags,
          .exptime = header.exptime,
          .cas = header.cas,
          .takes_older = HasFlag(request, kTakesOlder),
          .marks = header.marks};
}

CountRequest CountIn(const OwnerRequest& request) {
  const OwnerRequestHeader& header = request.header;
  return {.key = request.key,
          .is_down = HasFlag(request, kIsDown),
          .delta = header.delta,
          .cas = header.cas,
          .exptime = IfSo(HasFlag(request, kHasExptime), header.exptime),
          .initial = IfSo(HasFlag(request, kMakes), header.initial),
          .initial_exptime = header.made_exptime};
}

RemoveRequest RemoveIn(const OwnerRequest& request) {
  const OwnerRequestHeader& header = request.header;
  return {.key = request.key,
          .cas = IfSo(HasFlag(request, kHasCas), header.cas),
          .leaves_stale = HasFlag(request, kLeavesStale),
          .exptime = IfSo(HasFlag(request, kHasExptime), header.exptime)};
}

VisitRequest VisitIn(const OwnerRequest& request) {
  const OwnerRequestHeader& header = request.header;
  return {.key = request.key,
          .wants_value = HasFlag(request, kWantsValue),
          .use = HasFlag(request, kCountsAsUse) ? GetUse::kCounts : GetUse::kPeeks,
          .exptime = IfSo(HasFlag(request, kHasExptime), header.exptime),
          .wins_stale = HasFlag(request, kWinsStale),
          .wins_before = IfSo(HasFlag(request, kHasWinsBefore), header.wins_before),
          .compares_new = HasFlag(request, kComparesNew),
          .makes = IfSo(HasFlag(request, kMakes), header.made_exptime),
          .new_marks = header.marks};
}

}  // namespace tombolo::kvcache

#include "kvcache/remote/owner_reply.h"

#include "kvcache/remote/owner_request.h"

namespace tombolo::kvcache {
namespace {

constexpr uint8_t kLastResult = static_cast<uint8_t>(StoreResult::kNotANumber);
constexpr uint8_t kKnownFlags = kReplyIsNew | kReplyIsWon;

bool IsKnown(uint8_t result) {
  return result <= kLastResult || result == kReplyNotAllowed || result == kReplyRefused;
}

bool IsOf(const OwnerRequestHeader& asked, OwnerOp op) {
  return asked.op == static_cast<uint8_t>(op);
}

bool Is(const OwnerReplyHeader& header, StoreResult result) {
  return header.result == static_cast<uint8_t>(result);
}

bool HasGoodValue(const OwnerReplyHeader& header, const OwnerRequestHeader& asked,
                  uint64_t item_max_bytes) {
  if (header.result == kReplyRefused) return header.value_bytes <= kMaxRefusalBytes;
  const bool is_done = Is(header, StoreResult::kDone);
  if (is_done && IsOf(asked, OwnerOp::kHello)) return header.value_bytes == sizeof(OwnerHelloReply);
  if (is_done && IsOf(asked, OwnerOp::kFacts)) return header.value_bytes == sizeof(OwnerFacts);
  const bool has_value = is_done && (asked.flags & kWantsValue) != 0;
  if (!has_value) return header.value_bytes == 0;
  return header.value_bytes == header.item_value_bytes && header.value_bytes <= item_max_bytes;
}

}  // namespace

OwnerReplyHeader ReplyWith(const StoreAnswer& answer) {
  const uint8_t is_new = answer.is_new ? kReplyIsNew : uint8_t{0};
  const uint8_t is_won = answer.is_won ? kReplyIsWon : uint8_t{0};
  return {.result = static_cast<uint8_t>(answer.result),
          .flags = static_cast<uint8_t>(is_new | is_won),
          .cas = answer.cas,
          .count = answer.number,
          .expiry_s = answer.expiry_s};
}

OwnerReplyHeader ReplyWith(const StoreAnswer& answer, const StoredValue& seen) {
  OwnerReplyHeader header = ReplyWith(answer);
  if (answer.result == StoreResult::kNotFound) return header;
  // What somebody else wrote to the memory is not told: a reader would take it for a fault.
  header.marks = seen.marks & kKnownMarks;
  header.item_flags = seen.flags;
  header.expiry_s = seen.expiry_s;
  header.item_value_bytes = seen.value_bytes;
  return header;
}

std::string_view FaultOf(const OwnerReplyHeader& header, const OwnerRequestHeader& asked,
                         uint64_t item_max_bytes) {
  if (!IsKnown(header.result)) return "there is no such result";
  // Whoever refuses may do so before it was asked anything.
  const bool is_refusal = header.result == kReplyRefused;
  if (header.number != asked.number && !is_refusal) return "it has the number of another request";
  if ((header.flags & ~kKnownFlags) != 0) return "there is no such flag";
  if ((header.marks & ~kKnownMarks) != 0) return "there is no such mark";
  if (!HasGoodValue(header, asked, item_max_bytes))
    return "its value has a size that was not asked for";
  return {};
}

bool IsStoreResult(const OwnerReplyHeader& header) { return header.result <= kLastResult; }

StoreAnswer AnswerIn(const OwnerReplyHeader& header) {
  return {.result = static_cast<StoreResult>(header.result),
          .cas = header.cas,
          .number = header.count,
          .expiry_s = header.expiry_s,
          .is_new = (header.flags & kReplyIsNew) != 0,
          .is_won = (header.flags & kReplyIsWon) != 0};
}

void TakeSeen(const OwnerReplyHeader& header, StoredValue& seen) {
  seen.value_bytes = header.item_value_bytes;
  seen.flags = header.item_flags;
  seen.expiry_s = header.expiry_s;
  seen.cas = header.cas;
  seen.marks = header.marks;
}

}  // namespace tombolo::kvcache

// Replies of the owner of a cache, between what a store answers and what goes over a stream.
#pragma once

#include <cstdint>
#include <string_view>

#include "kvcache/remote/owner_wire.h"
#include "kvcache/store/store_types.h"

namespace tombolo::kvcache {

OwnerReplyHeader ReplyWith(const StoreAnswer& answer);

// With what was seen of the item, but for the value itself.
OwnerReplyHeader ReplyWith(const StoreAnswer& answer, const StoredValue& seen);

// Empty, or what is wrong with a reply to `asked`. Of values no more than `item_max_bytes` are
// taken. The functions below are for what nothing is wrong with and whose result is a StoreResult.
std::string_view FaultOf(const OwnerReplyHeader& header, const OwnerRequestHeader& asked,
                         uint64_t item_max_bytes);

bool IsStoreResult(const OwnerReplyHeader& header);
StoreAnswer AnswerIn(const OwnerReplyHeader& header);

// All but the value itself, which is left alone.
void TakeSeen(const OwnerReplyHeader& header, StoredValue& seen);

}  // namespace tombolo::kvcache

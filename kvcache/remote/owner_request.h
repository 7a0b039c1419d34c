// Requests to the owner of a cache, between what a store is asked and what goes over a stream.
#pragma once

#include <cstdint>
#include <string_view>

#include "kvcache/layout/item.h"
#include "kvcache/remote/owner_wire.h"
#include "kvcache/store/store_types.h"

namespace tombolo::kvcache {

// Others are a fault, of requests and of replies.
inline constexpr uint16_t kKnownMarks = kMarkFetched | kMarkStale | kMarkWon | kMarkBinaryKey;

// Key and value belong to somebody else.
struct OwnerRequest {
  OwnerRequestHeader header = {};
  std::string_view key = {};
  std::string_view value = {};
};

// The number is left to whoever sends it. A key has at most kMaxKeyBytes, a value less than 4 GiB.
OwnerRequest ToOwner(const PutRequest& put);
OwnerRequest ToOwner(const CountRequest& count);
OwnerRequest ToOwner(const RemoveRequest& remove);
OwnerRequest ToOwner(const VisitRequest& visit);
OwnerRequest FlushOfOwner(int64_t when);
OwnerRequest FactsOfOwner();

// Empty, or what is wrong with it. The functions below are for what nothing is wrong with, and of
// their operation.
std::string_view FaultOf(const OwnerRequestHeader& header);

PutRequest PutIn(const OwnerRequest& request);
CountRequest CountIn(const OwnerRequest& request);
RemoveRequest RemoveIn(const OwnerRequest& request);
VisitRequest VisitIn(const OwnerRequest& request);

}  // namespace tombolo::kvcache

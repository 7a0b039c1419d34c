// What a reader elsewhere may send to the owner of a cache: however it is split, the replies are
// the same, and no more of them wait than the limit and one item. What the owner may send to a
// reader is looked at too.
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "kvcache/protocol/server.h"
#include "kvcache/protocol/store_backend.h"
#include "kvcache/remote/owner_reply.h"
#include "kvcache/remote/owner_request.h"
#include "kvcache/remote/owner_session.h"
#include "kvcache/store/store.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "tests/kvcache/shard_memory.h"
#include "transport/base/units.h"

namespace tombolo::fuzz {
namespace {

using kvcache::AnswerIn;
using kvcache::CountRequest;
using kvcache::FactsOfOwner;
using kvcache::FaultOf;
using kvcache::FlushOfOwner;
using kvcache::IsStoreResult;
using kvcache::kOwnerProtocolMagic;
using kvcache::kOwnerProtocolVersion;
using kvcache::OwnerHello;
using kvcache::OwnerOp;
using kvcache::OwnerReplyHeader;
using kvcache::OwnerRequest;
using kvcache::OwnerRequestHeader;
using kvcache::OwnerSession;
using kvcache::PutMode;
using kvcache::PutRequest;
using kvcache::RemoveRequest;
using kvcache::Server;
using kvcache::ShardMemory;
using kvcache::Store;
using kvcache::StoreBackend;
using kvcache::StoredValue;
using kvcache::StoreOptions;
using kvcache::StoreResult;
using kvcache::TakeSeen;
using kvcache::VisitRequest;

constexpr uint32_t kNowS = 1'700'000'000;
constexpr size_t kLimitBytes = 1024;
constexpr size_t kMaxItemBytes = 4 * kKiB;

StoreOptions TinyShard() {
  return {.limits = {.shard_bytes = 96 * kKiB,
                     .expected_item_bytes = 40,
                     .segment_bytes = 4 * kKiB,
                     .item_max_bytes = kMaxItemBytes},
          .hash_seed = 17};
}

template <typename Struct>
std::string Raw(const Struct& one) {
  return {reinterpret_cast<const char*>(&one), sizeof(one)};
}

std::string RepliesTo(std::string_view input, size_t step) {
  const StoreOptions options = TinyShard();
  ShardMemory memory(options.limits.shard_bytes);
  const auto store = *Store::Open(memory.Bytes(), options, [] { return kNowS; });
  StoreBackend backend(*store);
  Server server(backend);
  OwnerSession session(server, kLimitBytes);
  std::string replies;
  while (!input.empty() || !session.Unsent().empty()) {
    const std::string_view part = input.substr(0, step);
    const size_t taken = session.Feed(std::as_bytes(std::span(part)), SIZE_MAX);
    if (taken == 0 && session.Unsent().empty()) abort();
    input.remove_prefix(taken);
    if (session.Unsent().size() > kLimitBytes + sizeof(OwnerReplyHeader) + kMaxItemBytes) abort();
    replies += session.Unsent();
    session.Drained(session.Unsent().size());
  }
  if (session.IsClosed() != !session.WhyClosed().empty()) abort();
  return replies;
}

// Nothing that passes the check makes a reader wait for more than the largest item.
void LookAtReply(Input& input) {
  OwnerReplyHeader reply;
  OwnerRequestHeader asked;
  const auto reply_bytes = input.Take(sizeof(reply));
  const auto asked_bytes = input.Take(sizeof(asked));
  if (asked_bytes.size() < sizeof(asked)) return;
  memcpy(&reply, reply_bytes.data(), sizeof(reply));
  memcpy(&asked, asked_bytes.data(), sizeof(asked));
  if (!FaultOf(reply, asked, kMaxItemBytes).empty()) return;
  if (reply.value_bytes > kMaxItemBytes) abort();
  StoredValue seen;
  TakeSeen(reply, seen);
  if (IsStoreResult(reply) && AnswerIn(reply).result > StoreResult::kNotANumber) abort();
}

std::string Hello() {
  return Raw(OwnerRequestHeader{.op = static_cast<uint8_t>(OwnerOp::kHello),
                                .value_bytes = sizeof(OwnerHello)}) +
         Raw(OwnerHello{.magic = kOwnerProtocolMagic, .version = kOwnerProtocolVersion});
}

std::string Packet(const OwnerRequest& request) {
  return Raw(request.header).append(request.key).append(request.value);
}

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  const uint32_t first = input.Byte();
  if (first == 0) return LookAtReply(input);
  // A hello is hard to guess.
  const std::span<const uint8_t> rest = input.Rest();
  const std::string text = (first % 2 == 0 ? "" : Hello()) + std::string(rest.begin(), rest.end());
  if (RepliesTo(text, 1 + first / 2) != RepliesTo(text, text.size() + 1)) abort();
}

std::vector<fuzz::Bytes> Seeds() {
  const std::string large(5 * kKiB, 'x');
  const uint64_t slot = 7;
  const OwnerRequest touched{
      .header = {.op = static_cast<uint8_t>(OwnerOp::kTouched), .value_bytes = sizeof(slot)},
      .value = {reinterpret_cast<const char*>(&slot), sizeof(slot)}};
  std::vector<fuzz::Bytes> seeds;
  for (const std::string& text : {
           Packet(ToOwner(PutRequest{.key = "a", .value = "15", .exptime = 9})) +
               Packet(ToOwner(VisitRequest{.key = "a", .exptime = 1, .wins_before = 7})),
           Packet(ToOwner(CountRequest{.key = "n", .exptime = 3, .initial = 4})) +
               Packet(ToOwner(CountRequest{.key = "n", .is_down = true})),
           Packet(ToOwner(RemoveRequest{.key = "a", .cas = 1, .leaves_stale = true})) +
               Packet(ToOwner(VisitRequest{.key = "a", .wins_stale = true, .makes = 0})),
           Packet(ToOwner(PutRequest{.mode = PutMode::kCas, .key = "a", .value = "1", .cas = 1})) +
               Packet(FlushOfOwner(5)) + Packet(FactsOfOwner()),
           Packet(touched) + Packet(ToOwner(PutRequest{.key = "a", .value = large})),
       }) {
    for (const uint8_t first : {uint8_t{7}, uint8_t{8}}) {
      fuzz::Bytes seed = {first};
      seed.insert(seed.end(), text.begin(), text.end());
      seeds.push_back(seed);
    }
  }
  const std::string reply =
      Raw(OwnerReplyHeader{.result = static_cast<uint8_t>(StoreResult::kDone)}) +
      Raw(ToOwner(VisitRequest{}).header);
  fuzz::Bytes seed = {0};
  seed.insert(seed.end(), reply.begin(), reply.end());
  seeds.push_back(seed);
  return seeds;
}

}  // namespace tombolo::fuzz

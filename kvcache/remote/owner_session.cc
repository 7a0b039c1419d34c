#include "kvcache/remote/owner_session.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kvcache/protocol/give_back.h"
#include "kvcache/remote/owner_reply.h"

namespace tombolo::kvcache {
namespace {

// The bytes of a struct of owner_wire.h, none of which has padding.
template <typename Struct>
std::string_view BytesOf(const Struct& one) {
  return {reinterpret_cast<const char*>(&one), sizeof(one)};
}

// `bytes` has at least its size.
template <typename Struct>
Struct StructIn(std::string_view bytes) {
  Struct one;
  memcpy(&one, bytes.data(), sizeof(one));
  return one;
}

}  // namespace

std::string OwnerRefusal(std::string_view why) {
  why = why.substr(0, kMaxRefusalBytes);
  const OwnerReplyHeader header{.result = kReplyRefused,
                                .value_bytes = static_cast<uint32_t>(why.size())};
  return std::string(BytesOf(header)).append(why);
}

size_t OwnerSession::Feed(std::span<const std::byte> input, size_t most_commands) {
  std::string_view left(reinterpret_cast<const char*>(input.data()), input.size());
  for (size_t taken = 0; taken < most_commands && !left.empty(); ++taken) {
    if (replies_.IsFull() || replies_.IsClosed()) break;
    Take(left);
  }
  if (replies_.IsClosed()) left = {};
  const size_t taken = input.size() - left.size();
  server_.counters.bytes_read += taken;
  return taken;
}

void OwnerSession::Drained(size_t size) {
  replies_.Drained(size);
  server_.counters.bytes_written += size;
}

// Runs a request at most.
void OwnerSession::Take(std::string_view& input) {
  const auto collect = [this, &input](uint64_t wanted) {
    const std::string_view part = input.substr(0, wanted - bytes_.size());
    bytes_.append(part);
    input.remove_prefix(part.size());
    return bytes_.size() == wanted;
  };
  if (!has_header_) {
    if (bytes_.empty() && TakeWhole(input)) return;
    if (!collect(sizeof(OwnerRequestHeader))) return;
    TakeHeader(bytes_);
    bytes_.clear();
    if (replies_.IsClosed()) return;
  }
  const uint64_t value_bytes = is_too_large_ ? 0 : header_.value_bytes;
  if (!collect(header_.key_bytes + value_bytes)) return;
  const size_t skipped = std::min<uint64_t>(input.size(), skip_bytes_);
  input.remove_prefix(skipped);
  skip_bytes_ -= skipped;
  if (skip_bytes_ != 0) return;
  Run(bytes_);
  GiveBack(bytes_);
}

// The usual request: all of it has come, so that it is run where it lies. False: it is none.
bool OwnerSession::TakeWhole(std::string_view& input) {
  if (input.size() < sizeof(OwnerRequestHeader)) return false;
  const auto header = StructIn<OwnerRequestHeader>(input);
  const uint64_t body_bytes = uint64_t{header.key_bytes} + header.value_bytes;
  if (body_bytes > input.size() - sizeof(header)) return false;
  const std::string_view body = input.substr(sizeof(header), body_bytes);
  TakeHeader(input);
  input.remove_prefix(sizeof(header) + body_bytes);
  if (replies_.IsClosed()) return true;
  skip_bytes_ = 0;  // It is here already.
  Run(body);
  return true;
}

void OwnerSession::TakeHeader(std::string_view bytes) {
  header_ = StructIn<OwnerRequestHeader>(bytes);
  has_header_ = true;
  const auto op = static_cast<OwnerOp>(header_.op);
  if (const std::string_view fault = FaultOf(header_); !fault.empty()) {
    return Close(absl::StrCat("a request with operation ", int{header_.op},
                              " makes no sense: ", std::string(fault)));
  }
  if (!is_greeted_ && op != OwnerOp::kHello) return Close("its first request is no hello");
  if (is_greeted_ && op == OwnerOp::kHello) return Close("it says hello for the second time");
  is_too_large_ =
      op == OwnerOp::kPut && !server_.backend.Fits(header_.key_bytes, header_.value_bytes);
  skip_bytes_ = is_too_large_ ? header_.value_bytes : 0;
}

// `body`: key and value; the value of a put that is too large need not be there.
void OwnerSession::Run(std::string_view body) {
  has_header_ = false;
  ++server_.counters.remote_requests;
  const OwnerRequest request{.header = header_,
                             .key = body.substr(0, header_.key_bytes),
                             .value = body.substr(header_.key_bytes)};
  switch (static_cast<OwnerOp>(header_.op)) {
    case OwnerOp::kHello:
      return RunHello(request);
    case OwnerOp::kVisit:
      return RunVisit(request);
    case OwnerOp::kPut:
      return RunPut(request);
    case OwnerOp::kCount:
      return Reply(ReplyWith(server_.backend.Count(CountIn(request))));
    case OwnerOp::kRemove:
      return Reply(ReplyWith(server_.backend.Remove(RemoveIn(request))));
    case OwnerOp::kFlush:
      return RunFlush(request);
    case OwnerOp::kFacts:
      return RunFacts();
    case OwnerOp::kTouched:
      return RunTouched(request);
  }
}

void OwnerSession::RunHello(const OwnerRequest& request) {
  const auto hello = StructIn<OwnerHello>(request.value);
  if (hello.magic != kOwnerProtocolMagic) return Close("its hello has another magic");
  if (hello.reserved0 != 0) return Close("the last field of its hello is not 0");
  if (hello.version != kOwnerProtocolVersion) {
    return Refuse(absl::StrCat("this owner speaks version ", kOwnerProtocolVersion,
                               " of its protocol, and was asked for version ", hello.version,
                               "; run the same tombolo-kv on both sides."));
  }
  is_greeted_ = true;
  const CacheIdentity& identity = server_.facts.identity;
  const OwnerHelloReply reply{
      .magic = kOwnerProtocolMagic,
      .version = kOwnerProtocolVersion,
      .shard_count = identity.shard_count,
      .file_bytes = identity.file_bytes,
      .shard_seed = identity.shard_seed,
      .item_max_bytes = static_cast<uint32_t>(server_.backend.Facts().item_max_bytes)};
  Reply(ReplyWith({.result = StoreResult::kDone}), BytesOf(reply));
}

void OwnerSession::RunVisit(const OwnerRequest& request) {
  const StoreAnswer answer = server_.backend.Visit(VisitIn(request), seen_);
  const bool is_there = answer.result == StoreResult::kDone;
  Reply(ReplyWith(answer, seen_), is_there ? std::string_view(seen_.value) : std::string_view());
  GiveBack(seen_.value);
}

// Nobody may go on reading what a set was to replace, as with memcached's clients.
void OwnerSession::RunPut(const OwnerRequest& request) {
  const PutRequest put = PutIn(request);
  if (!is_too_large_) return Reply(ReplyWith(server_.backend.Put(put)));
  if (put.mode == PutMode::kSet) server_.backend.Remove({.key = put.key});
  Reply(ReplyWith({.result = StoreResult::kTooLarge}));
}

void OwnerSession::RunFlush(const OwnerRequest& request) {
  if (!server_.facts.allows_flush || !server_.backend.FlushAll(request.header.exptime)) {
    return Reply({.result = kReplyNotAllowed});
  }
  Reply(ReplyWith({.result = StoreResult::kDone}));
}

void OwnerSession::RunFacts() {
  const BackendFacts facts = server_.backend.Facts();
  const OwnerFacts reply{.items = facts.items,
                         .bytes = facts.bytes,
                         .limit_bytes = facts.limit_bytes,
                         .segment_bytes = facts.segment_bytes,
                         .item_max_bytes = facts.item_max_bytes,
                         .evicted_items = facts.evicted_items,
                         .expired_items = facts.expired_items,
                         .flushed_items = facts.flushed_items};
  Reply(ReplyWith({.result = StoreResult::kDone}), BytesOf(reply));
}

void OwnerSession::RunTouched(const OwnerRequest& request) {
  for (std::string_view left = request.value; !left.empty(); left.remove_prefix(sizeof(uint64_t))) {
    const auto touched = StructIn<uint64_t>(left);
    server_.backend.Touched(ShardOfTouched(touched), SlotOfTouched(touched));
  }
}

void OwnerSession::Refuse(std::string_view why) {
  replies_.Append(OwnerRefusal(why));
  Close(std::string(why));
}

void OwnerSession::Close(std::string why) {
  why_closed_ = std::move(why);
  replies_.Close();
}

void OwnerSession::Reply(OwnerReplyHeader header, std::string_view value) {
  header.number = header_.number;
  header.value_bytes = static_cast<uint32_t>(value.size());
  header.now_s = server_.backend.NowS();
  replies_.Append(BytesOf(header));
  replies_.Append(value);
}

}  // namespace tombolo::kvcache

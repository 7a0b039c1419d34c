#include "kvcache/client/owner_link.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kvcache/remote/owner_reply.h"
#include "transport/base/clock.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kBytesPerDeadline = kMiB;  // Of a value, which may be large.
constexpr int64_t kMaxPauseNs = kNsPerSecond;
constexpr uint64_t kMostItemBytes = kGiB;  // Nobody's items are larger.

// None of the structs of owner_wire.h has padding.
template <typename Struct>
std::string_view BytesOf(const Struct& one) {
  return {reinterpret_cast<const char*>(&one), sizeof(one)};
}

// Whether it does no harm to run it twice.
bool MayRunTwice(const OwnerRequestHeader& header) {
  const auto op = static_cast<OwnerOp>(header.op);
  constexpr unsigned kChanges = kHasExptime | kHasWinsBefore | kWinsStale | kMakes;
  return op == OwnerOp::kFacts || (op == OwnerOp::kVisit && (header.flags & kChanges) == 0);
}

// Whatever the system says, it comes to the same.
absl::Status Unreached(const absl::Status& why) {
  if (absl::IsDeadlineExceeded(why)) return why;
  return absl::UnavailableError(
      absl::StrCat("the owner of the cache cannot be reached: ", why.message()));
}

}  // namespace

OwnerLink::OwnerLink(OwnerAddress address, const OwnerLinkOptions& options)
    : address_(std::move(address)), options_(options), carrier_(MakeCarrier(address_)) {}

absl::Status OwnerLink::Connect() {
  BeginDeadline();
  return SeeToConnection();
}

absl::Status OwnerLink::SeeToConnection() {
  if (carrier_->IsStillThere()) return absl::OkStatus();
  carrier_->Close();
  if (MonotonicNs() < no_earlier_ns_) return why_not_;
  absl::Status status = carrier_->Connect(options_.timeout_ns);
  if (!status.ok()) return Close(Unreached(status));
  if (status = SayHello(); !status.ok()) return Close(status);
  ++connections_;
  return absl::OkStatus();
}

absl::Status OwnerLink::SayHello() {
  const OwnerHello hello{.magic = kOwnerProtocolMagic, .version = kOwnerProtocolVersion};
  OwnerRequest request{
      .header = {.op = static_cast<uint8_t>(OwnerOp::kHello), .value_bytes = sizeof(hello)},
      .value = BytesOf(hello)};
  request.header.number = next_number_++;
  // Whoever refuses may have closed already: what it said can be read all the same.
  Send(request).IgnoreError();
  OwnerReplyHeader reply;
  std::string value;
  if (absl::Status status = Receive(request.header, reply, value); !status.ok()) return status;
  OwnerHelloReply hello_reply;
  if (value.size() != sizeof(hello_reply)) {
    return absl::DataLossError(absl::StrCat("the owner at ", address_.ToString(),
                                            " answered a hello by result ", int{reply.result},
                                            "."));
  }
  memcpy(&hello_reply, value.data(), sizeof(hello_reply));
  if (hello_reply.magic != kOwnerProtocolMagic || hello_reply.version != kOwnerProtocolVersion ||
      hello_reply.item_max_bytes > kMostItemBytes) {
    return absl::DataLossError(absl::StrCat(
        "what listens at ", address_.ToString(), " is no owner of a cache: it said the magic ",
        hello_reply.magic, ", version ", hello_reply.version, "."));
  }
  hello_ = hello_reply;
  return absl::OkStatus();
}

absl::StatusOr<OwnerReplyHeader> OwnerLink::Ask(const OwnerRequest& request, std::string& value) {
  OwnerReplyHeader reply;
  absl::Status status;
  BeginDeadline();
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (absl::Status connected = SeeToConnection(); !connected.ok()) return connected;
    Progress progress = Progress::kUnsent;
    status = Exchange(request, reply, value, progress);
    if (status.ok()) return reply;
    const bool is_known = progress == Progress::kUnsent || MayRunTwice(request.header);
    if (!is_known) {
      return absl::Status(status.code(), absl::StrCat(status.message(),
                                                      " Whether it did what it was asked, or will "
                                                      "do it later, is not known."));
    }
    if (!absl::IsUnavailable(status)) break;
  }
  return status;
}

absl::Status OwnerLink::Exchange(const OwnerRequest& request, OwnerReplyHeader& reply,
                                 std::string& value, Progress& progress) {
  OwnerRequest numbered = request;
  numbered.header.number = next_number_++;
  if (absl::Status status = Send(numbered); !status.ok()) return Close(status);
  progress = Progress::kSent;
  if (absl::Status status = Receive(numbered.header, reply, value); !status.ok()) {
    return Close(status);
  }
  progress = Progress::kAnswered;
  now_s_ = std::max(now_s_, reply.now_s);
  return absl::OkStatus();
}

absl::Status OwnerLink::Send(const OwnerRequest& request) {
  head_.clear();
  // Not before it is known who is there.
  if (request.header.op != static_cast<uint8_t>(OwnerOp::kHello)) AppendTouched(head_);
  head_.append(BytesOf(request.header)).append(request.key);
  return SendBytes(head_, request.value);
}

void OwnerLink::Touched(uint32_t shard, uint64_t slot) {
  touched_[touched_count_++ % kMaxTouchedSlots] = TouchedSlot(shard, slot);
}

void OwnerLink::AppendTouched(std::string& bytes) {
  if (touched_count_ == 0) return;
  const size_t count = std::min(touched_count_, kMaxTouchedSlots);
  touched_count_ = 0;
  const OwnerRequestHeader header{.op = static_cast<uint8_t>(OwnerOp::kTouched),
                                  .value_bytes = static_cast<uint32_t>(count * sizeof(uint64_t))};
  bytes.append(BytesOf(header)).append(BytesOf(touched_).substr(0, header.value_bytes));
}

absl::Status OwnerLink::SendBytes(std::string_view head, std::string_view value) {
  size_t sent_bytes = 0;  // Since the deadline began.
  while (!head.empty() || !value.empty()) {
    const absl::StatusOr<size_t> sent = carrier_->Send(head, value);
    if (!sent.ok()) return Lost(sent.status());
    if (*sent == 0) {
      if (auto status = Await(OwnerCarrier::Until::kSendable); !status.ok()) return status;
      continue;
    }
    sent_bytes += *sent;
    if (sent_bytes >= kBytesPerDeadline) {
      sent_bytes = 0;
      BeginDeadline();
    }
    const size_t of_head = std::min(head.size(), *sent);
    head.remove_prefix(of_head);
    value.remove_prefix(*sent - of_head);
  }
  return absl::OkStatus();
}

absl::Status OwnerLink::Receive(const OwnerRequestHeader& asked, OwnerReplyHeader& reply,
                                std::string& value) {
  value.clear();
  absl::Status status = ReceiveBytes(reinterpret_cast<char*>(&reply), sizeof(reply));
  if (!status.ok()) return status;
  const std::string_view fault = FaultOf(reply, asked, hello_.item_max_bytes);
  if (!fault.empty()) {
    return absl::DataLossError(absl::StrCat("a reply of the owner at ", address_.ToString(),
                                            " makes no sense: ", std::string(fault), "."));
  }
  status = ReceiveValue(reply.value_bytes, value);
  if (!status.ok() || reply.result != kReplyRefused) return status;
  return absl::FailedPreconditionError(
      absl::StrCat("the owner at ", address_.ToString(), " refuses: ", value));
}

absl::Status OwnerLink::ReceiveValue(size_t bytes, std::string& value) {
  while (value.size() < bytes) {
    const size_t had = value.size();
    value.resize(std::min(bytes, had + kBytesPerDeadline));
    if (had != 0) BeginDeadline();
    const absl::Status status = ReceiveBytes(value.data() + had, value.size() - had);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status OwnerLink::ReceiveBytes(char* to, size_t bytes) {
  while (bytes != 0) {
    const absl::StatusOr<size_t> got = carrier_->Receive(to, bytes);
    if (!got.ok()) return Lost(got.status());
    if (*got == 0) {
      if (auto status = Await(OwnerCarrier::Until::kReceivable); !status.ok()) return status;
      continue;
    }
    to += *got;
    bytes -= *got;
  }
  return absl::OkStatus();
}

void OwnerLink::BeginDeadline() { deadline_ns_ = MonotonicNs() + options_.timeout_ns; }

// SUBTLE: until the deadline, and not for a time-out from now on: whoever sends a byte now and then
// would be waited for without end.
absl::Status OwnerLink::Await(OwnerCarrier::Until until) {
  const absl::StatusOr<bool> is_so = carrier_->Await(until, deadline_ns_);
  if (!is_so.ok()) return Lost(is_so.status());
  if (*is_so) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrCat("the owner at ", address_.ToString(), " has not done its part within ",
                   options_.timeout_ns / kNsPerMs, " ms; is it stopped, or stuck?"));
}

absl::Status OwnerLink::Lost(const absl::Status& why) const {
  const absl::string_view reason = why.message();
  return absl::UnavailableError(absl::StrCat(
      "the owner at ", address_.ToString(), " has closed the connection",
      reason.empty() ? "" : absl::StrCat(" (", reason, ")"), "; its log may tell why."));
}

// After a time-out the next ones need not wait for another one at once.
absl::Status OwnerLink::Close(absl::Status why) {
  carrier_->Close();
  if (absl::IsDeadlineExceeded(why)) {
    why_not_ = why;
    no_earlier_ns_ = MonotonicNs() + std::min(options_.timeout_ns, kMaxPauseNs);
  }
  return why;
}

}  // namespace tombolo::kvcache

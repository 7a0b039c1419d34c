#include "kvcache/client/region_carrier.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "kvcache/remote/region_messages.h"
#include "transport/base/clock.h"
#include "transport/endpoint/membership_view.h"
#include "transport/endpoint/service_view.h"
#include "transport/layout/link.h"
#include "transport/region/region_copy.h"

namespace tombolo::kvcache {
namespace {

constexpr char kEndpointName[] = "kvcache-reader";

std::span<const std::byte> BytesOf(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

absl::Status RegionCarrier::Connect(int64_t /*timeout_ns*/) {
  if (absl::Status status = EnterRegion(); !status.ok()) return status;
  absl::StatusOr<EndpointId> owner = FindOwner();
  if (!owner.ok()) return owner.status();
  absl::Status status = channel_->Open(*owner);
  // Not kept: the owner may be one that this channel has dropped for what it wrote.
  if (!status.ok()) LeaveRegion();
  if (status.ok()) owner_ = *owner;
  return status;
}

absl::Status RegionCarrier::EnterRegion() {
  if (endpoint_ != nullptr && BrokerIsGone()) LeaveRegion();
  if (endpoint_ != nullptr) {
    channel_->Poll(*this);  // Who has departed in the meantime.
    return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<Endpoint>> endpoint =
      Endpoint::Attach(broker_socket_, kEndpointName);
  if (!endpoint.ok()) return endpoint.status();
  absl::StatusOr<std::unique_ptr<Channel>> channel = Channel::Create(**endpoint);
  if (!channel.ok()) return channel.status();
  endpoint_ = *std::move(endpoint);
  channel_ = *std::move(channel);
  return absl::OkStatus();
}

// SUBTLE: retired first. If the broker cannot be told, this endpoint stays a member for as long as
// the process lives, and nobody's death may wait for it.
void RegionCarrier::LeaveRegion() {
  if (channel_ != nullptr) channel_->Retire();
  channel_.reset();
  if (endpoint_ != nullptr) endpoint_->Detach().IgnoreError();
  endpoint_.reset();
}

bool RegionCarrier::BrokerIsGone() const {
  char byte;
  const ssize_t got = recv(endpoint_->BrokerFd(), &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

absl::StatusOr<EndpointId> RegionCarrier::FindOwner() const {
  const std::optional<ServiceInfo> service = FindService(channel_->SharedRegion(), service_);
  if (service && service->writer.incarnation != 0) return service->writer;
  return absl::UnavailableError(
      absl::StrCat("nobody serves '", service_,
                   "' in the region; start tombolo-kv with --region-service ", service_, "."));
}

void RegionCarrier::Close() {
  if (owner_.incarnation != 0 && !has_departed_) LeaveRegion();
  owner_ = {};
  has_departed_ = false;
  why_ended_.clear();
  received_.clear();
  taken_ = 0;
  blocked_at_ns_ = 0;
}

bool RegionCarrier::IsStillThere() {
  if (owner_.incarnation == 0) return false;
  channel_->Poll(*this);
  return !has_departed_ && why_ended_.empty() && received_.empty();
}

void RegionCarrier::OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) {
  if (source != owner_ || !why_ended_.empty()) return;
  if (tag != ToTag(RegionTag::kBytes)) {
    why_ended_ = tag == ToTag(RegionTag::kEnd) ? "it serves this reader no more"
                                               : "it sent a message of an unknown kind";
    return;
  }
  const size_t had = received_.size();
  if (had - taken_ + payload.size() > kMostUnreceivedBytes) {
    why_ended_ = "it says more than it was asked for";
    return;
  }
  received_.resize(had + payload.size());
  CopyOut(channel_->SharedRegion().Type(), reinterpret_cast<std::byte*>(received_.data()) + had,
          payload);
}

// Given back unread.
void RegionCarrier::OnLoan(EndpointId source, uint8_t /*tag*/, Loan /*loan*/) {
  if (source == owner_) why_ended_ = "it sent a message of an unknown kind";
}

// Dead, or dropped.
void RegionCarrier::OnDeparted(EndpointId peer) {
  if (peer != owner_) return;
  has_departed_ = !IsLive(channel_->SharedRegion(), peer);
  if (!has_departed_) why_ended_ = "what it wrote to its link made no sense";
}

// Up to a chunk, or what a message without one can hold.
bool RegionCarrier::TryClaim(size_t bytes, Claim& claim) {
  const size_t wanted = std::min<size_t>(bytes, kBulkChunkBytes);
  if (channel_->TryClaim(owner_, wanted, claim)) return true;
  const size_t most = channel_->MaxPayloadBytes(owner_);
  return most < wanted && channel_->TryClaim(owner_, most, claim);
}

absl::StatusOr<size_t> RegionCarrier::Send(std::string_view head, std::string_view value) {
  if (has_departed_ || !why_ended_.empty()) return absl::UnavailableError(why_ended_);
  Claim claim;
  if (!TryClaim(head.size() + value.size(), claim)) return size_t{0};
  blocked_at_ns_ = 0;
  const MemoryType type = channel_->SharedRegion().Type();
  const size_t bytes = claim.payload.size();
  head = head.substr(0, bytes);
  value = value.substr(0, bytes - head.size());
  CopyIn(type, claim.payload.data(), BytesOf(head));
  CopyIn(type, claim.payload.data() + head.size(), BytesOf(value));
  channel_->Publish(claim, ToTag(RegionTag::kBytes), bytes);
  return bytes;
}

// What came before the end is given first.
absl::StatusOr<size_t> RegionCarrier::Receive(char* to, size_t bytes) {
  const size_t given = std::min(bytes, received_.size() - taken_);
  if (given == 0 && (has_departed_ || !why_ended_.empty())) {
    return absl::UnavailableError(why_ended_);
  }
  memcpy(to, received_.data() + taken_, given);
  taken_ += given;
  if (taken_ == received_.size()) {
    received_.clear();
    taken_ = 0;
  }
  return given;
}

absl::StatusOr<bool> RegionCarrier::Await(Until until, int64_t deadline_ns) {
  const int64_t left_ns = deadline_ns - MonotonicNs();
  if (left_ns <= 0) return false;
  if (until == Until::kReceivable) {
    channel_->Wait(*this, left_ns);
  } else {
    AwaitRoom(left_ns);
  }
  return true;
}

void RegionCarrier::AwaitRoom(int64_t left_ns) {
  const int64_t now_ns = MonotonicNs();
  if (blocked_at_ns_ == 0) blocked_at_ns_ = now_ns;
  if (now_ns - blocked_at_ns_ > kSendSpinNs) channel_->Sleep(left_ns);
  channel_->Poll(*this);
}

}  // namespace tombolo::kvcache

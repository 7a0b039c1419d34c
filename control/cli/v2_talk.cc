#include "control/cli/v2_talk.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

using SendResult = V2Endpoint::SendResult;

enum Kind : uint8_t { kPing = 1, kPong = 2, kData = 3, kEnd = 4, kTaken = 5 };

constexpr size_t kMostDataBytes = kV2MaxMessageBytes - 1;
constexpr size_t kNumberedBytes = 1 + sizeof(uint64_t);
// Nobody rings when there is room again.
constexpr int64_t kRoomNs = kNsPerSecond / 1000;
// For a sender that has all it wants to go.
constexpr int64_t kLeaveNs = 5 * kNsPerSecond;
constexpr int kMostMessagesInARow = 64;

absl::Status Gone(uint32_t peer) {
  return absl::AbortedError(absl::StrCat(
      "peer ", peer, " has gone: its program has ended, or its virtual machine. Start it again."));
}

absl::Status Silent(uint32_t peer, int64_t patience_ns) {
  return absl::DeadlineExceededError(
      absl::StrCat("peer ", peer, " says nothing, after ", patience_ns / kNsPerSecond,
                   " s: is its program stopped, or its virtual machine paused?"));
}

std::array<std::byte, kNumberedBytes> NumberedMessage(uint8_t kind, uint64_t number) {
  std::array<std::byte, kNumberedBytes> message;
  message[0] = std::byte{kind};
  memcpy(&message[1], &number, sizeof(number));
  return message;
}

}  // namespace

V2Talk::V2Talk(V2Endpoint& endpoint, uint32_t peer_count, Wait wait, int64_t patience_ns)
    : endpoint_(endpoint),
      peer_count_(peer_count),
      wait_(std::move(wait)),
      patience_ns_(patience_ns) {}

void V2Talk::Turn() {
  for (uint32_t peer = 0; peer < peer_count_; ++peer) {
    // One peer that never stops does not keep us from the others.
    for (int i = 0; i < kMostMessagesInARow; ++i) {
      const std::optional<size_t> size_bytes = endpoint_.TryReceive(peer, buffer_);
      if (!size_bytes) break;
      Handle(peer, std::span<const std::byte>(buffer_).first(*size_bytes));
    }
  }
}

void V2Talk::Handle(uint32_t from, std::span<const std::byte> message) {
  if (message.empty()) return;
  const auto kind = static_cast<uint8_t>(message[0]);
  if (kind == kData) return HandleData(from, message.subspan(1));
  if (message.size() != kNumberedBytes) return;
  uint64_t number;
  memcpy(&number, &message[1], sizeof(number));
  if (kind == kPing) Reply(from, kPong, number);
  if (kind == kPong) pong_ = Numbered{from, number};
  if (kind == kEnd) HandleEnd(from, number);
  if (kind == kTaken) taken_ = Numbered{from, number};
}

void V2Talk::HandleData(uint32_t from, std::span<const std::byte> bytes) {
  if (!intake_ || intake_->peer != from || intake_->end || !intake_->status.ok()) return;
  intake_->status = (*intake_->sink)(bytes);
  intake_->bytes += bytes.size();
}

void V2Talk::HandleEnd(uint32_t from, uint64_t bytes) {
  if (intake_ && intake_->peer == from && !intake_->end) {
    intake_->end = bytes;
    intake_->is_answered = Reply(from, kTaken, intake_->bytes);
  } else {
    Reply(from, kTaken, 0);
  }
}

// To one who asks faster than it reads, nothing: it will ask again.
bool V2Talk::Reply(uint32_t peer, uint8_t kind, uint64_t number) {
  return endpoint_.TrySend(peer, NumberedMessage(kind, number)) == SendResult::kSent;
}

absl::Status V2Talk::AwaitPeer(uint32_t peer) {
  if (peer >= peer_count_ || peer == endpoint_.Id()) {
    return absl::InvalidArgumentError(absl::StrCat("peer ", peer, ": expected one below ",
                                                   peer_count_, " that is not this one, ",
                                                   endpoint_.Id(), "."));
  }
  const int64_t deadline_ns = MonotonicNs() + patience_ns_;
  for (endpoint_.Look(); !endpoint_.IsThere(peer);) {
    if (MonotonicNs() >= deadline_ns) {
      return absl::DeadlineExceededError(absl::StrCat(
          "peer ", peer, " is not there, after ", patience_ns_ / kNsPerSecond,
          " s. Run `tombolo v2` in its virtual machine: ping --serve, send or receive."));
    }
    // For others, but not for the one who has come meanwhile: what it says is for who waits for it.
    Turn();
    if (absl::Status status = wait_(deadline_ns); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> V2Talk::Ping(uint32_t peer, uint64_t number) {
  const int64_t start_ns = MonotonicNs();
  if (auto status = SendNumber(peer, kPing, number); !status.ok()) return status;
  const Numbered expected{peer, number};
  const auto has_come = [&] { return pong_ == expected; };
  if (auto status = Await(peer, has_come, patience_ns_); !status.ok()) return status;
  return MonotonicNs() - start_ns;
}

absl::StatusOr<uint64_t> V2Talk::Send(uint32_t peer, const Source& source) {
  std::array<std::byte, kV2MaxMessageBytes> message;
  message[0] = std::byte{kData};
  const std::span<std::byte> piece = std::span(message).last(kMostDataBytes);
  uint64_t bytes = 0;
  taken_.reset();
  for (;;) {
    const absl::StatusOr<size_t> filled = source(piece);
    if (!filled.ok()) return filled.status();
    if (*filled == 0) break;
    const auto whole = std::span<const std::byte>(message).first(1 + *filled);
    if (auto status = SendWhole(peer, whole); !status.ok()) return status;
    bytes += *filled;
  }
  if (auto status = SendNumber(peer, kEnd, bytes); !status.ok()) return status;
  const auto has_come = [&] { return taken_ && taken_->peer == peer; };
  if (auto status = Await(peer, has_come, patience_ns_); !status.ok()) return status;
  if (taken_->number == bytes) return bytes;
  return absl::AbortedError(absl::StrCat("peer ", peer, " took ", taken_->number, " of ", bytes,
                                         " bytes. Is `tombolo v2 receive ", endpoint_.Id(),
                                         "` what runs there?"));
}

absl::StatusOr<uint64_t> V2Talk::Receive(uint32_t peer, const Sink& sink) {
  Intake intake;
  intake.peer = peer;
  intake.sink = &sink;
  intake_ = &intake;
  absl::Status status = AwaitEnd(intake);
  intake_ = nullptr;
  if (status.ok() && !intake.is_answered) status = SendNumber(peer, kTaken, intake.bytes);
  if (!status.ok()) return status;
  // Whoever goes takes along what it has said. So the sender, who then has read it, goes first.
  const auto is_gone = [&] { return !endpoint_.IsThere(peer); };
  status = Await(peer, is_gone, std::min(patience_ns_, kLeaveNs));
  if (!status.ok() && !absl::IsDeadlineExceeded(status)) return status;
  if (intake.bytes == *intake.end) return intake.bytes;
  return absl::DataLossError(absl::StrCat("peer ", peer, " sent ", *intake.end, " bytes, and ",
                                          intake.bytes, " have come. Send them again."));
}

absl::Status V2Talk::AwaitEnd(Intake& intake) {
  int64_t deadline_ns = MonotonicNs() + patience_ns_;
  for (uint64_t seen = 0;;) {
    Turn();
    if (!intake.status.ok()) return intake.status;
    if (intake.end) return absl::OkStatus();
    if (!endpoint_.IsThere(intake.peer)) return Gone(intake.peer);
    if (std::exchange(seen, intake.bytes) != intake.bytes) {
      deadline_ns = MonotonicNs() + patience_ns_;
    }
    if (MonotonicNs() >= deadline_ns) return Silent(intake.peer, patience_ns_);
    if (absl::Status status = wait_(deadline_ns); !status.ok()) return status;
  }
}

absl::Status V2Talk::Serve() {
  for (;;) {
    Turn();
    if (absl::Status status = wait_(MonotonicNs() + kNsPerSecond); !status.ok()) return status;
  }
}

absl::Status V2Talk::SendNumber(uint32_t peer, uint8_t kind, uint64_t number) {
  return SendWhole(peer, NumberedMessage(kind, number));
}

absl::Status V2Talk::SendWhole(uint32_t peer, std::span<const std::byte> message) {
  const int64_t deadline_ns = MonotonicNs() + patience_ns_;
  for (;;) {
    const SendResult result = endpoint_.TrySend(peer, message);
    if (result == SendResult::kSent) return absl::OkStatus();
    if (result != SendResult::kFull) return Gone(peer);
    const int64_t now_ns = MonotonicNs();
    if (now_ns >= deadline_ns) return Silent(peer, patience_ns_);
    const int64_t until_ns = std::min(deadline_ns, now_ns + kRoomNs);
    if (absl::Status status = wait_(until_ns); !status.ok()) return status;
    Turn();
  }
}

// A peer that is gone may have said what we wait for before.
absl::Status V2Talk::Await(uint32_t peer, const std::function<bool()>& has_come,
                           int64_t patience_ns) {
  const int64_t deadline_ns = MonotonicNs() + patience_ns;
  for (;;) {
    Turn();
    if (has_come()) return absl::OkStatus();
    if (!endpoint_.IsThere(peer)) return Gone(peer);
    if (MonotonicNs() >= deadline_ns) return Silent(peer, patience_ns);
    if (absl::Status status = wait_(deadline_ns); !status.ok()) return status;
  }
}

}  // namespace tombolo::control

#include "tests/crash/stream_side.h"

#include <stdlib.h>

#include <utility>

namespace tombolo::crash {
namespace {

// Of an endless text that is different everywhere.
std::byte ByteAt(uint64_t position) {
  return static_cast<std::byte>(position * 7 + position / 253 * 131);
}

}  // namespace

void StreamSide::Connect(EndpointId peer) {
  auto stream = mux_->Connect(peer, "service", this);
  if (!stream.ok()) abort();
  stream_ = *std::move(stream);
  peer_ = peer;
}

void StreamSide::Write(size_t bytes) {
  // Prepared before, so that it is not part of what is stepped through.
  if (drafted_ != bytes) Draft(bytes);
  drafted_ = 0;
  written_ += stream_->Write(text_);
}

void StreamSide::Draft(size_t bytes) {
  text_.resize(bytes);
  for (size_t i = 0; i < bytes; ++i) text_[i] = ByteAt(written_ + i);
  drafted_ = bytes;
}

void StreamSide::ReadAll() {
  while (!stream_->Front().empty()) {
    const std::span<const std::byte> front = stream_->Front();
    for (const std::byte byte : front) wrong_bytes_ += byte == ByteAt(read_++) ? 0 : 1;
    stream_->Consume(front.size());
  }
}

void StreamSide::Discard() {
  while (!stream_->Front().empty()) stream_->Consume(stream_->Front().size());
}

void StreamSide::OnMessage(EndpointId source, std::span<const std::byte> payload) {
  if (mux_ != nullptr) mux_->OnMessage(source, payload);
}

void StreamSide::OnDeparted(EndpointId peer) {
  if (mux_ == nullptr) return;
  peer_departed_ |= peer == peer_;
  mux_->OnDeparted(peer);
}

void StreamSide::Flush() {
  while (mux_ != nullptr && mux_->Flush()) continue;
}

std::string StreamSide::WhatIsWrong() const {
  if (wrong_bytes_ != 0) return "a stream's bytes are not what was written";
  if (mux_ == nullptr) return {};
  const StreamCounters& counters = mux_->Counters();
  if (counters.violations + counters.banned_peers != 0) return "a stream's frames made no sense";
  if (peer_departed_ && stream_ != nullptr && !has_ended_) return "a stream outlived its peer";
  return {};
}

absl::Status StreamSide::OnConnect(EndpointId id, std::string_view,
                                   std::unique_ptr<Stream>& stream) {
  stream_ = std::move(stream);
  stream_->SetHandler(this);
  peer_ = id;
  return absl::OkStatus();
}

void StreamSide::OnReadable() {
  if (!is_slow_) ReadAll();
  has_ended_ |= stream_->AtEnd();
}

void StreamSide::OnReset(const absl::Status&) { has_ended_ = true; }

}  // namespace tombolo::crash

#include "transport/stream/stream.h"

#include "transport/stream/stream_peer.h"

namespace tombolo {

Stream::~Stream() {
  core_->handler = nullptr;
  const bool finished = core_->WriteClosed() && AtEnd();
  if (!finished) Reset(absl::CancelledError("closed"));
}

size_t Stream::WritableBytes() const {
  if (core_->peer == nullptr || core_->peer->IsBlocked()) return 0;
  return core_->WritableBytes();
}

void Stream::Schedule() {
  if (core_->peer != nullptr) core_->peer->Schedule(core_);
}

size_t Stream::Write(std::span<const std::byte> data) {
  if (WritableBytes() == 0) return 0;
  return core_->peer->Write(core_, data);
}

void Stream::NotifyWritable() {
  core_->wants_writable = true;
  // Without window there is nothing to wait for in the link: a credit will tell.
  if (core_->peer != nullptr && core_->WindowIsOpen()) core_->peer->Wait(core_);
}

void Stream::CloseWrite() {
  core_->CloseWrite();
  Schedule();
}

void Stream::Consume(size_t bytes) {
  core_->Receiving().Consume(bytes);
  core_->GrantMore();
  Schedule();
}

void Stream::Reset(const absl::Status& why) {
  core_->handler = nullptr;
  core_->Reset(why);
  Schedule();
}

}  // namespace tombolo

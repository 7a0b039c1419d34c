#include "transport/stream/receive_half.h"

namespace tombolo {

ReceiveHalf::ReceiveHalf(ReceiveBudget& budget) : budget_(budget) {
  budget_.AddStream();
  Grant();
}

ReceiveHalf::~ReceiveHalf() {
  Discard();
  budget_.RemoveStream();
}

const char* ReceiveHalf::Offer(uint64_t position, std::span<const std::byte> data) {
  if (finished_) return "data after the end";
  if (position != received_) return "data out of order";
  if (data.size() > granted_ - received_) return "more data than its window allows";
  received_ += data.size();
  offered_ = data;
  return nullptr;
}

void ReceiveHalf::KeepOffered() {
  kept_.Append(offered_);
  offered_ = {};
}

const char* ReceiveHalf::Finish(uint64_t position) {
  if (finished_) return "a second end";
  if (position != received_) return "an end out of order";
  finished_ = true;
  Cut();
  return nullptr;
}

void ReceiveHalf::Cut() {
  budget_.Return(granted_ - received_);
  granted_ = received_;
}

void ReceiveHalf::Consume(size_t bytes) {
  if (kept_.IsEmpty()) {
    offered_ = offered_.subspan(bytes);
  } else {
    kept_.Consume(bytes);
  }
  consumed_ += bytes;
  budget_.Return(bytes);
}

void ReceiveHalf::Discard() {
  budget_.Return(granted_ - consumed_);
  consumed_ = received_ = granted_;
  kept_.Clear();
  offered_ = {};
  finished_ = false;
}

bool ReceiveHalf::Grant() {
  if (finished_) return false;
  const uint64_t more = budget_.Extend(granted_ - consumed_);
  granted_ += more;
  return more != 0;
}

}  // namespace tombolo

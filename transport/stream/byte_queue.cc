#include "transport/stream/byte_queue.h"

#include <string.h>

#include <algorithm>

namespace tombolo {

void ByteQueue::Append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (chunks_.empty() || back_ == kChunkBytes) {
      // Not zeroed: only what was filled is ever read.
      chunks_.emplace_back(new std::byte[kChunkBytes]);
      back_ = 0;
    }
    const size_t now = std::min(bytes.size(), kChunkBytes - back_);
    memcpy(chunks_.back().get() + back_, bytes.data(), now);
    back_ += now;
    size_bytes_ += now;
    bytes = bytes.subspan(now);
  }
}

std::span<const std::byte> ByteQueue::Front() const {
  if (size_bytes_ == 0) return {};
  const size_t end = chunks_.size() == 1 ? back_ : kChunkBytes;
  return {chunks_.front().get() + front_, end - front_};
}

void ByteQueue::Consume(size_t bytes) {
  front_ += bytes;
  size_bytes_ -= bytes;
  if (size_bytes_ == 0) {
    Clear();
  } else if (front_ == kChunkBytes) {
    chunks_.pop_front();
    front_ = 0;
  }
}

void ByteQueue::Clear() {
  chunks_.clear();
  front_ = back_ = size_bytes_ = 0;
}

}  // namespace tombolo

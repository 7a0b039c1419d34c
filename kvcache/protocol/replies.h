// Replies: the bytes that a session has for its client, until they were sent. Not thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tombolo::kvcache {

class Replies {
 public:
  // Full with more than `limit_bytes` that were not sent yet.
  explicit Replies(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  void Append(std::string_view bytes) { bytes_.append(bytes); }
  void AppendLine(std::string_view text) { bytes_.append(text).append("\r\n"); }

  // What is appended after Mark() is taken back by Rewind(), if nothing was drained in between.
  size_t Mark() const { return bytes_.size(); }
  void Rewind(size_t mark) { bytes_.resize(mark); }

  std::string_view Unsent() const { return std::string_view(bytes_).substr(sent_); }
  bool IsFull() const { return bytes_.size() - sent_ > limit_bytes_; }

  // The first `size` bytes of Unsent() were sent. What a burst needed is not kept.
  void Drained(size_t size) {
    sent_ += size;
    if (sent_ < bytes_.size() / 2) return;
    bytes_.erase(0, sent_);
    sent_ = 0;
    if (bytes_.capacity() > 2 * (limit_bytes_ + bytes_.size())) bytes_.shrink_to_fit();
  }

  // Nothing follows what there is.
  void Close() { is_closed_ = true; }
  bool IsClosed() const { return is_closed_; }

 private:
  const size_t limit_bytes_;
  std::string bytes_;
  size_t sent_ = 0;
  bool is_closed_ = false;
};

}  // namespace tombolo::kvcache

// Replies: the bytes that a session has for its client, until they were sent. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace tombolo::kvcache {

class Replies {
 public:
  // Full with more than `limit_bytes` that were not sent yet.
  explicit Replies(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  void Append(std::string_view bytes) {
    std::copy_n(bytes.data(), bytes.size(), Extend(bytes.size()));
  }
  void AppendLine(std::string_view text) {
    constexpr std::string_view kEnd = "\r\n";
    char* at = Extend(text.size() + kEnd.size());
    at = std::copy_n(text.data(), text.size(), at);
    std::copy_n(kEnd.data(), kEnd.size(), at);
  }

  // Appends `size` bytes, which are the caller's to fill in. They stay where they are until more is
  // appended. Not a string's resize(): that fills them with zeros first.
  char* Extend(size_t size) {
    if (capacity_ - size_ < size) MakeRoom(std::max(2 * capacity_, size_ + size));
    size_ += size;
    return bytes_.get() + (size_ - size);
  }

  // What is appended after Mark() is taken back by Rewind(), if nothing was drained in between.
  size_t Mark() const { return size_; }
  void Rewind(size_t mark) { size_ = mark; }

  std::string_view Unsent() const { return {bytes_.get() + sent_, size_ - sent_}; }
  bool IsFull() const { return size_ - sent_ > limit_bytes_; }

  // The first `size` bytes of Unsent() were sent. What a burst needed is not kept.
  void Drained(size_t size) {
    sent_ += size;
    if (sent_ < size_ / 2) return;
    std::copy(bytes_.get() + sent_, bytes_.get() + size_, bytes_.get());
    size_ -= sent_;
    sent_ = 0;
    if (capacity_ > 2 * (limit_bytes_ + size_)) MakeRoom(size_);
  }

  // Nothing follows what there is.
  void Close() { is_closed_ = true; }
  bool IsClosed() const { return is_closed_; }

 private:
  // For `capacity` bytes in all, and no more.
  void MakeRoom(size_t capacity) {
    auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
    std::copy_n(bytes_.get(), size_, bytes.get());
    bytes_ = std::move(bytes);
    capacity_ = capacity;
  }

  const size_t limit_bytes_;
  std::unique_ptr<char[]> bytes_;
  size_t capacity_ = 0;
  size_t size_ = 0;  // What was sent included.
  size_t sent_ = 0;
  bool is_closed_ = false;
};

}  // namespace tombolo::kvcache

// Tokens: the words of a command line, separated by blanks; those after the first kMaxTokens
// are not looked at.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace tombolo::kvcache {

inline constexpr size_t kMaxTokens = 23;  // As memcached counts them.
inline constexpr size_t kMaxTextKeyBytes = 250;

// Takes the next token off `text`; empty when there is none.
inline std::string_view TakeToken(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view token = text.substr(0, text.find(' '));
  text.remove_prefix(token.size());
  return token;
}

class Tokens {
 public:
  // `line` must outlive it.
  explicit Tokens(std::string_view line) {
    while (count_ < kMaxTokens) {
      const std::string_view token = TakeToken(line);
      if (token.empty()) break;
      tokens_[count_++] = token;
    }
  }

  size_t Count() const { return count_; }
  std::string_view operator[](size_t index) const { return tokens_[index]; }
  std::string_view Last() const { return count_ == 0 ? std::string_view() : tokens_[count_ - 1]; }

 private:
  std::array<std::string_view, kMaxTokens> tokens_;
  size_t count_ = 0;
};

}  // namespace tombolo::kvcache

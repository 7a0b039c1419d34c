// FreshData: what an application does with messages, beside sending them: it writes all bytes of
// what it sends and looks at what it received. With buffers that are never written again, as in
// most benchmarks, transports that copy once read lines that are in the receiver's cache already.
#pragma once

#include <string.h>

#include <cstddef>

#include "bench/mpi/command.h"
#include "bench/transport/require.h"

namespace tombolo::bench {

class FreshData {
 public:
  explicit FreshData(const Command& command) : is_on_(command.is_fresh), bytes_(command.bytes) {}
  // What was read is what the partner wrote.
  ~FreshData() {
    if (wrong_bits_ != 0) Fail("a message came with other bytes than were sent");
  }
  FreshData(const FreshData&) = delete;
  FreshData& operator=(const FreshData&) = delete;

  void Write(std::byte* message) {
    if (is_on_) memset(message, ++written_, bytes_);
  }

  // One byte of each line.
  void Read(const std::byte* message) {
    if (!is_on_) return;
    const auto expected = static_cast<std::byte>(++read_);
    auto wrong = std::byte{0};
    for (size_t i = 0; i < bytes_; i += kLineBytes) wrong |= message[i] ^ expected;
    wrong_bits_ |= std::to_integer<unsigned>(wrong);
  }

 private:
  static constexpr size_t kLineBytes = 64;

  const bool is_on_;
  const size_t bytes_;
  unsigned char written_ = 0;
  unsigned char read_ = 0;
  unsigned wrong_bits_ = 0;
};

}  // namespace tombolo::bench

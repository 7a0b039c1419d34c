// Counts the checks of this rank and says of each that fails what was seen and what was expected.
//
// Thread safety: any thread may check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "tests/mpi/payload.h"

namespace tombolo::mpi_check {

struct Tally {
  int64_t passed = 0;
  int64_t failed = 0;
};

class Checks {
 public:
  explicit Checks(int rank) : rank_(rank) {}

  // Later checks belong to `group`, whose tally starts at zero.
  void Begin(std::string_view group);

  // The checks since Begin().
  Tally tally() const;

  // `what` names the value, e.g. "source of a message with tag 7".
  void Equal(std::string_view what, int64_t seen, int64_t expected);

  // What the status of a message tells.
  void Envelope(const Origin& seen, const Origin& expected);

  // `seen` holds exactly the payload of `origin`.
  void Payload(std::string_view what, const Origin& origin, std::span<const std::byte> seen);

  // All of `seen` is still `expected`: nobody wrote where nothing belongs.
  void Untouched(std::string_view what, std::span<const std::byte> seen, std::byte expected);

 private:
  void Pass();
  void Fail(const std::string& text);

  const int rank_;
  mutable std::mutex mutex_;
  std::string group_;
  Tally tally_;
};

}  // namespace tombolo::mpi_check

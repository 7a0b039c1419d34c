#include "tests/mpi/checks.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "tests/mpi/text.h"

namespace tombolo::mpi_check {
namespace {

// One broken rule fails thousands of checks: the first few of a group tell which.
constexpr int64_t kFailuresShown = 10;

std::string Hex(std::byte value) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto number = std::to_integer<unsigned>(value);
  return {'0', 'x', kDigits[number >> 4], kDigits[number & 15]};
}

}  // namespace

void Checks::Begin(std::string_view group) {
  const std::lock_guard lock(mutex_);
  group_ = group;
  tally_ = Tally();
}

Tally Checks::tally() const {
  const std::lock_guard lock(mutex_);
  return tally_;
}

void Checks::Equal(std::string_view what, int64_t seen, int64_t expected) {
  if (seen == expected) return Pass();
  Fail(Text(what, ": seen ", seen, ", expected ", expected));
}

void Checks::Envelope(const Origin& seen, const Origin& expected) {
  if (seen.source == expected.source && seen.tag == expected.tag && seen.bytes == expected.bytes) {
    return Pass();
  }
  Fail(Text("envelope of a message: seen ", seen.bytes, " bytes from rank ", seen.source,
            " with tag ", seen.tag, ", expected ", expected.bytes, " bytes from rank ",
            expected.source, " with tag ", expected.tag));
}

void Checks::Payload(std::string_view what, const Origin& origin, std::span<const std::byte> seen) {
  const std::optional<Mismatch> mismatch = FirstMismatch(origin, seen);
  if (!mismatch) return Pass();
  Fail(Text(what, ", ", origin.bytes, " bytes from rank ", origin.source, " with tag ", origin.tag,
            ": byte ", mismatch->position, " seen ", Hex(mismatch->seen), ", expected ",
            Hex(mismatch->expected)));
}

void Checks::Untouched(std::string_view what, std::span<const std::byte> seen, std::byte expected) {
  const auto touched = std::find_if(seen.begin(), seen.end(),
                                    [expected](std::byte value) { return value != expected; });
  if (touched == seen.end()) return Pass();
  Fail(Text(what, ": byte ", touched - seen.begin(), " of ", seen.size(), " was written: seen ",
            Hex(*touched), ", expected ", Hex(expected)));
}

void Checks::Pass() {
  const std::lock_guard lock(mutex_);
  ++tally_.passed;
}

void Checks::Fail(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (++tally_.failed > kFailuresShown) return;
  std::fprintf(stderr, "rank %d, group %s: %s\n", rank_, group_.c_str(), text.c_str());
}

}  // namespace tombolo::mpi_check

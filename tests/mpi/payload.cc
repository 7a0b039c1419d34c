#include "tests/mpi/payload.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace tombolo::mpi_check {
namespace {

std::atomic<bool> corruption_armed = false;

constexpr uint64_t kGolden = 0x9E3779B97F4A7C15;

uint64_t Mix(uint64_t value) {
  value *= kGolden;
  return value ^ (value >> 29);
}

uint64_t Seed(const Origin& origin) {
  const uint64_t ends = (static_cast<uint64_t>(static_cast<uint32_t>(origin.source)) << 32) |
                        static_cast<uint32_t>(origin.tag);
  return Mix(Mix(ends) + origin.bytes);
}

// The eight bytes of the payload that begin at position 8 * index.
uint64_t Word(uint64_t seed, size_t index) { return Mix(seed + index); }

void CorruptWhenArmed(std::span<std::byte> out) {
  if (out.empty() || !corruption_armed.exchange(false)) return;
  out[out.size() / 2] ^= std::byte{0x10};
}

}  // namespace

void Fill(const Origin& origin, std::span<std::byte> out) {
  const uint64_t seed = Seed(origin);
  for (size_t at = 0; at < out.size(); at += sizeof(uint64_t)) {
    const uint64_t word = Word(seed, at / sizeof(uint64_t));
    std::memcpy(&out[at], &word, std::min(sizeof(word), out.size() - at));
  }
  CorruptWhenArmed(out);
}

std::optional<Mismatch> FirstMismatch(const Origin& origin, std::span<const std::byte> seen) {
  const uint64_t seed = Seed(origin);
  for (size_t at = 0; at < seen.size(); at += sizeof(uint64_t)) {
    const uint64_t word = Word(seed, at / sizeof(uint64_t));
    const size_t length = std::min(sizeof(word), seen.size() - at);
    if (std::memcmp(&seen[at], &word, length) == 0) continue;
    std::byte expected[sizeof(word)];
    std::memcpy(expected, &word, sizeof(word));
    size_t first = 0;
    while (seen[at + first] == expected[first]) ++first;
    return Mismatch{at + first, seen[at + first], expected[first]};
  }
  return std::nullopt;
}

int64_t Value(int source, int tag, size_t index) {
  constexpr int64_t kLimit = 1 << 20;
  return static_cast<int64_t>(Word(Seed({source, tag, 0}), index) >> 1) % kLimit - kLimit / 2;
}

void FillValues(int source, int tag, std::span<int64_t> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = Value(source, tag, i);
  CorruptWhenArmed(std::as_writable_bytes(out));
}

void ArmCorruption() { corruption_armed = true; }

}  // namespace tombolo::mpi_check

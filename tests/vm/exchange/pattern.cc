#include "tests/vm/exchange/pattern.h"

#include <string.h>

#include <algorithm>

namespace tombolo::exchange {
namespace {

constexpr size_t kLeastPayloadBytes = sizeof(uint64_t);
constexpr size_t kCommonPayloadBytes = 200;
constexpr size_t kMiddlePayloadBytes = 1900;

// Steele's and Vigna's finalizer: every bit of the result depends on every bit of `value`.
uint64_t Mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

uint64_t Word(uint64_t seed, uint64_t number, size_t index) {
  return Mix(seed << 48 ^ number << 16 ^ index);
}

}  // namespace

size_t PayloadBytes(uint64_t number) {
  const size_t largest = number % 64 == 63 ? kLargestPayloadBytes
                         : number % 8 == 7 ? kMiddlePayloadBytes
                                           : kCommonPayloadBytes;
  return kLeastPayloadBytes + Mix(number) % (largest - kLeastPayloadBytes + 1);
}

void Fill(std::span<std::byte> payload, uint64_t seed, uint64_t number) {
  for (size_t at = 0; at < payload.size(); at += sizeof(uint64_t)) {
    const uint64_t word = Word(seed, number, at);
    memcpy(payload.data() + at, &word, std::min(sizeof(word), payload.size() - at));
  }
}

bool Matches(std::span<const std::byte> payload, uint64_t seed, uint64_t number) {
  for (size_t at = 0; at < payload.size(); at += sizeof(uint64_t)) {
    const uint64_t word = Word(seed, number, at);
    if (memcmp(payload.data() + at, &word, std::min(sizeof(word), payload.size() - at)) != 0) {
      return false;
    }
  }
  return true;
}

}  // namespace tombolo::exchange

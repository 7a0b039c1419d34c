#include "tests/crash/numbered_message.h"

#include <string.h>

#include <algorithm>

namespace tombolo::crash {
namespace {

// splitmix64's finalizer.
uint64_t Mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

uint64_t SeedOf(EndpointId sender, uint64_t number, size_t bytes) {
  return Mix(number ^ Mix(uint64_t{sender.incarnation} << 32 | sender.index) ^ bytes << 40);
}

uint64_t Checksum(std::span<const std::byte> body, uint64_t seed) {
  uint64_t sum = seed;
  for (size_t i = 0; i < body.size(); i += sizeof(uint64_t)) {
    uint64_t word = 0;
    memcpy(&word, body.data() + i, std::min(sizeof(word), body.size() - i));
    sum = (sum ^ word) * 0x9e3779b97f4a7c15;
    sum ^= sum >> 29;
  }
  return sum;
}

}  // namespace

void WriteNumbered(std::span<std::byte> payload, EndpointId sender, uint64_t number) {
  const uint64_t seed = SeedOf(sender, number, payload.size());
  const std::span<std::byte> body = payload.subspan(kLeastMessageBytes);
  for (size_t i = 0; i < body.size(); i += sizeof(uint64_t)) {
    const uint64_t word = seed + i * 0x9e3779b97f4a7c15;
    memcpy(body.data() + i, &word, std::min(sizeof(word), body.size() - i));
  }
  const uint64_t checksum = Checksum(body, seed);
  memcpy(payload.data(), &number, sizeof(number));
  memcpy(payload.data() + sizeof(number), &checksum, sizeof(checksum));
}

std::optional<uint64_t> ReadNumbered(std::span<const std::byte> payload, EndpointId sender) {
  if (payload.size() < kLeastMessageBytes) return std::nullopt;
  uint64_t number = 0, checksum = 0;
  memcpy(&number, payload.data(), sizeof(number));
  memcpy(&checksum, payload.data() + sizeof(number), sizeof(checksum));
  const uint64_t seed = SeedOf(sender, number, payload.size());
  if (Checksum(payload.subspan(kLeastMessageBytes), seed) != checksum) return std::nullopt;
  return number;
}

}  // namespace tombolo::crash

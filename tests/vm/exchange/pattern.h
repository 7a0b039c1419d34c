// What message `number` of a sender looks like: both sides compute it, so that every length and
// every byte can be checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tombolo::exchange {

// The largest that PayloadBytes() gives: a full chunk of a bulk pool.
inline constexpr size_t kLargestPayloadBytes = 32 * 1024;

// From 8 B up: most messages lie in one cell, one in 8 takes many, one in 64 the bulk pool.
size_t PayloadBytes(uint64_t number);

// Fills `payload`, which has PayloadBytes(number) bytes. `seed` tells senders apart.
void Fill(std::span<std::byte> payload, uint64_t seed, uint64_t number);

// Whether `payload` is what Fill() writes.
bool Matches(std::span<const std::byte> payload, uint64_t seed, uint64_t number);

}  // namespace tombolo::exchange

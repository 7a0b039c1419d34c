// What an agent and who asks it for its offers say to each other: one question and one answer for
// each offer, each in a message that fits inline.
//
//   kOfferAsked   OfferQuestion
//   kOfferTold    OfferHeader, then the text: KIND NAME, as in "tunnel memcached"; printable by
//   rights
#pragma once

#include <cstddef>
#include <cstdint>

namespace tombolo::control {

struct OfferQuestion {
  uint64_t index;  // From 0.
};

struct OfferHeader {
  uint32_t index;  // As asked.
  uint32_t count;  // How many offers there are. If `index` is not below it there is no text.
};

// Nobody is told, and nobody believes, more.
inline constexpr size_t kMaxOffers = 256;
inline constexpr size_t kMaxOfferBytes = 512;

// What its kinds are called.
inline constexpr char kTunnelOffer[] = "tunnel";  // A service of --allow.
inline constexpr char kFilesOffer[] = "files";    // A folder of --allow-copy, with :ro or :rw.

}  // namespace tombolo::control

// SeatedClient: writes, deletes and reads at random, and notes in its seat what it saw. Some have a
// window and ask the owner for what it cannot tell; the others ask the owner for everything.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "kvcache/client/client.h"
#include "tests/kvcache/history/seat.h"

namespace tombolo::kvcache {

// Those that are noted. There are others, which only take room, so that items are evicted.
inline constexpr uint32_t kNotedKeys = 16;

struct SeatOptions {
  uint32_t number = 0;  // Below 256.
  std::string window;   // Empty: none.
  std::string owner;
  uint32_t seed = 1;
};

class SeatedClient {
 public:
  SeatedClient(Seat& seat, const SeatOptions& options);

  // Until the process is killed.
  [[noreturn]] void Live();

 private:
  void Step();
  void Write(uint32_t key);
  void Delete(uint32_t key);
  void Read(uint32_t key);
  void FillUp();
  // Whether the owner has answered.
  bool Noted(const absl::Status& status);
  uint64_t NextVersion();

  Seat& seat_;
  const SeatOptions options_;
  Client client_;
  std::minstd_rand random_;
  bool owner_is_there_ = true;  // As far as was heard.
  StoredValue item_;
  std::string value_;
  std::string expected_;
};

}  // namespace tombolo::kvcache

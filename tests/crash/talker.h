// Talker: a process of the torture. It sends numbered messages of random sizes to random peers, by
// cell, by chunk and by loan, and looks at every byte of what it receives, until it is killed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "tests/crash/board.h"
#include "tests/crash/member.h"
#include "tests/crash/world.h"

namespace tombolo::crash {

class Talker {
 public:
  // `id` was admitted by the parent. Everything that an endpoint does, it does from here on.
  Talker(const World& world, EndpointId id, Board& board, size_t seat, uint64_t seed);

  // Until the board says that it may leave.
  void Run();

 private:
  size_t Below(size_t limit) { return random_() % limit; }
  void TalkALittle();
  void SendOne();
  void LendOne(EndpointId to);
  void LookAfterLoans();
  void SayLast();
  void LookForPeers();
  void Rest();
  void Report();

  Region region_;
  Board& board_;
  Seat& seat_;
  std::minstd_rand random_;
  Member member_;
  RegionBuffer buffer_;
  std::vector<EndpointId> peers_;
  std::vector<EndpointId> told_;  // Who got its last message.
  uint64_t received_ = 0;         // What has been reported.
  uint64_t torn_ = 0;
};

}  // namespace tombolo::crash

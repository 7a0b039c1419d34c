#include "mpi_btl/engine/reassembler.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"

namespace tombolo::mpi {
namespace {

using Result = Reassembler::Result;

constexpr size_t kMaxBytes = 100;
constexpr EndpointId kAlice = {1, 1};
constexpr EndpointId kBob = {2, 1};

EngineHeader Piece(uint32_t total_bytes, uint32_t offset_bytes, uint32_t tag = 5) {
  return {EngineMessage::kPiece, tag, total_bytes, offset_bytes};
}

std::vector<std::byte> Bytes(size_t size, int value) {
  return std::vector<std::byte>(size, std::byte(value));
}

TEST(ReassemblerTest, GivesTheWholeWithItsLastPiece) {
  Reassembler reassembler(kMaxBytes);
  std::span<const std::byte> message;
  EXPECT_EQ(reassembler.Add(kAlice, Piece(50, 0), Bytes(30, 1), message), Result::kMore);
  ASSERT_EQ(reassembler.Add(kAlice, Piece(50, 30), Bytes(20, 2), message), Result::kComplete);
  ASSERT_EQ(message.size(), 50u);
  EXPECT_EQ(message[29], std::byte(1));
  EXPECT_EQ(message[30], std::byte(2));
}

TEST(ReassemblerTest, KeepsSendersApart) {
  Reassembler reassembler(kMaxBytes);
  std::span<const std::byte> message;
  EXPECT_EQ(reassembler.Add(kAlice, Piece(40, 0), Bytes(20, 1), message), Result::kMore);
  EXPECT_EQ(reassembler.Add(kBob, Piece(40, 0), Bytes(20, 2), message), Result::kMore);
  ASSERT_EQ(reassembler.Add(kAlice, Piece(40, 20), Bytes(20, 1), message), Result::kComplete);
  EXPECT_TRUE(std::ranges::equal(message, Bytes(40, 1)));
  ASSERT_EQ(reassembler.Add(kBob, Piece(40, 20), Bytes(20, 2), message), Result::kComplete);
  EXPECT_TRUE(std::ranges::equal(message, Bytes(40, 2)));
}

TEST(ReassemblerTest, RefusesWhatDoesNotFit) {
  const std::vector<EngineHeader> second_pieces = {Piece(50, 31), Piece(50, 29), Piece(51, 30),
                                                   Piece(50, 30, 6)};
  for (const EngineHeader& second : second_pieces) {
    Reassembler reassembler(kMaxBytes);
    std::span<const std::byte> message;
    EXPECT_EQ(reassembler.Add(kAlice, Piece(50, 0), Bytes(30, 1), message), Result::kMore);
    EXPECT_EQ(reassembler.Add(kAlice, second, Bytes(20, 2), message), Result::kNonsense);
  }
}

TEST(ReassemblerTest, RefusesMoreThanTheWhole) {
  Reassembler reassembler(kMaxBytes);
  std::span<const std::byte> message;
  EXPECT_EQ(reassembler.Add(kAlice, Piece(50, 0), Bytes(51, 1), message), Result::kNonsense);
  EXPECT_EQ(reassembler.Add(kAlice, Piece(kMaxBytes + 1, 0), Bytes(1, 1), message),
            Result::kNonsense);
}

TEST(ReassemblerTest, DoesNotGoOnWithWhatAnEarlierIncarnationBegan) {
  Reassembler reassembler(kMaxBytes);
  std::span<const std::byte> message;
  EXPECT_EQ(reassembler.Add(kAlice, Piece(50, 0), Bytes(30, 1), message), Result::kMore);
  const EndpointId successor = {kAlice.index, kAlice.incarnation + 1};
  EXPECT_EQ(reassembler.Add(successor, Piece(50, 30), Bytes(20, 2), message), Result::kNonsense);
}

}  // namespace
}  // namespace tombolo::mpi

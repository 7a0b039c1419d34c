#include <string>

#include "gtest/gtest.h"
#include "transport/stream/byte_queue.h"
#include "transport/stream/receive_half.h"

namespace tombolo {
namespace {

std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string Text(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

TEST(ByteQueueTest, GivesBytesBackInOrderAcrossChunks) {
  ByteQueue queue;
  std::string in, out;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece(static_cast<size_t>(i % 97), static_cast<char>('a' + i % 26));
    queue.Append(Bytes(piece));
    in += piece;
    if (i % 3 != 0 || queue.IsEmpty()) continue;
    const size_t bytes = std::min<size_t>(queue.Front().size(), 150);
    out += Text(queue.Front().first(bytes));
    queue.Consume(bytes);
  }
  while (!queue.IsEmpty()) {
    out += Text(queue.Front());
    queue.Consume(queue.Front().size());
  }
  EXPECT_TRUE(in == out);
  EXPECT_TRUE(queue.Front().empty());
}

TEST(ReceiveHalfTest, WhatIsOfferedIsReadInPlaceAndTheRestIsKept) {
  ReceiveBudget budget(StreamLimits{});
  ReceiveHalf half(budget);
  std::string shared = "hello world";
  EXPECT_EQ(half.Offer(0, Bytes(shared)), nullptr);
  EXPECT_EQ(half.Front().data(), Bytes(shared).data());
  half.Consume(6);
  half.KeepOffered();
  shared = "overwritten";
  EXPECT_EQ(Text(half.Front()), "world");
  const std::string more = "!";
  EXPECT_EQ(half.Offer(11, Bytes(more)), nullptr);
  EXPECT_EQ(Text(half.Front()), "world") << "older bytes come first";
  half.Consume(5);
  EXPECT_EQ(Text(half.Front()), "!");
}

TEST(ReceiveHalfTest, GrantsAreWorthAMessage) {
  ReceiveBudget budget({.largest_window_bytes = 100'000});
  ReceiveHalf half(budget);
  EXPECT_EQ(half.Granted(), 100'000u);
  const std::string data(60'000, 'x');
  EXPECT_EQ(half.Offer(0, Bytes(data)), nullptr);
  half.Consume(40'000);
  EXPECT_FALSE(half.Grant());
  half.Consume(10'000);
  EXPECT_TRUE(half.Grant());
  EXPECT_EQ(half.Granted(), 150'000u);
  EXPECT_EQ(budget.HeldTotalBytes(), 100'000u);
}

TEST(ReceiveHalfTest, AllThatWasHeldIsReturnedHoweverItEnds) {
  ReceiveBudget budget(StreamLimits{});
  const std::string data(1000, 'x');
  for (int how = 0; how < 4; ++how) {
    ReceiveHalf half(budget);
    half.Offer(0, Bytes(data));
    if (how > 0) half.KeepOffered();
    const bool finished = how == 1 && half.Finish(1000) == nullptr;
    if (how == 2) half.Cut();
    if (how == 3) half.Discard();
    EXPECT_EQ(half.AtEnd(), false);
    EXPECT_EQ(finished, how == 1);
    EXPECT_EQ(budget.HeldTotalBytes() == 1000, how == 1 || how == 2);
  }
  EXPECT_EQ(budget.HeldTotalBytes(), 0u);
  EXPECT_EQ(budget.StreamCount(), 0u);
}

TEST(ReceiveBudgetTest, AStreamWithoutWindowAlwaysGetsTheLeast) {
  const StreamLimits limits{
      .least_window_bytes = 10, .largest_window_bytes = 1000, .receive_bytes = 1000};
  ReceiveBudget budget(limits);
  budget.AddStream();
  EXPECT_EQ(budget.Extend(0), 1000u);
  for (int i = 0; i < 200; ++i) {
    budget.AddStream();
    EXPECT_EQ(budget.Extend(0), 10u);
  }
  EXPECT_EQ(budget.Extend(6), 0u);
  EXPECT_EQ(budget.Extend(5), 5u);
}

}  // namespace
}  // namespace tombolo

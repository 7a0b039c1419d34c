// Which addresses a flag names, and how a file is divided.
#include "kvcache/server/listen.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kvcache/server/shard_sizes.h"
#include "kvcache/shard/file_shape.h"
#include "tests/support/status_text.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

using testing::HasSubstr;

std::string Parsed(const std::string& text) {
  const auto interface = ParseInterface(text, 11211);
  return interface.ok() ? interface->host + " " + interface->port : Text(interface);
}

TEST(InterfaceTest, HasAHostAndPerhapsAPort) {
  EXPECT_EQ(Parsed("127.0.0.1"), "127.0.0.1 11211");
  EXPECT_EQ(Parsed("127.0.0.1:80"), "127.0.0.1 80");
  EXPECT_EQ(Parsed("localhost"), "localhost 11211");
  EXPECT_EQ(Parsed("::1"), "::1 11211");
  EXPECT_EQ(Parsed("[::1]"), "::1 11211");
  EXPECT_EQ(Parsed("[::1]:80"), "::1 80");
}

TEST(InterfaceTest, WhatIsNoneIsRefused) {
  for (const char* text : {"", ":80", "host:", "host:http", "host:65536", "[]:80"}) {
    EXPECT_THAT(Parsed(text), HasSubstr("no address; write HOST")) << text;
  }
}

TEST(ShardSizesTest, AShardHasManySegmentsThatHoldTheLargestItem) {
  EXPECT_EQ(SegmentBytesFor(16 * kGiB, kMiB), 2 * kMiB);
  EXPECT_EQ(SegmentBytesFor(32 * kMiB, kMiB), kMiB);
  EXPECT_EQ(SegmentBytesFor(256 * kMiB, kMiB), kMiB);
  EXPECT_EQ(SegmentBytesFor(32 * kMiB, 1024), 128 * kKiB);
  EXPECT_EQ(SegmentBytesFor(kMiB, 1024), 4 * kKiB);
  EXPECT_EQ(SegmentBytesFor(kGiB, 100 * kMiB), 128 * kMiB);
}

TEST(ShardSizesTest, ThereAreNoMoreShardsThanThreadsOrThanTheFileIsLargeEnoughFor) {
  EXPECT_EQ(ShardsFor(kGiB, 4, kMiB), 4u);
  EXPECT_EQ(ShardsFor(kGiB, 7, kMiB), 4u);
  EXPECT_EQ(ShardsFor(64 * kMiB, 4, kMiB), 4u);
  EXPECT_EQ(ShardsFor(32 * kMiB, 4, kMiB), 2u);
  EXPECT_EQ(ShardsFor(4 * kMiB, 4, kMiB), 1u);
  EXPECT_EQ(ShardsFor(64 * kGiB, 256, kMiB), 256u);
}

TEST(ShardSizesTest, MoreShardsThanTheLargestItemFitsIntoAreTooMany) {
  for (const uint64_t item_max_bytes : {uint64_t{1024}, uint64_t{kMiB}, 3 * kMiB}) {
    const uint32_t most = MostShards(64 * kMiB, item_max_bytes);
    EXPECT_LE(LeastFileBytes(most, item_max_bytes), 64 * kMiB);
    EXPECT_TRUE(most == kMaxShards || LeastFileBytes(most + 1, item_max_bytes) > 64 * kMiB);
    EXPECT_LE(ShardsFor(64 * kMiB, 256, item_max_bytes), most);
  }
}

}  // namespace
}  // namespace tombolo::kvcache

// How shards lie in a memory file, and what is refused.
#include "kvcache/shard/file_shape.h"

#include <array>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_text.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

using testing::HasSubstr;

constexpr uint64_t kFileBytes = 64 * kMiB;

FileShape ShapeOf(uint32_t shards) { return *ComputeFileShape(kFileBytes, shards, 17); }

TEST(FileShapeTest, ShardsLieBehindTheHeaderAndWithinTheFile) {
  for (const uint32_t shards : {1u, 3u, 4u, 256u}) {
    const FileShape shape = ShapeOf(shards);
    EXPECT_EQ(shape.shard_bytes % kExtentBytes, 0u);
    EXPECT_LE(kExtentBytes + shards * shape.shard_bytes, kFileBytes);
    EXPECT_GT(kExtentBytes + shards * (shape.shard_bytes + kExtentBytes), kFileBytes);
  }
}

TEST(FileShapeTest, SaysWhatIsOutOfRange) {
  EXPECT_THAT(Text(ComputeFileShape(kFileBytes, 0, 0)), HasSubstr("it must be 1 to 256"));
  EXPECT_THAT(Text(ComputeFileShape(kFileBytes, 257, 0)), HasSubstr("it must be 1 to 256"));
  EXPECT_THAT(Text(ComputeFileShape(4096, 1, 0)), HasSubstr("has no room for 1 shards"));
  EXPECT_THAT(Text(ComputeFileShape(0, 1, 0)), HasSubstr("has no room for 1 shards"));
}

TEST(FileShapeTest, KeysAreSpreadEvenly) {
  constexpr int kEach = 10'000;
  constexpr int kNear = 1'000;
  const FileShape shape = ShapeOf(4);
  std::array<int, 4> keys = {};
  for (int i = 0; i < 4 * kEach; ++i) ++keys[shape.ShardOf("key:" + std::to_string(i))];
  for (const int count : keys) EXPECT_NEAR(count, kEach, kNear);
}

class FileHeaderTest : public testing::Test {
 protected:
  FileHeaderTest() { WriteFileHeader(shape_, header_); }

  std::string Refusal() { return Text(ReadFileHeader(header_, kFileBytes)); }

  FileShape shape_ = ShapeOf(4);
  MemoryFileHeader header_ = {};
};

TEST_F(FileHeaderTest, WhatWasWrittenIsRead) {
  const auto read = ReadFileHeader(header_, kFileBytes);
  ASSERT_TRUE(read.ok()) << Text(read);
  EXPECT_EQ(read->shard_count, 4u);
  EXPECT_EQ(read->shard_bytes, shape_.shard_bytes);
  EXPECT_EQ(read->ShardOf("a key"), shape_.ShardOf("a key"));
}

TEST_F(FileHeaderTest, ZerosAreNoCacheYet) {
  const MemoryFileHeader zeros = {};
  EXPECT_TRUE(absl::IsFailedPrecondition(ReadFileHeader(zeros, kFileBytes).status()));
}

TEST_F(FileHeaderTest, WhateverDoesNotFitIsRefused) {
  const auto relaxed = std::memory_order_relaxed;
  EXPECT_THAT(Text(ReadFileHeader(header_, kFileBytes - 1)), HasSubstr("the file has"));
  header_.shard_bytes.store(UINT64_MAX, relaxed);
  EXPECT_THAT(Refusal(), HasSubstr("its header says"));
  header_.shard_count.store(UINT32_MAX, relaxed);
  EXPECT_THAT(Refusal(), HasSubstr("it must be 1 to 256"));
  header_.layout_version.store(99, relaxed);
  EXPECT_THAT(Refusal(), HasSubstr("the version 99"));
  header_.magic.store(1, relaxed);
  EXPECT_THAT(Refusal(), HasSubstr("the magic is 1"));
}

}  // namespace
}  // namespace tombolo::kvcache

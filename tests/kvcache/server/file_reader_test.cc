// A reader that maps the memory file of a server, for reading only.
#include "kvcache/client/file_reader.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/kvcache/server/shards_fixture.h"
#include "tests/support/status_text.h"

namespace tombolo::kvcache {
namespace {

using testing::HasSubstr;

class FileReaderTest : public ShardsTest {
 protected:
  FileReaderTest() {
    shards_->Tick();
    file_.TellOwner(kOwnerServing);
  }

  // Whose time stands still: the owner is not taken for dead while this test is held up.
  absl::StatusOr<FileReader> OpenReader() {
    auto reader = FileReader::Open(path_, [] { return int64_t{0}; });
    if (reader.ok()) reader->OwnerWasHeard();
    return reader;
  }

  std::string Read(FileReader& reader, std::string_view key) {
    std::string value;
    Found found;
    return reader.Get(key, value, found) == ReadResult::kHit ? value : "(miss)";
  }

  std::unique_ptr<WorkerBackend> backend_ = MakeBackend();
};

TEST_F(FileReaderTest, FindsTheItemsOfAllShards) {
  auto reader = OpenReader();
  ASSERT_TRUE(reader.ok()) << Text(reader);
  EXPECT_EQ(reader->Shape().shard_count, 4u);
  for (int i = 0; i < 1000; ++i) Set(*backend_, std::to_string(i), "value");
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(Read(*reader, std::to_string(i)), "value");
  EXPECT_EQ(Read(*reader, "nothing"), "(miss)");
}

TEST_F(FileReaderTest, IsToldThatTheOwnerHasStopped) {
  const auto reader = OpenReader();
  EXPECT_FALSE(reader->OwnerHasStopped());
  file_.TellOwner(kOwnerStopped);
  EXPECT_TRUE(reader->OwnerHasStopped());
}

TEST_F(FileReaderTest, IsToldThatAnotherFileWasPutInItsPlace) {
  const auto reader = OpenReader();
  { const MemoryFile killed = std::move(file_); }
  EXPECT_FALSE(reader->OwnerHasStopped());
  const auto next = MemoryFile::Claim({.path = path_, .file_bytes = 4 * kMiB});
  ASSERT_TRUE(next.ok()) << Text(next);
  EXPECT_TRUE(reader->OwnerHasStopped());
}

TEST_F(FileReaderTest, ManyKeysOfAllShardsAreFoundAtOnce) {
  const auto opened = OpenReader();
  auto reader = opened->Another();
  ASSERT_TRUE(reader.ok()) << Text(reader);
  reader->OwnerWasHeard();
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back(std::to_string(i));
  for (int i = 0; i < 100; i += 2) Set(*backend_, names[static_cast<size_t>(i)], "value");
  const std::vector<std::string_view> keys(names.begin(), names.end());
  std::vector<ManyAnswer> answers(keys.size());
  reader->GetMany(keys, answers);
  for (size_t i = 0; i < keys.size(); ++i) {
    const bool is_there = i % 2 == 0;
    EXPECT_EQ(answers[i].result, is_there ? ReadResult::kHit : ReadResult::kMiss) << i;
    EXPECT_EQ(answers[i].value, is_there ? "value" : "");
    EXPECT_EQ(answers[i].found.shard, reader->Shape().ShardOf(keys[i]));
  }
}

TEST_F(FileReaderTest, DescribesWithoutTheValue) {
  Set(*backend_, "key", "value");
  auto reader = OpenReader();
  Found found;
  EXPECT_EQ(reader->Describe("key", found), ReadResult::kHit);
  EXPECT_EQ(found.value_bytes, 5u);
  EXPECT_EQ(reader->Describe("nothing", found), ReadResult::kMiss);
}

TEST_F(FileReaderTest, WhatIsNoMemoryFileIsRefused) {
  EXPECT_TRUE(absl::IsNotFound(FileReader::Open(folder_.File("none")).status()));
  const std::string other = folder_.File("other");
  std::ofstream(other) << "no cache";
  EXPECT_THAT(Text(FileReader::Open(other)), HasSubstr("no cache was made in"));
  std::ofstream(other) << std::string(1 << 20, 'x');
  EXPECT_THAT(Text(FileReader::Open(other)), HasSubstr("no memory file of version 1"));
}

TEST_F(FileReaderTest, AFileThatIsReplacedStaysReadable) {
  Set(*backend_, "key", "value");
  auto reader = OpenReader();
  std::filesystem::remove(path_);
  EXPECT_EQ(Read(*reader, "key"), "value");
}

}  // namespace
}  // namespace tombolo::kvcache

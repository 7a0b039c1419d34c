#include "control/region_source/region_source.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "control/region_source/held_memory.h"
#include "control/region_source/uuid_file.h"
#include "tests/support/temp_dir.h"
#include "tests/transport/device/vfio/fake_sysfs.h"
#include "transport/base/units.h"
#include "transport/device/mapping.h"
#include "transport/region/region.h"
#include "transport/region/uuid_text.h"

namespace tombolo::control {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr RegionLimits kLimits{
    .region_bytes = kMiB, .slot_count = 4, .vector_count = 4, .endpoint_count = 64};

std::vector<std::byte> SomeRegion() {
  alignas(kExtentBytes) static std::byte memory[kMiB];
  static const absl::StatusOr<Region> formatted =
      Region::Format(memory, kLimits, RegionUuid{0xab}, CacheSizes{});
  EXPECT_TRUE(formatted.ok()) << formatted.status();
  return {memory, memory + kMiB};
}

void Fill(int fd) {
  const std::vector<std::byte> bytes = SomeRegion();
  ASSERT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}

// Looks for regions in a machine of its own: an empty /proc and a sysfs without devices.
class RegionSourceTest : public ::testing::Test {
 protected:
  RegionSourceTest() { std::filesystem::create_directories(folder_.File("proc")); }

  RegionSearch Search() {
    return {.file = {},
            .daemon_socket = folder_.File("no.sock"),
            .runtime_dir = folder_.File("run"),
            .proc = folder_.File("proc"),
            .system = sysfs_.Paths()};
  }

  // Shows this process, and no other, in the machine's /proc.
  void ShowOwnProcess() {
    std::filesystem::create_symlink("/proc/self", folder_.File("proc/" + std::to_string(getpid())));
  }

  std::string PutFile(const std::string& path) {
    const UniqueFd file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    Fill(file.Get());
    return path;
  }

  TempDir folder_;
  FakeSysfs sysfs_;
};

TEST_F(RegionSourceTest, OpensTheFileThatIsNamed) {
  RegionSearch search = Search();
  search.file = PutFile(folder_.File("region"));
  const auto source = RegionSource::Open(search);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(source->View().Uuid()[0], 0xab);
}

TEST_F(RegionSourceTest, NothingToFindIsUnavailable) {
  const absl::Status status = RegionSource::Open(Search()).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("no process"), HasSubstr("--region")));
}

TEST_F(RegionSourceTest, WhatIsNoRegionIsRefused) {
  RegionSearch search = Search();
  search.file = "/dev/null";
  EXPECT_TRUE(absl::IsFailedPrecondition(RegionSource::Open(search).status()));
  search.file = "/proc/self/exe";
  EXPECT_TRUE(absl::IsFailedPrecondition(RegionSource::Open(search).status()));
  search.file = folder_.File("nothing");
  EXPECT_TRUE(absl::IsUnavailable(RegionSource::Open(search).status()));
}

TEST_F(RegionSourceTest, FindsWhatAProcessHolds) {
  ShowOwnProcess();
  const auto memory = CreateSealedMemfd(kRegionMemfdName, kMiB);
  ASSERT_TRUE(memory.ok()) << memory.status();
  Fill(memory->Get());
  const UniqueFd twice(dup(memory->Get()));
  const auto source = RegionSource::Open(Search());
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(source->View().Uuid()[0], 0xab);
  EXPECT_THAT(source->Where(), HasSubstr(std::to_string(getpid())));
}

TEST_F(RegionSourceTest, SeveralRegionsAreListedToChooseFrom) {
  ShowOwnProcess();
  const auto one = CreateSealedMemfd(kRegionMemfdName, kMiB);
  const auto other = CreateSealedMemfd(kRegionMemfdName, kMiB);
  const auto stranger = CreateSealedMemfd("other", kMiB);
  const absl::Status status = RegionSource::Open(Search()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  const std::string text(status.message());
  EXPECT_THAT(text,
              AllOf(HasSubstr("2 regions"), HasSubstr("/fd/" + std::to_string(one->Get()) + " "),
                    HasSubstr("/fd/" + std::to_string(other->Get()) + " ")));
}

TEST_F(RegionSourceTest, OfSeveralItOpensTheOneThatTheRuntimeFolderNames) {
  ShowOwnProcess();
  const auto other = CreateSealedMemfd(kRegionMemfdName, kMiB);
  const auto meant = CreateSealedMemfd(kRegionMemfdName, kMiB);
  Fill(meant->Get());
  std::filesystem::create_directories(Search().runtime_dir);
  ASSERT_TRUE(WriteUuidFile(Search().runtime_dir, UuidText(RegionUuid{0xab})).ok());
  const auto source = RegionSource::Open(Search());
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(source->View().Uuid()[0], 0xab);
  ASSERT_TRUE(WriteUuidFile(Search().runtime_dir, UuidText(RegionUuid{0xac})).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(RegionSource::Open(Search()).status()));
}

TEST_F(RegionSourceTest, AMappingIsEnoughToHoldARegion) {
  auto memory = CreateSealedMemfd(kRegionMemfdName, kMiB);
  const auto mapping = Mapping::Map(memory->Get(), 0, kMiB);
  const HeldMemories open = FindHeldMemoriesOf("/proc", getpid());
  ASSERT_THAT(open.found, SizeIs(1)) << "descriptor and mapping are of one region";
  *memory = UniqueFd();
  const HeldMemories mapped = FindHeldMemoriesOf("/proc", getpid());
  ASSERT_THAT(mapped.found, SizeIs(1));
  EXPECT_EQ(mapped.found[0].id, open.found[0].id);
  EXPECT_THAT(mapped.found[0].path, HasSubstr("/map_files/"));
  EXPECT_THAT(mapped.found[0].pids, ElementsAre(getpid()));
}

TEST_F(RegionSourceTest, FindsTheDeviceOfAGuest) {
  sysfs_.AddIvshmem("0000:00:05.0");
  PutFile((sysfs_.Device("0000:00:05.0") / "resource2").string());
  const auto source = RegionSource::Open(Search());
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(source->Where(), "behind device 0000:00:05.0");
}

TEST_F(RegionSourceTest, ADeviceThatADriverHasSaysWhatToDo) {
  sysfs_.AddIvshmem("0000:00:05.0");
  const absl::Status status = RegionSource::Open(Search()).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("resource2"), HasSubstr("stop the agent")));
}

}  // namespace
}  // namespace tombolo::control

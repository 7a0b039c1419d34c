// Several regions in one program: made, resized, deleted, and gone on with after a kill.
#include "control/daemon/region_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/client/control_client.h"
#include "control/client/regions_client.h"
#include "control/daemon/daemon_options.h"
#include "control/daemon/region_word.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/holder/local_store.h"
#include "control/ivshmem_server/ivshmem_server.h"
#include "control/proto/region_values.h"
#include "tests/control/ivshmem_server/raw_client.h"
#include "tests/support/temp_dir.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"
#include "transport/region/geometry.h"

namespace tombolo::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kTestDeadlineNs = 20 * kNsPerSecond;
constexpr WantedLimits kSmall{.size_bytes = 2 * kMiB, .slots = 3, .vectors = 3, .endpoints = 64};
constexpr WantedLimits kLarger{.size_bytes = 4 * kMiB, .slots = 0, .vectors = 0, .endpoints = 0};
// More than any machine has.
constexpr WantedLimits kImpossible{.size_bytes = kMaxRegionBytes};

class RegionDeskTest : public ::testing::Test {
 protected:
  RegionDeskTest() {
    options_.runtime_dir = folder_.File("run");
    options_.limits = {
        .region_bytes = 4 * kMiB, .slot_count = 4, .vector_count = 3, .endpoint_count = 64};
    Restart();
  }

  // The program is killed and another one is started.
  void Restart() {
    desk_.reset();
    absl::StatusOr<std::unique_ptr<RegionDesk>> desk = RegionDesk::Start(*loop_, store_, options_);
    ASSERT_TRUE(desk.ok()) << desk.status();
    desk_ = *std::move(desk);
    loop_->Poll();
  }

  // What the desk tells, once the loop has turned.
  template <typename Told>
  Told Answer(const std::function<void(std::function<void(const Told&)>)>& ask) {
    std::optional<Told> told;
    ask([&told](const Told& answer) { told.emplace(answer); });
    loop_->Poll();
    return told ? *told : Told(absl::InternalError("nothing was told"));
  }

  using Region = absl::StatusOr<ServedRegion>;

  Region Create(const WantedRegion& wanted) {
    return Answer<Region>([&](auto done) { desk_->CreateRegion(wanted, done); });
  }
  Region Create(const std::string& name) {
    return Create({.name = name, .limits = kSmall, .group = {}});
  }
  Region Describe(const std::string& name) {
    return Answer<Region>([&](auto done) { desk_->DescribeRegion(name, done); });
  }
  Region Resize(const std::string& name, const WantedLimits& limits) {
    return Answer<Region>([&](auto done) { desk_->ResizeRegion(name, limits, done); });
  }
  absl::Status Delete(const std::string& name) {
    return Answer<absl::Status>([&](auto done) { desk_->DeleteRegion(name, done); });
  }
  std::vector<std::string> Names() {
    using List = absl::StatusOr<std::vector<ServedRegion>>;
    std::vector<std::string> names;
    const List list = Answer<List>([&](auto done) { desk_->ListRegions(done); });
    EXPECT_TRUE(list.ok()) << list.status();
    if (list.ok()) {
      for (const ServedRegion& region : *list) names.push_back(region.name);
    }
    return names;
  }

  std::string FolderOf(const std::string& name) const { return options_.runtime_dir + "/" + name; }
  std::string UuidAt(const std::string& folder) const {
    const auto region = ControlClient(folder + "/control.sock").GetRegion();
    return region.ok() ? region->uuid : region.status().ToString();
  }
  size_t PeersAt(const std::string& folder) const {
    return ControlClient(folder + "/control.sock").ListPeers().value().snapshot.peers.size();
  }

  void RunUntil(const std::function<bool()>& done) {
    bool is_late = false;
    const Watch watchdog = loop_->After(kTestDeadlineNs, [&] { is_late = true; });
    while (!done() && !is_late) loop_->RunOnce();
    EXPECT_FALSE(is_late);
  }

  RawClient Join(const std::string& name, uint32_t slot) {
    RawClient client(IvshmemServer::SlotPath(FolderOf(name), slot));
    RunUntil([&] {
      client.Read();
      return client.Messages().size() == 3 + size_t{kSmall.slots} * kSmall.vectors;
    });
    return client;
  }

  size_t KeptOf(const std::string& name) const {
    size_t kept = 0;
    for (const auto& [what, fd] : store_.Kept()) {
      kept += what.starts_with(absl::StrCat("region/", name, "/")) ? 1 : 0;
    }
    return kept;
  }

  TempDir folder_;
  DaemonOptions options_;
  LocalStore store_;
  std::unique_ptr<EventLoop> loop_ = EventLoop::Create().value();
  std::unique_ptr<RegionDesk> desk_;
};

TEST_F(RegionDeskTest, AFurtherRegionHasMemorySocketsAndMembersOfItsOwn) {
  const Region blue = Create("blue");
  ASSERT_TRUE(blue.ok()) << blue.status();
  EXPECT_EQ(blue->info.size_bytes, kSmall.size_bytes);
  EXPECT_EQ(blue->info.slots, kSmall.slots);
  EXPECT_EQ(blue->folder, FolderOf("blue"));
  EXPECT_EQ(blue->check->violations, 0u);
  EXPECT_EQ(std::filesystem::file_size(blue->memory_path), kSmall.size_bytes);
  EXPECT_THAT(Names(), ElementsAre("default", "blue"));
  EXPECT_EQ(UuidAt(FolderOf("blue")), blue->info.uuid);
  EXPECT_EQ(UuidAt(options_.runtime_dir), Describe("default")->info.uuid);
  EXPECT_NE(UuidAt(options_.runtime_dir), blue->info.uuid);
  const RawClient machine = Join("blue", 1);
  EXPECT_EQ(PeersAt(FolderOf("blue")), 2u);
  EXPECT_EQ(PeersAt(options_.runtime_dir), 1u);
  EXPECT_EQ(Describe("blue")->present.virtual_machines, 1u);
}

TEST_F(RegionDeskTest, AKilledProgramGoesOnWithAllRegions) {
  const Region blue = Create("blue");
  const RawClient machine = Join("blue", 2);
  const std::string first = UuidAt(options_.runtime_dir);
  Restart();
  EXPECT_THAT(Names(), ElementsAre("default", "blue"));
  EXPECT_EQ(UuidAt(FolderOf("blue")), blue->info.uuid);
  EXPECT_EQ(UuidAt(options_.runtime_dir), first);
  EXPECT_EQ(PeersAt(FolderOf("blue")), 2u);
}

// One that cannot be gone on with keeps the others from nothing, and is kept for who can.
TEST_F(RegionDeskTest, ARegionThatCannotBeGoneOnWithIsToldOf) {
  ASSERT_TRUE(Create("blue").ok());
  ASSERT_TRUE(Create("green").ok());
  const UniqueFd state(dup(store_.Kept().at("region/blue/daemon/state").Get()));
  const UniqueFd empty(memfd_create("empty", MFD_CLOEXEC));
  ASSERT_TRUE(store_.Store("region/blue/daemon/state", empty.Get()).ok());
  const std::string green = UuidAt(FolderOf("green"));
  options_.regions = {"blue:size=64M"};
  Restart();
  EXPECT_THAT(Names(), ElementsAre("default", "green", "blue"));
  EXPECT_EQ(UuidAt(FolderOf("green")), green);
  const Region blue = Describe("blue");
  ASSERT_TRUE(blue.ok()) << blue.status();
  EXPECT_NE(blue->problem, "");
  EXPECT_EQ(blue->folder, FolderOf("blue"));
  EXPECT_TRUE(absl::IsFailedPrecondition(Delete("blue")));
  EXPECT_TRUE(absl::IsFailedPrecondition(Resize("blue", kLarger).status()));
  EXPECT_TRUE(absl::IsAlreadyExists(Create("blue").status()));
  EXPECT_GT(KeptOf("blue"), 3u);
  ASSERT_TRUE(store_.Store("region/blue/daemon/state", state.Get()).ok());
  Restart();
  EXPECT_EQ(Describe("blue")->problem, "");
}

TEST_F(RegionDeskTest, OnlyWhereNobodyIsItIsResizedOrDeleted) {
  const Region blue = Create("blue");
  {
    const RawClient machine = Join("blue", 1);
    EXPECT_EQ(Resize("blue", kLarger).status().code(), absl::StatusCode::kFailedPrecondition);
    const absl::Status refused = Delete("blue");
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(refused.message(), HasSubstr("1 virtual machines"));
    // What it is already is no change.
    EXPECT_EQ(Resize("blue", kSmall)->info.uuid, blue->info.uuid);
  }
  RunUntil([&] { return PeersAt(FolderOf("blue")) == 1; });
  const Region larger = Resize("blue", kLarger);
  ASSERT_TRUE(larger.ok()) << larger.status();
  EXPECT_EQ(larger->info.size_bytes, kLarger.size_bytes);
  EXPECT_EQ(larger->info.slots, kSmall.slots);
  EXPECT_EQ(UuidAt(FolderOf("blue")), larger->info.uuid);
  EXPECT_NE(larger->info.uuid, blue->info.uuid);
  const RawClient machine = Join("blue", 1);
}

TEST_F(RegionDeskTest, OfADeletedRegionNothingIsLeft) {
  ASSERT_TRUE(Create("blue").ok());
  EXPECT_GT(KeptOf("blue"), 0u);
  const absl::Status deleted = Delete("blue");
  EXPECT_TRUE(deleted.ok()) << deleted;
  EXPECT_THAT(Names(), ElementsAre("default"));
  EXPECT_EQ(KeptOf("blue"), 0u);
  EXPECT_FALSE(std::filesystem::exists(FolderOf("blue")));
  EXPECT_EQ(Delete("blue").code(), absl::StatusCode::kNotFound);
  Restart();
  EXPECT_THAT(Names(), ElementsAre("default"));
  EXPECT_TRUE(Create("blue").ok());
}

TEST_F(RegionDeskTest, AfterAResizeThatFailsItIsAsBefore) {
  ASSERT_TRUE(Create("blue").ok());
  EXPECT_EQ(Resize("blue", kImpossible).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Describe("blue")->info.size_bytes, kSmall.size_bytes);
  const RawClient machine = Join("blue", 1);
  Restart();
  EXPECT_EQ(Describe("blue")->present.virtual_machines, 1u);
}

TEST_F(RegionDeskTest, WhoIsKilledWhileItDeletesHasDeleted) {
  ASSERT_TRUE(Create("blue").ok());
  ASSERT_TRUE(store_.Remove("region/blue/spec").ok());
  Restart();
  EXPECT_THAT(Names(), ElementsAre("default"));
  EXPECT_EQ(KeptOf("blue"), 0u);
  EXPECT_FALSE(std::filesystem::exists(FolderOf("blue")));
}

TEST_F(RegionDeskTest, WhoIsKilledWhileItMakesOneHasMadeIt) {
  const Region blue = Create("blue");
  ASSERT_TRUE(store_.Remove("region/blue/daemon/state").ok());
  Restart();
  const Region made = Describe("blue");
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->info.size_bytes, kSmall.size_bytes);
  EXPECT_EQ(made->info.slots, kSmall.slots);
  EXPECT_NE(made->info.uuid, blue->info.uuid);
}

TEST_F(RegionDeskTest, AnOrderlyEndLeavesNoFolderOfAFurtherRegion) {
  ASSERT_TRUE(Create("blue").ok());
  desk_->End();
  desk_.reset();
  EXPECT_TRUE(std::filesystem::is_empty(options_.runtime_dir));
}

TEST_F(RegionDeskTest, ErrorsSayWhatCanBe) {
  ASSERT_TRUE(Create("blue").ok());
  EXPECT_EQ(Create("blue").status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Create("default").status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(Describe("red").status().message(), HasSubstr("there are: default, blue"));
  EXPECT_EQ(Describe("red").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Resize("red", kLarger).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Resize("default", kLarger).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Delete("default").code(), absl::StatusCode::kFailedPrecondition);
  for (const char* name :
       {"", "-a", "a-", "../a", "A", "a/b", "a.sock", "abcdefghijklmnopqrstuvwxyz0123456789"}) {
    EXPECT_EQ(Create(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
  const Region odd = Create({.name = "red", .limits = {.size_bytes = 3 * kMiB}, .group = {}});
  EXPECT_THAT(odd.status().message(), HasSubstr("power of two"));
  const Region nobodys = Create({.name = "red", .limits = kSmall, .group = "no such group"});
  EXPECT_EQ(nobodys.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Create({.name = "red", .limits = kImpossible, .group = {}}).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(std::filesystem::exists(FolderOf("red")));
  EXPECT_EQ(KeptOf("red"), 0u);
}

TEST_F(RegionDeskTest, AFolderOfAnotherTombolodIsLeftAlone) {
  LocalStore store;
  DaemonOptions options = options_;
  options.runtime_dir = FolderOf("blue");
  const auto other = RegionDesk::Start(*loop_, store, options);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(Create("blue").status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(KeptOf("blue"), 0u);
  EXPECT_EQ(PeersAt(FolderOf("blue")), 1u);
}

TEST_F(RegionDeskTest, RegionsAreNotAdministeredAtAFurtherRegionsSocket) {
  ASSERT_TRUE(Create("blue").ok());
  RegionsClient client(FolderOf("blue") + "/control.sock");
  EXPECT_EQ(client.List().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(client.Delete("blue").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(RegionsClient(FolderOf("blue") + "/guest.sock").List().status().code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(RegionDeskTest, ThereAreNoMoreThanTheLimit) {
  constexpr WantedLimits kTiny{.size_bytes = kMiB, .slots = 2, .vectors = 2, .endpoints = 64};
  for (size_t i = 1; i < RegionDesk::kMostRegions; ++i) {
    const Region made = Create({.name = absl::StrCat("r", i), .limits = kTiny, .group = {}});
    ASSERT_TRUE(made.ok()) << made.status();
  }
  const Region refused = Create({.name = "one-more", .limits = kTiny, .group = {}});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(RegionWordTest, ARegionIsAWord) {
  EXPECT_EQ(*ParseRegionWord("blue"), (WantedRegion{.name = "blue", .limits = {}, .group = {}}));
  EXPECT_EQ(
      *ParseRegionWord("b:size=2M:slots=4:vectors=5:endpoints=64:group=kvm:huge-pages"),
      (WantedRegion{.name = "b",
                    .limits = {.size_bytes = 2 * kMiB, .slots = 4, .vectors = 5, .endpoints = 64},
                    .huge_pages = true,
                    .group = "kvm"}));
  for (const char* word :
       {"", "B", "default", "b:", "b:size", "b:size=", "b:size=3M", "b:size=2X", "b:size=-1",
        "b:size=99999999999999T", "b:slots=0", "b:slots=many", "b:slots=999", "b:endpoints=65",
        "b:group=", "b:colour=red", "b:huge-pages=1"}) {
    EXPECT_EQ(ParseRegionWord(word).status().code(), absl::StatusCode::kInvalidArgument) << word;
  }
}

TEST_F(RegionDeskTest, WhatIsWantedFromTheStartIsMadeWhereItIsMissing) {
  const Region blue = Create("blue");
  options_.regions = {"blue:size=64M", "red:size=4M:slots=3"};
  Restart();
  EXPECT_THAT(Names(), ElementsAre("default", "blue", "red"));
  EXPECT_EQ(Describe("blue")->info.uuid, blue->info.uuid);
  EXPECT_EQ(Describe("red")->info.slots, 3u);
  // Those who are there already are served also where another one cannot be made.
  options_.regions = {"large:size=1T"};
  Restart();
  EXPECT_THAT(Names(), ElementsAre("default", "blue", "red"));
}

}  // namespace
}  // namespace tombolo::control

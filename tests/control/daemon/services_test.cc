// Services of a real tombolod: their memory outlives the processes that write it.
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/control/broker/client_process.h"
#include "tests/support/daemon_process.h"
#include "tests/support/spin.h"
#include "transport/alloc/extent_map.h"
#include "transport/base/units.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/service_view.h"
#include "transport/fsck/check_region.h"
#include "transport/layout/extent_word.h"

namespace tombolo::control {
namespace {

using ::testing::IsEmpty;

constexpr uint32_t kExtents = 3;
constexpr int kPattern = 0x5a;

void Fill(const Region& region, uint32_t extent) {
  memset(region.Extent(extent), kPattern, kExtentBytes);
}

bool IsFilledWith(const Region& region, uint32_t extent, int byte) {
  return std::all_of(region.Extent(extent), region.Extent(extent) + kExtentBytes,
                     [byte](std::byte b) { return b == static_cast<std::byte>(byte); });
}

// The extent in which a claim is going on when the writer dies.
uint32_t UnfinishedExtent(const Region& region) { return region.Parts().extent_count - 1; }

// Writes memory of the service "cache" and of its own, begins one more claim, and waits to be
// killed.
int Write(const std::string& socket, int channel) {
  const auto endpoint = Endpoint::Attach(socket, "writer");
  if (!endpoint.ok()) return 1;
  const auto service = (*endpoint)->OpenService("cache");
  if (!service.ok()) return 2;
  const Region& region = (*endpoint)->SharedRegion();
  ExtentMap extents(region.ExtentMap());
  const auto first = extents.Claim(kExtents, service->Owner(), ExtentKind::kMemory);
  if (!first) return 3;
  for (uint32_t i = 0; i < kExtents; ++i) Fill(region, *first + i);
  if (!extents.Claim(1, static_cast<uint16_t>((*endpoint)->Id().index), ExtentKind::kMemory)) {
    return 4;
  }
  const uint32_t last = UnfinishedExtent(region);
  Fill(region, last);
  region.ExtentMap()[last].store(
      Pack({.state = ExtentState::kTail, .kind = ExtentKind::kMemory, .owner = service->Owner()}),
      std::memory_order_relaxed);
  Say(channel);
  while (true) pause();
}

class ServicesTest : public testing::Test {
 protected:
  void SetUp() override {
    writer_ =
        std::make_unique<ClientProcess>([this](int channel) { return Write(Socket(), channel); });
    Hear(writer_->Channel());
    endpoint_ = *Endpoint::Attach(Socket(), "self");
  }
  void TearDown() override { writer_.reset(); }

  std::string Socket() const { return daemon_.Broker(); }
  const Region& View() const { return endpoint_->SharedRegion(); }

  // The first extent of what the service owns.
  std::optional<uint32_t> FindRun(uint16_t owner) const {
    for (uint32_t i = 0; i < View().Parts().extent_count; ++i) {
      const ExtentWord word = ExtentMap(View().ExtentMap()).Look(i);
      if (word.state == ExtentState::kHead && word.owner == owner) return i;
    }
    return std::nullopt;
  }

  DaemonProcess daemon_;
  std::unique_ptr<ClientProcess> writer_;
  std::unique_ptr<Endpoint> endpoint_;
};

TEST_F(ServicesTest, FsckNamesThemAndTheirWriter) {
  const RegionReport report = CheckRegion(View());
  EXPECT_THAT(report.violations, IsEmpty());
  EXPECT_EQ(report.service_extents, kExtents + 1);
  ASSERT_FALSE(report.owners.empty());
  const OwnerReport& service = report.owners.back();
  EXPECT_EQ(service.standing, OwnerStanding::kService);
  EXPECT_EQ(service.name, "cache");
  EXPECT_EQ(service.unfinished_extents, 1u);
  EXPECT_EQ(service.writer, FindService(View(), "cache")->writer);
  EXPECT_EQ(service.writer.index, 0u);
}

TEST_F(ServicesTest, HaveOneWriterAtATime) {
  EXPECT_TRUE(absl::IsAlreadyExists(endpoint_->OpenService("cache").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(endpoint_->CloseService("cache")));
  EXPECT_TRUE(endpoint_->OpenService("mine").ok()) << "the connection has survived the refusals";
  EXPECT_TRUE(absl::IsInvalidArgument(endpoint_->OpenService("two words").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(endpoint_->OpenService(std::string(32, 'x')).status()));
}

TEST_F(ServicesTest, TheNextWriterFindsWhatTheLastOneLeft) {
  const auto before = FindService(View(), "cache");
  ASSERT_TRUE(before.has_value());
  writer_->Kill();
  ASSERT_TRUE(SpinUntil([&] { return FindService(View(), "cache")->writer == EndpointId{}; }));
  // Its own memory is reclaimed, the service's is not.
  ASSERT_TRUE(SpinUntil([&] { return !FindRun(0).has_value(); }));
  const auto service = endpoint_->OpenService("cache");
  ASSERT_TRUE(service.ok()) << service.status();
  EXPECT_EQ(service->index, before->index);
  EXPECT_EQ(service->incarnation, before->incarnation);
  const auto first = FindRun(service->Owner());
  ASSERT_TRUE(first.has_value());
  for (uint32_t i = 0; i < kExtents; ++i) {
    EXPECT_TRUE(IsFilledWith(View(), *first + i, kPattern)) << i;
  }
  // What was not finished is free, and its memory is nobody's secret.
  const uint32_t last = UnfinishedExtent(View());
  EXPECT_EQ(ExtentMap(View().ExtentMap()).Look(last).state, ExtentState::kFree);
  EXPECT_TRUE(IsFilledWith(View(), last, 0));
  const RegionReport report = CheckRegion(View());
  EXPECT_THAT(report.violations, IsEmpty());
  EXPECT_EQ(report.service_extents, kExtents);
  EXPECT_EQ(report.owners.back().writer, endpoint_->Id());
  // The new writer may free what it has found.
  EXPECT_TRUE(ExtentMap(View().ExtentMap()).Free(*first, service->Owner()));
}

TEST_F(ServicesTest, CloseFreesAllTheirMemory) {
  const auto service = FindService(View(), "cache");
  const auto first = FindRun(ServiceOwner(service->index));
  ASSERT_TRUE(first.has_value());
  writer_->Kill();
  ASSERT_TRUE(SpinUntil([&] { return endpoint_->CloseService("cache").ok(); }));
  ASSERT_TRUE(SpinUntil([&] { return !FindService(View(), "cache").has_value(); }));
  ASSERT_TRUE(SpinUntil([&] { return !FindRun(0).has_value(); }));
  const RegionReport report = CheckRegion(View());
  EXPECT_THAT(report.violations, IsEmpty());
  EXPECT_EQ(report.free_extents, report.extent_count);
  for (uint32_t i = 0; i < kExtents; ++i) EXPECT_TRUE(IsFilledWith(View(), *first + i, 0)) << i;
  const auto next = endpoint_->OpenService("cache");
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->incarnation, service->incarnation + 1);
}

}  // namespace
}  // namespace tombolo::control

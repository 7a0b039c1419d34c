// FsckTest: a small region whose words a test writes by hand.
#pragma once

#include <string.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "tests/transport/region/region_fixture.h"
#include "transport/fsck/check_region.h"
#include "transport/fsck/region_report.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/link.h"
#include "transport/layout/member_table.h"
#include "transport/layout/service_record.h"
#include "transport/region/region.h"

namespace tombolo {

// A violation of `kind` at `index` whose text has `text`.
MATCHER_P3(Is, kind, index, text, "") {
  return arg.kind == kind && arg.index == static_cast<uint32_t>(index) &&
         arg.text.find(text) != std::string::npos;
}

class FsckTest : public RegionTest {
 protected:
  static constexpr uint32_t kIncarnation = 7;

  void SetUp() override {
    RegionTest::SetUp();
    region_.emplace(*Region::Attach(Memory()));
  }

  void PutEndpoint(uint32_t index, EndpointState state, std::string_view name = "some") {
    EndpointRecord& record = region_->Endpoint(index);
    record.location.store(MakeLocation(1, 2, 4711), std::memory_order_relaxed);
    PutName(record.name, name);
    record.identity.store(MakeIdentity(kIncarnation, static_cast<uint32_t>(state)),
                          std::memory_order_relaxed);
    region_->Line(index).incarnation.store(kIncarnation, std::memory_order_relaxed);
  }

  void PutService(uint32_t index, std::string_view name, uint64_t writer = 0) {
    ServiceRecord& record = region_->Service(index);
    record.writer.store(writer, std::memory_order_relaxed);
    PutName(record.name, name);
    record.identity.store(MakeIdentity(1, static_cast<uint32_t>(ServiceState::kExists)),
                          std::memory_order_relaxed);
  }

  void Put(uint32_t extent, const ExtentWord& word) {
    region_->ExtentMap()[extent].store(Pack(word), std::memory_order_relaxed);
  }

  void PutRun(uint32_t first, uint32_t length, uint16_t owner, ExtentKind kind) {
    Put(first, {.state = ExtentState::kHead, .kind = kind, .owner = owner, .length = length});
    for (uint32_t i = 1; i < length; ++i) {
      Put(first + i, {.state = ExtentState::kTail, .kind = kind, .owner = owner});
    }
  }

  // A directory in `extent`, one extent long as 64 endpoints need.
  void PutDirectory(uint32_t index, uint32_t extent) {
    PutRun(extent, 1, static_cast<uint16_t>(index), ExtentKind::kLinkDirectory);
    region_->Line(index).link_directory.store(extent + 1, std::memory_order_relaxed);
  }

  // A link in `extent`, in the sender's directory.
  Link& PutLink(uint32_t sender, uint32_t receiver, uint32_t extent) {
    PutRun(extent, 1, static_cast<uint16_t>(sender), ExtentKind::kLink);
    // SAFETY: an extent is as large as a Link.
    Link& link = *reinterpret_cast<Link*>(region_->Extent(extent));
    link.magic.store(kLinkMagic, std::memory_order_relaxed);
    link.sender.store(static_cast<uint16_t>(sender), std::memory_order_relaxed);
    link.receiver.store(static_cast<uint16_t>(receiver), std::memory_order_relaxed);
    link.sender_incarnation.store(kIncarnation, std::memory_order_relaxed);
    Entry(sender, receiver).store(extent + 1, std::memory_order_relaxed);
    return link;
  }

  LinkDirectoryEntry& Entry(uint32_t sender, uint32_t receiver) {
    const auto extent = static_cast<uint32_t>(
        region_->Line(sender).link_directory.load(std::memory_order_relaxed) - 1);
    return reinterpret_cast<LinkDirectoryEntry*>(region_->Extent(extent))[receiver];
  }

  // Checks it, and that every extent is in one class.
  RegionReport Check() {
    RegionReport report = CheckRegion(*region_);
    EXPECT_EQ(report.extent_count, region_->Parts().extent_count);
    EXPECT_EQ(report.free_extents + report.owned_extents + report.quarantine_extents +
                  report.service_extents + report.lost_extents + report.changing_extents,
              report.extent_count);
    EXPECT_EQ(report.changing_extents, 0u) << "nobody is at work here";
    return report;
  }

  static const OwnerReport* Find(const RegionReport& report, uint16_t owner) {
    const auto found = std::ranges::find(report.owners, owner, &OwnerReport::owner);
    return found == report.owners.end() ? nullptr : &*found;
  }

  std::optional<Region> region_;

 private:
  static void PutName(std::span<SharedU64> words, std::string_view name) {
    char bytes[kEndpointNameBytes] = {};
    memcpy(bytes, name.data(), name.size());
    for (size_t i = 0; i < words.size(); ++i) {
      uint64_t word;
      memcpy(&word, bytes + i * sizeof(word), sizeof(word));
      words[i].store(word, std::memory_order_relaxed);
    }
  }
};

}  // namespace tombolo

#include "transport/region/geometry.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_text.h"
#include "transport/base/units.h"
#include "transport/layout/control_area.h"
#include "transport/layout/counters.h"
#include "transport/layout/endpoint_line.h"
#include "transport/layout/member_table.h"
#include "transport/layout/region_header.h"
#include "transport/layout/service_record.h"

namespace tombolo {
namespace {

using testing::HasSubstr;

struct Part {
  const char* name;
  uint64_t first;
  uint64_t bytes;
};

std::vector<Part> PartsOf(const RegionLimits& limits, const Geometry& geometry) {
  const uint64_t slots = limits.slot_count;
  const uint64_t endpoints = limits.endpoint_count;
  return {
      {"header", 0, sizeof(RegionHeader)},
      {"slot_records", geometry.slot_records.bytes, slots * sizeof(SlotRecord)},
      {"endpoint_records", geometry.endpoint_records.bytes, endpoints * sizeof(EndpointRecord)},
      {"service_records", geometry.service_records.bytes, kServiceCount * sizeof(ServiceRecord)},
      {"endpoint_lines", geometry.endpoint_lines.bytes, endpoints * sizeof(EndpointLine)},
      {"control_areas", geometry.control_areas.bytes, slots * sizeof(ControlArea)},
      {"counters", geometry.counters.bytes, endpoints * sizeof(EndpointCounters)},
      {"inboxes", geometry.inboxes.bytes, endpoints * endpoints},
      {"extent_map", geometry.extent_map.bytes, geometry.extent_count * sizeof(uint64_t)},
      {"extents", geometry.extents.bytes, geometry.extent_count * kExtentBytes},
  };
}

class GeometryTest : public testing::TestWithParam<RegionLimits> {
 protected:
  void SetUp() override {
    const auto geometry = ComputeGeometry(GetParam());
    ASSERT_TRUE(geometry.ok()) << Text(geometry);
    geometry_ = *geometry;
    parts_ = PartsOf(GetParam(), geometry_);
  }

  Geometry geometry_;
  std::vector<Part> parts_;
};

TEST_P(GeometryTest, PartsDoNotOverlap) {
  std::ranges::sort(parts_, {}, &Part::first);
  for (size_t i = 1; i < parts_.size(); ++i) {
    EXPECT_LE(parts_[i - 1].first + parts_[i - 1].bytes, parts_[i].first)
        << parts_[i - 1].name << " reaches into " << parts_[i].name;
  }
}

TEST_P(GeometryTest, PartsLieWithinTheRegionAtWholeExtents) {
  for (const Part& part : parts_) {
    EXPECT_LE(part.first + part.bytes, GetParam().region_bytes) << part.name;
    EXPECT_EQ(part.first % kExtentBytes, 0u) << part.name;
  }
}

TEST_P(GeometryTest, ExtentsAreTheLargerHalfAndReachTheEnd) {
  EXPECT_GE(geometry_.extent_count * kExtentBytes, GetParam().region_bytes / 2);
  EXPECT_EQ(geometry_.extents.bytes + geometry_.extent_count * kExtentBytes,
            GetParam().region_bytes);
}

INSTANTIATE_TEST_SUITE_P(
    Limits, GeometryTest,
    testing::Values(RegionLimits{},
                    RegionLimits{.region_bytes = kMinRegionBytes,
                                 .slot_count = kMinSlots,
                                 .vector_count = kMinVectors,
                                 .endpoint_count = kMinEndpoints},
                    RegionLimits{.region_bytes = kMaxRegionBytes,
                                 .slot_count = kMaxSlots,
                                 .vector_count = kMaxVectors,
                                 .endpoint_count = kMaxEndpoints},
                    RegionLimits{.region_bytes = 64 * kMiB, .slot_count = 17, .vector_count = 3}));

TEST(GeometryLimitsTest, TheDefaultsAreThoseOfTheDesign) {
  const RegionLimits limits;
  EXPECT_EQ(limits.region_bytes, 256 * kMiB);
  EXPECT_EQ(limits.slot_count, 16u);
  EXPECT_EQ(limits.vector_count, 16u);
  EXPECT_EQ(limits.endpoint_count, 1024u);
}

struct BadLimits {
  RegionLimits limits;
  const char* says;
};

void PrintTo(const BadLimits& bad, std::ostream* out) { *out << bad.says; }

class BadLimitsTest : public testing::TestWithParam<BadLimits> {};

TEST_P(BadLimitsTest, AreRefusedWithWhatWasSeenAndExpected) {
  const auto geometry = ComputeGeometry(GetParam().limits);
  EXPECT_TRUE(absl::IsInvalidArgument(geometry.status())) << Text(geometry);
  EXPECT_THAT(Text(geometry), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadLimitsTest,
    testing::Values(BadLimits{{.region_bytes = 0}, "size is 0 bytes"},
                    BadLimits{{.region_bytes = kMinRegionBytes / 2}, "for example 1048576"},
                    BadLimits{{.region_bytes = 2 * kMaxRegionBytes}, "size is 2199023255552 bytes"},
                    BadLimits{{.region_bytes = 200 * kMiB}, "for example 268435456"},
                    BadLimits{{.region_bytes = 256 * kMiB + 1}, "power of two"},
                    BadLimits{{.region_bytes = UINT64_MAX}, "power of two"},
                    BadLimits{{.slot_count = 1}, "slots is 1; it must be 2 to 256"},
                    BadLimits{{.slot_count = 257}, "slots is 257"},
                    BadLimits{{.slot_count = UINT32_MAX}, "slots is 4294967295"},
                    BadLimits{{.vector_count = 1}, "vectors is 1; it must be 2 to 256"},
                    BadLimits{{.vector_count = 257}, "vectors is 257"},
                    BadLimits{{.endpoint_count = 0}, "endpoints is 0; it must be 64 to 16384"},
                    BadLimits{{.endpoint_count = 63}, "multiple of 64"},
                    BadLimits{{.endpoint_count = 65}, "multiple of 64"},
                    BadLimits{{.endpoint_count = 16448}, "endpoints is 16448"},
                    BadLimits{{.endpoint_count = UINT32_MAX - 63}, "endpoints is 4294967232"},
                    BadLimits{{.region_bytes = kMiB},
                              "too small for 16 slots and 1024 endpoints"}));

}  // namespace
}  // namespace tombolo

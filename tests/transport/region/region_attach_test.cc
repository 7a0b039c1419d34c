// Attach: every field of the header is corrupted once; each is refused by name.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_text.h"
#include "tests/transport/region/region_fixture.h"
#include "transport/base/units.h"
#include "transport/layout/region_header.h"
#include "transport/region/geometry.h"
#include "transport/region/region.h"

namespace tombolo {
namespace {

using testing::HasSubstr;

struct Corruption {
  std::string what;
  uint64_t offset;
  uint64_t value;
  size_t bytes;
  std::string says;  // Part of the message.
};

void PrintTo(const Corruption& corruption, std::ostream* out) { *out << corruption.what; }

#define FIELD(field, value, says)                                          \
  Corruption {                                                             \
#field, offsetof(RegionHeader, field), static_cast < uint64_t>(value), \
        sizeof(RegionHeader::field), says                                  \
  }

std::vector<Corruption> Corruptions() {
  std::vector<Corruption> all = {
      FIELD(magic, 0, "starts with 0x0"),
      FIELD(magic, 0x4f4c4f424d4f5402, "a Tombolo region with 0x4f4c4f424d4f5401"),
      FIELD(layout_version, 0, "layout version 0"),
      FIELD(layout_version, 1, "knows version 2"),
      FIELD(header_bytes, 0, "header_bytes = 0, expected 320"),
      FIELD(header_bytes, 4096, "header_bytes = 4096, expected 320"),
      FIELD(region_bytes, 0, "header says 0 bytes, but 1048576 bytes are mapped"),
      FIELD(region_bytes, 2 * kMiB, "header says 2097152 bytes"),
      FIELD(region_bytes, UINT64_MAX, "header says 18446744073709551615 bytes"),
      FIELD(slot_count, 0, "slots is 0"),
      FIELD(slot_count, UINT32_MAX, "slots is 4294967295"),
      FIELD(slot_count, 5, "for 5 slots"),
      FIELD(vector_count, 0, "vectors is 0"),
      FIELD(vector_count, 257, "vectors is 257"),
      FIELD(endpoint_count, 0, "endpoints is 0"),
      FIELD(endpoint_count, 100, "endpoints is 100"),
      FIELD(endpoint_count, 128, "128 endpoints"),
      FIELD(extent_count, 0, "extent_count = 0, expected"),
      FIELD(extent_count, UINT32_MAX, "extent_count = 4294967295, expected"),
  };
  const Corruption offsets[] = {
      FIELD(slot_records_offset, 0, ""),    FIELD(endpoint_records_offset, 0, ""),
      FIELD(service_records_offset, 0, ""), FIELD(endpoint_lines_offset, 0, ""),
      FIELD(control_areas_offset, 0, ""),   FIELD(counters_offset, 0, ""),
      FIELD(inboxes_offset, 0, ""),         FIELD(extent_map_offset, 0, ""),
      FIELD(extents_offset, 0, ""),
  };
  for (Corruption offset : offsets) {
    for (const uint64_t value : {uint64_t{0}, uint64_t{1} << 19, UINT64_MAX}) {
      offset.value = value;
      offset.says = offset.what + " = " + std::to_string(value) + ", expected";
      all.push_back(offset);
    }
  }
  return all;
}

class RegionAttachTest : public RegionTest {};

class CorruptHeaderTest : public RegionTest, public testing::WithParamInterface<Corruption> {};

TEST_P(CorruptHeaderTest, IsRefusedByName) {
  ASSERT_TRUE(Region::Attach(Memory()).ok());
  memcpy(Memory().data() + GetParam().offset, &GetParam().value, GetParam().bytes);
  const auto region = Region::Attach(Memory());
  EXPECT_TRUE(absl::IsFailedPrecondition(region.status())) << Text(region);
  EXPECT_THAT(Text(region), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(EveryField, CorruptHeaderTest, testing::ValuesIn(Corruptions()));

TEST_F(RegionAttachTest, EveryByteOfTheFirstTwoLinesMattersOrIsNoLimit) {
  // The uuid is anybody's, vector_count has no tables of its own, reserved0 is reserved.
  const auto is_free = [](size_t at) {
    return (at >= offsetof(RegionHeader, uuid) && at < offsetof(RegionHeader, slot_count)) ||
           at == offsetof(RegionHeader, vector_count) || (at >= 56 && at < 64);
  };
  for (size_t at = 0; at < 128; ++at) {
    std::byte& byte = Memory()[at];
    const std::byte old = byte;
    byte ^= std::byte{0x01};
    EXPECT_EQ(Region::Attach(Memory()).ok(), is_free(at)) << "byte " << at;
    byte = old;
  }
}

TEST_F(RegionAttachTest, ZeroedMemoryIsNoRegion) {
  std::ranges::fill(Memory(), std::byte{0});
  const auto region = Region::Attach(Memory());
  EXPECT_TRUE(absl::IsFailedPrecondition(region.status())) << Text(region);
  EXPECT_THAT(Text(region), HasSubstr("served by tombolod"));
}

TEST_F(RegionAttachTest, ATruncatedMappingIsRefusedWithBothSizes) {
  const auto region = Region::Attach(Memory().first(kMiB - kExtentBytes));
  EXPECT_TRUE(absl::IsFailedPrecondition(region.status())) << Text(region);
  EXPECT_THAT(Text(region), HasSubstr("1044480 bytes"));
}

// Nothing is read beyond a mapping that ends before the header does.
TEST_F(RegionAttachTest, AMappingSmallerThanAnyRegionIsRefused) {
  for (const size_t bytes : {size_t{0}, size_t{64}, size_t{4096}, size_t{kMinRegionBytes - 1}}) {
    const auto region = Region::Attach(Memory().first(bytes));
    EXPECT_TRUE(absl::IsFailedPrecondition(region.status())) << Text(region);
  }
}

TEST_F(RegionAttachTest, ASizeThatIsNoPowerOfTwoIsRefused) {
  const uint64_t odd = kMiB + kExtentBytes;
  std::vector<std::byte> larger(odd + kExtentBytes);
  const auto start = reinterpret_cast<uintptr_t>(larger.data());
  std::byte* aligned = larger.data() + (kExtentBytes - start % kExtentBytes);
  Poke(offsetof(RegionHeader, region_bytes), odd);
  std::ranges::copy(Memory(), aligned);
  const auto region = Region::Attach({aligned, odd});
  EXPECT_TRUE(absl::IsFailedPrecondition(region.status())) << Text(region);
  EXPECT_THAT(Text(region), HasSubstr("power of two"));
}

}  // namespace
}  // namespace tombolo

// Words of 64 bits between one side that has accesses of 64 bits and one that has 32: nothing is
// ever seen that was not there. And that C knows the same layout as transport/layout.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "gtest/gtest.h"
#include "guest/flat/lane.h"
#include "guest/flat/layout.h"
#include "guest/flat/registers.h"
#include "tests/guest/flat/word_functions.h"
#include "transport/base/units.h"
#include "transport/device/ivshmem_registers.h"
#include "transport/layout/control_area.h"
#include "transport/layout/counters.h"
#include "transport/layout/endpoint_line.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/link.h"
#include "transport/layout/member_table.h"
#include "transport/layout/region_header.h"
#include "transport/layout/service_record.h"
#include "transport/layout/shared_word.h"
#include "transport/ring/small_lane.h"

namespace tombolo {
namespace {

static_assert(FLAT_EXTENT_BYTES == kExtentBytes && FLAT_LINE_BYTES == kCacheLineBytes);
static_assert((uint64_t{FLAT_MAGIC_HIGH} << 32 | FLAT_MAGIC_LOW) == kRegionMagic);
static_assert(FLAT_LAYOUT_VERSION == kLayoutVersion && FLAT_HEADER_BYTES == sizeof(RegionHeader));
static_assert(FLAT_AT_MAGIC == offsetof(RegionHeader, magic));
static_assert(FLAT_AT_LAYOUT_VERSION == offsetof(RegionHeader, layout_version));
static_assert(FLAT_AT_HEADER_BYTES == offsetof(RegionHeader, header_bytes));
static_assert(FLAT_AT_REGION_BYTES == offsetof(RegionHeader, region_bytes));
static_assert(FLAT_AT_SLOT_COUNT == offsetof(RegionHeader, slot_count));
static_assert(FLAT_AT_VECTOR_COUNT == offsetof(RegionHeader, vector_count));
static_assert(FLAT_AT_ENDPOINT_COUNT == offsetof(RegionHeader, endpoint_count));
static_assert(FLAT_AT_EXTENT_COUNT == offsetof(RegionHeader, extent_count));
static_assert(FLAT_AT_SLOT_RECORDS == offsetof(RegionHeader, slot_records_offset));
static_assert(FLAT_AT_ENDPOINT_RECORDS == offsetof(RegionHeader, endpoint_records_offset));
static_assert(FLAT_AT_ENDPOINT_LINES == offsetof(RegionHeader, endpoint_lines_offset));
static_assert(FLAT_AT_CONTROL_AREAS == offsetof(RegionHeader, control_areas_offset));
static_assert(FLAT_AT_COUNTERS == offsetof(RegionHeader, counters_offset));
static_assert(FLAT_AT_INBOXES == offsetof(RegionHeader, inboxes_offset));
static_assert(FLAT_AT_EXTENT_MAP == offsetof(RegionHeader, extent_map_offset));
static_assert(FLAT_AT_EXTENTS == offsetof(RegionHeader, extents_offset));
static_assert(FLAT_AT_SERVICE_RECORDS == offsetof(RegionHeader, service_records_offset));
static_assert(FLAT_AT_MEMBERSHIP_EPOCH == offsetof(RegionHeader, membership_epoch));
static_assert(FLAT_AT_ENDPOINT_HIGH_WATER == offsetof(RegionHeader, endpoint_high_water));

static_assert(FLAT_SLOT_RECORD_BYTES == sizeof(SlotRecord));
static_assert(FLAT_ENDPOINT_RECORD_BYTES == sizeof(EndpointRecord));
static_assert(FLAT_SERVICE_RECORD_BYTES == sizeof(ServiceRecord));
static_assert(FLAT_SERVICE_COUNT == kServiceCount);
static_assert(FLAT_ENDPOINT_LINE_BYTES == sizeof(EndpointLine));
static_assert(FLAT_CONTROL_AREA_BYTES == sizeof(ControlArea));
static_assert(FLAT_COUNTERS_BYTES == sizeof(EndpointCounters));
static_assert(FLAT_EXTENT_WORD_BYTES == sizeof(SharedU64));

static_assert(FLAT_RECORD_IDENTITY == offsetof(EndpointRecord, identity));
static_assert(FLAT_RECORD_LOCATION == offsetof(EndpointRecord, location));
static_assert(FLAT_RECORD_CHANGED_EPOCH == offsetof(EndpointRecord, changed_epoch));
static_assert(FLAT_RECORD_NAME == offsetof(EndpointRecord, name));
static_assert(FLAT_NAME_BYTES == kEndpointNameBytes);
static_assert(FLAT_ENDPOINT_LIVE == static_cast<uint32_t>(EndpointState::kLive));
static_assert(FLAT_ENDPOINT_DEAD == static_cast<uint32_t>(EndpointState::kDead));
static_assert(MakeIdentity(3, FLAT_ENDPOINT_LIVE) == (uint64_t{3} << 32 | FLAT_ENDPOINT_LIVE));
static_assert(MakeLocation(5, 6, 7) >> 32 == (5u << 16 | 6u));

static_assert(FLAT_LINE_ARMED == offsetof(EndpointLine, armed));
static_assert(FLAT_LINE_INCARNATION == offsetof(EndpointLine, incarnation));
static_assert(FLAT_LINE_ACKED_EPOCH == offsetof(EndpointLine, acked_epoch));
static_assert(FLAT_LINE_LINK_DIRECTORY == offsetof(EndpointLine, link_directory));

static_assert(FLAT_MESSAGES_SENT == offsetof(EndpointCounters, messages_sent));
static_assert(FLAT_BYTES_SENT == offsetof(EndpointCounters, bytes_sent));
static_assert(FLAT_MESSAGES_RECEIVED == offsetof(EndpointCounters, messages_received));
static_assert(FLAT_BYTES_RECEIVED == offsetof(EndpointCounters, bytes_received));
static_assert(FLAT_DOORBELLS_SENT == offsetof(EndpointCounters, doorbells_sent));
static_assert(FLAT_DOORBELLS_SUPPRESSED == offsetof(EndpointCounters, doorbells_suppressed));
static_assert(FLAT_CREDIT_STALLS == offsetof(EndpointCounters, credit_stalls));
static_assert(FLAT_BAD_HEADERS == offsetof(EndpointCounters, bad_headers));
static_assert(FLAT_BAD_DESCRIPTORS == offsetof(EndpointCounters, bad_descriptors));
static_assert(FLAT_BAD_LOANS == offsetof(EndpointCounters, bad_loans));
static_assert(FLAT_BAD_CREDITS == offsetof(EndpointCounters, bad_credits));

static_assert(Pack({ExtentState::kHead, ExtentKind::kLink, 0x1234, 0xfffff, 1}) ==
              (uint64_t{FLAT_EXTENT_HEAD << 28 | FLAT_KIND_LINK << 24 | 0x1234 << 8 | 0xff} << 32 |
               0xfff00001u));
static_assert(FLAT_KIND_LINK_DIRECTORY == static_cast<uint32_t>(ExtentKind::kLinkDirectory));
static_assert(FLAT_KIND_MEMORY == static_cast<uint32_t>(ExtentKind::kMemory));
static_assert(FLAT_KIND_QUARANTINE == static_cast<uint32_t>(ExtentKind::kQuarantine));

static_assert(FLAT_LINK_MAGIC == kLinkMagic && FLAT_LINK_AT_MAGIC == offsetof(Link, magic));
static_assert(FLAT_LINK_ENDS == offsetof(Link, sender));
static_assert(FLAT_LINK_ENDS + 2 == offsetof(Link, receiver));
static_assert(FLAT_LINK_SENDER_INCARNATION == offsetof(Link, sender_incarnation));
static_assert(FLAT_LINK_RECEIVER_INCARNATION == offsetof(Link, receiver_incarnation));
static_assert(FLAT_LINK_CREDIT_WANTED == offsetof(Link, credit_wanted));
static_assert(FLAT_LINK_CONSUMED_CELLS == offsetof(Link, consumed_cells));
static_assert(FLAT_LINK_RELEASED_CHUNKS == offsetof(Link, released_chunks));
static_assert(FLAT_LINK_RETURNED_LOANS == offsetof(Link, returned_loans));
static_assert(FLAT_LINK_PARKED == offsetof(Link, parked));
static_assert(FLAT_LINK_CELLS == offsetof(Link, cells));
static_assert(FLAT_CELLS == kLinkCells && FLAT_CELL_BYTES == kCellBytes);
static_assert(FLAT_CELL_HEADER_BYTES == kCellHeaderBytes);
static_assert(FLAT_MAX_MESSAGE_CELLS == kMaxMessageCells);
static_assert(FLAT_MAX_INLINE_BYTES == kMaxInlineBytes);
static_assert(FLAT_CELL_BULK == static_cast<uint32_t>(CellKind::kBulk));
static_assert(FLAT_CELL_BULK_SKIP == static_cast<uint32_t>(CellKind::kBulkSkip));
static_assert(FLAT_CELL_LOAN == static_cast<uint32_t>(CellKind::kLoan));
static_assert(FLAT_CELL_SKIP == static_cast<uint32_t>(CellKind::kSkip));
static_assert(Pack(CellHeader{.length = 9, .cells = 2, .tag = 3, .lap = 4}) ==
              (uint64_t{4 << 16 | 3 << 8 | FLAT_CELL_INLINE} << 32 | (2 << 24 | 9)));
static_assert(FLAT_BULK_CHUNK_BYTES == kBulkChunkBytes);
static_assert(FLAT_BULK_CHUNK_SKEW_BYTES == kBulkChunkSkewBytes);
static_assert(FLAT_BULK_DESCRIPTOR_BYTES == sizeof(BulkDescriptor));
static_assert(FLAT_LOAN_DESCRIPTOR_BYTES == sizeof(LoanDescriptor));
static_assert(FLAT_LOAN_SLOTS == kLoanSlots);

static_assert(offsetof(flat_registers, ivposition) == kIvPositionRegister);
static_assert(offsetof(flat_registers, doorbell) == kDoorbellRegister);
static_assert(sizeof(flat_registers) == 16);

constexpr uint64_t kSteps = 3'000'000;

// So that the high half changes in about every second step, by the low half's wrapping.
constexpr uint64_t ValueOf(uint64_t step) { return step * 0x7fff'fff1; }

TEST(FlatWordsTest, WhatGrowsByHalvesIsNeverSeenLargerThanItIs) {
  SharedU64 word;
  std::atomic<uint64_t> begun = 0;
  std::thread writer([&] {
    for (uint64_t step = 1; step <= kSteps; ++step) {
      begun.store(step, std::memory_order_seq_cst);
      flat_test_grow64(&word, ValueOf(step));
    }
  });
  uint64_t last = 0;
  for (uint64_t seen = 0; seen != ValueOf(kSteps);) {
    seen = word.load(std::memory_order_seq_cst);
    const uint64_t most = ValueOf(begun.load(std::memory_order_seq_cst));
    if (seen > most) ADD_FAILURE() << seen << " was seen, and at most " << most << " was stored";
    if (seen > most) break;
    last = std::max(last, seen);
  }
  writer.join();
  EXPECT_EQ(last, ValueOf(kSteps));
}

TEST(FlatWordsTest, WhatIsReadByHalvesWasStored) {
  SharedU64 word;
  std::atomic<uint64_t> done = 0;
  std::thread writer([&] {
    for (uint64_t step = 1; step <= kSteps; ++step) {
      word.store(ValueOf(step), std::memory_order_seq_cst);
      done.store(step, std::memory_order_seq_cst);
    }
  });
  uint64_t settled = 0;
  for (uint64_t before = 0; before != kSteps;) {
    before = done.load(std::memory_order_seq_cst);
    uint64_t seen = 0;
    if (!flat_test_load64(&word, &seen)) continue;
    ++settled;
    if (seen % 0x7fff'fff1 != 0 || seen < ValueOf(before)) {
      ADD_FAILURE() << seen << " was never stored, or not after step " << before;
      break;
    }
  }
  writer.join();
  EXPECT_GT(settled, 0u);
}

TEST(FlatRegistersTest, ADoorbellIsSlotAndVector) {
  flat_registers registers = {.intmask = 0, .intstatus = 0, .ivposition = 3, .doorbell = 0};
  EXPECT_EQ(flat_position(&registers), 3u);
  EXPECT_TRUE(flat_ring(&registers, 7, 63));
  EXPECT_EQ(registers.doorbell, DoorbellValue(7, 63));
}

TEST(FlatRegistersTest, WhatTheDeviceWouldLookUpOutOfBoundsIsNotRung) {
  flat_registers registers = {};
  EXPECT_FALSE(flat_ring(&registers, 1, FLAT_MAX_VECTORS));
  EXPECT_FALSE(flat_ring(&registers, FLAT_MAX_SLOTS, 0));
  EXPECT_EQ(registers.doorbell, 0u);
}

}  // namespace
}  // namespace tombolo

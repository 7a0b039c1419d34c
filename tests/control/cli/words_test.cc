#include "control/words/words.h"

#include <gtest/gtest.h>

#include "control/cli/progress_bar.h"
#include "control/cli/short_units.h"
#include "control/cli/table.h"
#include "control/registry/membership.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

EndpointInfo Named(std::string name, uint32_t index) {
  return {{index, 1}, 2, 3, 40, std::move(name), 0};
}

TEST(WordsTest, TimesAreUtc) {
  EXPECT_EQ(UtcTime(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(UtcTime(1'700'000'000'999'999'999), "2023-11-14T22:13:20Z");
}

TEST(WordsTest, NamesAreCounted) {
  EXPECT_EQ(NamesOf({}), "-");
  EXPECT_EQ(NamesOf({Named("rank", 0), Named("agent", 1), Named("rank", 2)}), "agent, rank x2");
}

TEST(WordsTest, ShortBootIsItsFirstPart) {
  EXPECT_EQ(ShortBoot("1b4e28ba-2fa1-41d2-883f-0016d3cca427"), "1b4e28ba");
  EXPECT_EQ(ShortBoot("plain"), "plain");
  EXPECT_EQ(ShortBoot(""), "-");
}

TEST(WordsTest, EachKindOfEventIsOneSentence) {
  MembershipEvent event;
  event.peer.slot = 2;
  event.peer.incarnation = 5;
  event.peer.boot_id = "abcd-ef";
  EXPECT_EQ(Sentence(event), "joined    slot 2, vm, incarnation 5");
  event.kind = EventKind::kBrokerReady;
  EXPECT_EQ(Sentence(event), "ready     slot 2, boot abcd");
  event.kind = EventKind::kPeerLeft;
  EXPECT_EQ(Sentence(event), "left      slot 2");
  event.endpoints = {Named("rank", 7)};
  EXPECT_EQ(Sentence(event),
            "left      slot 2; gone with it: rank (endpoint 7.1, pid 40, vector 3)");
  event.kind = EventKind::kEndpointAttached;
  EXPECT_EQ(Sentence(event), "attached  slot 2, rank (endpoint 7.1, pid 40, vector 3)");
}

TEST(ShortUnitsTest, BytesAreInTheLargestUnit) {
  EXPECT_EQ(ShortBytes(0), "0 B");
  EXPECT_EQ(ShortBytes(1023), "1023 B");
  EXPECT_EQ(ShortBytes(8 << 10), "8 KiB");
  EXPECT_EQ(ShortBytes((256 << 20) + 1), "256 MiB");
  EXPECT_EQ(ShortBytes(uint64_t{3} << 40), "3072 GiB");
}

TEST(ShortUnitsTest, TimesHaveTwoUnits) {
  EXPECT_EQ(ShortTime(-1), "0 s");
  EXPECT_EQ(ShortTime(59.9), "59 s");
  EXPECT_EQ(ShortTime(62), "1 min 2 s");
  EXPECT_EQ(ShortTime(3600), "1 h 0 min");
  EXPECT_EQ(ShortTime(3 * 86400 + 4 * 3600 + 59), "3 d 4 h");
}

TEST(TableTest, ColumnsAreAlignedAndTheLastIsNotPadded) {
  EXPECT_EQ(FormatTable({"A", "LONG", "C"}, {{"wide", "x", "1"}}, false),
            "A     LONG  C\nwide  x     1\n");
}

TEST(TableTest, OnlyADecoratedHeadingHasEscapes) {
  EXPECT_EQ(FormatTable({"A"}, {{"b"}}, true), "\033[1mA\033[0m\nb\n");
}

TEST(ProgressLineTest, TellsHowMuchHowFastAndHowLong) {
  EXPECT_EQ(ProgressLine("a", {.done = 512 * kMiB, .total = kGiB, .rate = 64.0 * kMiB}),
            "a [============>           ] 50 %  512 MiB of 1 GiB  64 MiB/s  8 s left");
  EXPECT_EQ(ProgressLine("a", {.done = 3, .total = 3, .rate = 1, .counts_bytes = false}),
            "a [========================] 100 %  3 of 3  0 s left");
}

TEST(ProgressLineTest, GuessesNothingBeforeThereIsARate) {
  EXPECT_EQ(ProgressLine("a", {.done = 0, .total = 2, .rate = 0, .counts_bytes = false}),
            "a [>                       ] 0 %  0 of 2");
  EXPECT_EQ(ProgressLine("a", {.done = 0, .total = 0}),
            "a [========================] 100 %  0 B of 0 B");
}

}  // namespace
}  // namespace tombolo::control

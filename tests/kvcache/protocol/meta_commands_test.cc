// The wording of the meta commands, and what stale and won items are.
#include <string>

#include "gtest/gtest.h"
#include "tests/kvcache/protocol/session_fixture.h"

namespace tombolo::kvcache {
namespace {

class MetaCommandsTest : public SessionTest {};

TEST_F(MetaCommandsTest, FlagsAreAnsweredInTheirOrder) {
  Ask("set a 5 100 3\r\nabc\r\n");
  EXPECT_EQ(Ask("mg a s v f t c k O7 h\r\n"), "VA 3 s3 f5 t100 c1 ka O7 h0\r\nabc\r\n");
  EXPECT_EQ(Ask("mg a h t T0\r\nmg a T5 t\r\n"), "HD h1 t100\r\nHD t5\r\n");
  EXPECT_EQ(Ask("mg nothing k O7 v\r\n"), "EN knothing O7\r\n");
  EXPECT_EQ(Ask("mg nothing q\r\nmg a q\r\nmn\r\n"), "HD\r\nMN\r\n");
}

TEST_F(MetaCommandsTest, SetAnswersWhatItIsAskedFor) {
  EXPECT_EQ(Ask("ms a 2 T100 F7 c k O9\r\nhi\r\n"), "HD c1 ka O9\r\n");
  EXPECT_EQ(Ask("ms a 2 ME\r\nhi\r\n"), "NS\r\n");
  EXPECT_EQ(Ask("ms b 2 MR\r\nhi\r\n"), "NS\r\n");
  EXPECT_EQ(Ask("ms a 1 C9 c\r\nx\r\n"), "EX c0\r\n");
  EXPECT_EQ(Ask("ms b 1 C9\r\nx\r\n"), "NF\r\n");
  EXPECT_EQ(Ask("ms a 1 MA\r\n!\r\nmg a v f\r\n"), "HD\r\nVA 3 f7\r\nhi!\r\n");
  EXPECT_EQ(Ask("ms a 1 q\r\nx\r\nms a 1 q ME\r\nx\r\n"), "NS\r\n");
}

TEST_F(MetaCommandsTest, ASetThatIsRefusedSkipsItsValue) {
  EXPECT_EQ(Ask("ms a 2 Mx\r\nhi\r\n"), "CLIENT_ERROR invalid mode for ms M token\r\n");
  EXPECT_EQ(Ask("ms a 2 MEE\r\nhi\r\n"), "CLIENT_ERROR incorrect length for M token\r\n");
  EXPECT_EQ(Ask("ms a 2 T0 T1\r\nhi\r\n"), "CLIENT_ERROR duplicate flag\r\n");
  EXPECT_EQ(Ask("ms a 2 !\r\nhi\r\n"), "CLIENT_ERROR invalid flag\r\n");
  EXPECT_EQ(Ask("ms a 2 O" + std::string(32, 'o') + "\r\nhi\r\n"),
            "CLIENT_ERROR opaque token too long\r\n");
  EXPECT_EQ(Ask("ms a S2\r\n"), "CLIENT_ERROR bad command line format\r\n");
  EXPECT_EQ(Ask("ms a\r\n"), "CLIENT_ERROR bad command line format\r\n");
  EXPECT_EQ(Ask("ms a 2 q\r\nhi!\r\n\r\n"), "CLIENT_ERROR bad data chunk\r\nERROR\r\nERROR\r\n");
}

TEST_F(MetaCommandsTest, WhatFollowsAnOpaqueThatIsTooLongDoesNotCount) {
  const std::string opaque = " O" + std::string(32, 'o');
  Ask("set a 0 100 1\r\n1\r\n");
  EXPECT_EQ(Ask("mg a" + opaque + " T50\r\nmg a t\r\n"),
            "CLIENT_ERROR opaque token too long\r\nHD t100\r\n");
  EXPECT_EQ(Ask("mg a T50" + opaque + "\r\nmg a t\r\n"),
            "CLIENT_ERROR opaque token too long\r\nHD t50\r\n");
  EXPECT_EQ(Ask("ma a" + opaque + " T70\r\nma a t v\r\n"),
            "CLIENT_ERROR opaque token too long\r\nVA 1 t50\r\n3\r\n");
}

TEST_F(MetaCommandsTest, OfSeveralErrorsTheLastIsTold) {
  EXPECT_EQ(Ask("mg a Tx Jx\r\nmg a Jx Tx\r\nmg a Jx Fx\r\nmg a Fx\r\nmg a Tx !\r\n"),
            "CLIENT_ERROR invalid numeric initial value\r\n"
            "CLIENT_ERROR bad token in command line format\r\n"
            "CLIENT_ERROR invalid numeric initial value\r\n"
            "CLIENT_ERROR bad command line format\r\n"
            "CLIENT_ERROR invalid flag\r\n");
}

TEST_F(MetaCommandsTest, OneClientWinsAMissAndTheOthersAreTold) {
  EXPECT_EQ(Ask("mg a N30 t v\r\n"), "VA 0 t30 W\r\n\r\n");
  EXPECT_EQ(Ask("mg a N30 v\r\n"), "VA 0 Z\r\n\r\n");
  EXPECT_EQ(Ask("ms a 1\r\nx\r\nmg a N30 v\r\n"), "HD\r\nVA 1\r\nx\r\n");
}

TEST_F(MetaCommandsTest, OneClientWinsWhatExpiresSoon) {
  Ask("set a 0 20 1\r\nx\r\n");
  EXPECT_EQ(Ask("mg a R10\r\nmg a R30\r\nmg a R30\r\n"), "HD\r\nHD W\r\nHD Z\r\n");
}

TEST_F(MetaCommandsTest, OneClientWinsWhatIsStale) {
  Ask("set a 0 0 1\r\nx\r\n");
  EXPECT_EQ(Ask("md a I T30\r\n"), "HD\r\n");
  EXPECT_EQ(Ask("mg a v t c\r\nmg a v\r\n"), "VA 1 t30 c2 X W\r\nx\r\nVA 1 Z X\r\nx\r\n");
  EXPECT_EQ(Ask("ms a 1 C1\r\ny\r\nms a 1 C1 I\r\ny\r\nmg a v\r\n"),
            "EX\r\nHD\r\nVA 1 Z X\r\ny\r\n");
  EXPECT_EQ(Ask("ms a 1 C3\r\nz\r\nmg a v\r\n"), "HD\r\nVA 1\r\nz\r\n");
}

TEST_F(MetaCommandsTest, DeleteLooksAtTheCasNumber) {
  Ask("set a 0 0 1\r\nx\r\n");
  EXPECT_EQ(Ask("md a C9 k\r\nmd a q C9\r\nmd a q\r\nmd a q O1\r\n"), "EX ka\r\nEX\r\nNF O1\r\n");
  EXPECT_EQ(Ask("md a !\r\n"), "CLIENT_ERROR invalid or duplicate flag\r\n");
}

TEST_F(MetaCommandsTest, ArithmeticCountsAndMakes) {
  EXPECT_EQ(Ask("ma a\r\nma a N0 J13 v t\r\n"), "NF\r\nVA 2 t-1\r\n13\r\n");
  EXPECT_EQ(Ask("ma a D7 v c\r\nma a MD D15 v\r\nma a q\r\n"), "VA 2 c2\r\n20\r\nVA 1\r\n5\r\n");
  EXPECT_EQ(Ask("ma a C1\r\nma a Mx\r\nma a Dx\r\n"),
            "EX\r\nCLIENT_ERROR invalid mode for ma M token\r\n"
            "CLIENT_ERROR invalid or duplicate flag\r\n");
  EXPECT_EQ(Ask("set a 0 0 1\r\nx\r\nma a\r\n"),
            "STORED\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
}

TEST_F(MetaCommandsTest, ABinaryKeyIsWrittenInBase64) {
  EXPECT_EQ(Ask("ms AGE= 1 b k\r\nx\r\n"), "HD kAGE= b\r\n");
  EXPECT_EQ(Ask("mg AGE= b k v\r\n"), "VA 1 kAGE= b\r\nx\r\n");
  EXPECT_EQ(Ask("mg abc b\r\n"), "CLIENT_ERROR error decoding key\r\n");
}

TEST_F(MetaCommandsTest, DebugTellsWhatIsKnown) {
  Ask("set a 0 0 1\r\nx\r\n");
  EXPECT_EQ(Ask("me a\r\nme nothing\r\nme\r\n"),
            "ME a exp=-1 la=0 cas=1 fetch=no cls=1 size=32\r\nEN\r\n"
            "CLIENT_ERROR bad command line format\r\n");
  Ask("get a\r\ntouch a 30\r\n");
  EXPECT_EQ(Ask("me a\r\n"), "ME a exp=-30 la=0 cas=1 fetch=yes cls=1 size=32\r\n");
}

TEST_F(MetaCommandsTest, TooManyFlagsAreRefused) {
  EXPECT_EQ(Ask("mg a b c f h k l O q s t u v N0 R0 T0 P L x\r\n"),
            "CLIENT_ERROR options flags are too long\r\n");
  EXPECT_EQ(Ask("md a b c f h k l O q s t u v N0 R0 T0 P L x\r\n"),
            "CLIENT_ERROR options flags too long\r\n");
}

}  // namespace
}  // namespace tombolo::kvcache

// The wording of the text protocol, and its rules at the edges.
#include <string>

#include "gtest/gtest.h"
#include "tests/kvcache/protocol/session_fixture.h"

namespace tombolo::kvcache {
namespace {

class TextProtocolTest : public SessionTest {};

TEST_F(TextProtocolTest, SetIsStoredAndGetFindsIt) {
  EXPECT_EQ(Ask("set a 5 0 3\r\nabc\r\n"), "STORED\r\n");
  EXPECT_EQ(Ask("get a\r\n"), "VALUE a 5 3\r\nabc\r\nEND\r\n");
  EXPECT_EQ(Ask("gets a nothing a\n"), "VALUE a 5 3 1\r\nabc\r\nVALUE a 5 3 1\r\nabc\r\nEND\r\n");
}

TEST_F(TextProtocolTest, EachWayOfStoringHasItsCondition) {
  EXPECT_EQ(Ask("replace a 0 0 1\r\nx\r\n"), "NOT_STORED\r\n");
  EXPECT_EQ(Ask("append a 0 0 1\r\nx\r\n"), "NOT_STORED\r\n");
  EXPECT_EQ(Ask("cas a 0 0 1 7\r\nx\r\n"), "NOT_FOUND\r\n");
  EXPECT_EQ(Ask("add a 9 0 1\r\nb\r\n"), "STORED\r\n");
  EXPECT_EQ(Ask("add a 0 0 1\r\nx\r\n"), "NOT_STORED\r\n");
  EXPECT_EQ(Ask("cas a 0 0 1 7\r\nx\r\n"), "EXISTS\r\n");
  EXPECT_EQ(Ask("append a 0 0 1\r\nc\r\n"), "STORED\r\n");
  EXPECT_EQ(Ask("prepend a 0 0 1\r\na\r\n"), "STORED\r\n");
  EXPECT_EQ(Ask("get a\r\n"), "VALUE a 9 3\r\nabc\r\nEND\r\n");
}

TEST_F(TextProtocolTest, ACommandThatStoresIsCheckedBeforeItsValue) {
  EXPECT_EQ(Ask("set a 0 0\r\n"), "ERROR\r\n");
  EXPECT_EQ(Ask("set a -1 0 1\r\n"), "CLIENT_ERROR bad command line format\r\n");
  EXPECT_EQ(Ask("set a 0 0 -1\r\n"), "CLIENT_ERROR bad command line format\r\n");
  EXPECT_EQ(Ask("cas a 0 0 1 x\r\n"), "CLIENT_ERROR bad command line format\r\n");
  EXPECT_EQ(Ask("set " + std::string(251, 'k') + " 0 0 1\r\nx\r\n"),
            "CLIENT_ERROR bad command line format\r\nERROR\r\n");
}

TEST_F(TextProtocolTest, AValueMustEndWhereItIsSaidTo) {
  EXPECT_EQ(Ask("set a 0 0 1\r\nxyz\r\n"), "CLIENT_ERROR bad data chunk\r\nERROR\r\n");
  EXPECT_EQ(Ask("get a\r\n"), "END\r\n");
}

TEST_F(TextProtocolTest, WhatIsTooLargeIsSkippedAndTheOldValueIsGone) {
  Ask("set a 0 0 1\r\nx\r\n");
  EXPECT_EQ(Ask("add a 0 0 9000\r\n" + std::string(9000, 'x') + "\r\nget a\r\n"),
            "SERVER_ERROR object too large for cache\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
  EXPECT_EQ(Ask("set a 0 0 9000\r\n" + std::string(9000, 'x') + "\r\nget a\r\n"),
            "SERVER_ERROR object too large for cache\r\nEND\r\n");
}

TEST_F(TextProtocolTest, NoreplyIsSilent) {
  EXPECT_EQ(Ask("set a 0 0 1 noreply\r\n1\r\nincr a 1 noreply\r\ntouch a 0 noreply\r\n"
                "verbosity 1 noreply\r\nget a\r\ndelete a noreply\r\nflush_all noreply\r\n"),
            "VALUE a 0 1\r\n2\r\nEND\r\n");
}

TEST_F(TextProtocolTest, IncrWrapsAndDecrPads) {
  Ask("set a 0 0 2\r\n15\r\nset b 0 0 1\r\nx\r\n");
  EXPECT_EQ(Ask("decr a 6\r\nget a\r\n"), "9\r\nVALUE a 0 2\r\n9 \r\nEND\r\n");
  EXPECT_EQ(Ask("decr a 10\r\n"), "0\r\n");
  EXPECT_EQ(Ask("incr a 18446744073709551615\r\nincr a 2\r\n"), "18446744073709551615\r\n1\r\n");
  EXPECT_EQ(Ask("incr b 1\r\n"),
            "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
  EXPECT_EQ(Ask("incr a -1\r\n"), "CLIENT_ERROR invalid numeric delta argument\r\n");
  EXPECT_EQ(Ask("incr nothing 1\r\n"), "NOT_FOUND\r\n");
}

TEST_F(TextProtocolTest, ExpiryIsRelativeForThirtyDays) {
  Ask("set a 0 10 1\r\nx\r\nset b 0 2592001 1\r\nx\r\nset c 0 -1 1\r\nx\r\n");
  EXPECT_EQ(Ask("get a b c\r\n"), "VALUE a 0 1\r\nx\r\nEND\r\n");
  world_.now_s += 10;
  EXPECT_EQ(Ask("get a\r\n"), "END\r\n");
}

TEST_F(TextProtocolTest, TouchAndGatMoveTheExpiry) {
  Ask("set a 0 10 1\r\nx\r\nset b 0 10 1\r\nx\r\n");
  EXPECT_EQ(Ask("touch a 100\r\n"), "TOUCHED\r\n");
  EXPECT_EQ(Ask("gat 100 b nothing\r\n"), "VALUE b 0 1\r\nx\r\nEND\r\n");
  EXPECT_EQ(Ask("touch nothing 1\r\ngat x a\r\ntouch a x\r\ngat 0\r\n"),
            "NOT_FOUND\r\nCLIENT_ERROR invalid exptime argument\r\n"
            "CLIENT_ERROR invalid exptime argument\r\nEND\r\n");
  world_.now_s += 99;
  EXPECT_EQ(Ask("get a b\r\n"), "VALUE a 0 1\r\nx\r\nVALUE b 0 1\r\nx\r\nEND\r\n");
}

TEST_F(TextProtocolTest, DeleteTakesAZeroAndNothingElse) {
  Ask("set a 0 0 1\r\nx\r\n");
  const std::string usage =
      "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n";
  EXPECT_EQ(Ask("delete a 1\r\ndelete a 0 0\r\ndelete a noreply 0\r\n"), usage + usage + usage);
  EXPECT_EQ(Ask("delete a 1 noreply\r\ndelete a noreply noreply\r\n"), "");
  EXPECT_EQ(Ask("delete a 0\r\ndelete a\r\n"), "DELETED\r\nNOT_FOUND\r\n");
  Ask("set a 0 0 1\r\nx\r\nset noreply 0 0 1\r\nx\r\ndelete a 0 noreply\r\n");
  EXPECT_EQ(Ask("delete noreply\r\nget a\r\n"), "DELETED\r\nEND\r\n");
}

TEST_F(TextProtocolTest, FlushAllMayBeForLater) {
  Ask("set a 0 0 1\r\nx\r\n");
  EXPECT_EQ(Ask("flush_all 100\r\nget a\r\n"), "OK\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
  world_.now_s += 100;
  EXPECT_EQ(Ask("get a\r\n"), "END\r\n");
  Ask("set a 0 0 1\r\nx\r\n");
  EXPECT_EQ(Ask("flush_all\r\nget a\r\nflush_all x\r\n"),
            "OK\r\nEND\r\nCLIENT_ERROR invalid exptime argument\r\n");
  world_.server.facts.allows_flush = false;
  EXPECT_EQ(Ask("flush_all\r\n"), "CLIENT_ERROR flush_all not allowed\r\n");
}

TEST_F(TextProtocolTest, ALongKeyMakesTheWholeAnswerAnError) {
  Ask("set a 0 10 1\r\nx\r\n");
  EXPECT_EQ(Ask("get a " + std::string(251, 'k') + "\r\n"),
            "CLIENT_ERROR bad command line format\r\n");
  EXPECT_EQ(Ask("gat 100 a " + std::string(251, 'k') + "\r\n"),
            "CLIENT_ERROR bad command line format\r\n");
  world_.now_s += 10;
  EXPECT_EQ(Ask("get a\r\n"), "VALUE a 0 1\r\nx\r\nEND\r\n") << "it was touched";
}

TEST_F(TextProtocolTest, WhatIsNotKnownIsAnError) {
  EXPECT_EQ(Ask("\r\nx\r\nGET a\r\nget\r\nmx a\r\nstats nothing\r\n"),
            "ERROR\r\nERROR\r\nERROR\r\nERROR\r\nERROR\r\nERROR\r\n");
  EXPECT_EQ(Ask("version\r\nshutdown\r\nverbosity x\r\nverbosity\r\n"),
            "VERSION 1.6.18\r\nERROR: shutdown not enabled\r\n"
            "CLIENT_ERROR bad command line format\r\nERROR\r\n");
}

TEST_F(TextProtocolTest, QuitIsTheEnd) {
  EXPECT_EQ(Ask("version\r\nquit\r\nversion\r\n"), "VERSION 1.6.18\r\n");
  EXPECT_TRUE(session_.IsClosed());
}

TEST_F(TextProtocolTest, AWebBrowserIsNotAnswered) {
  EXPECT_EQ(Ask("get HTTP/1.1\r\n"), "END\r\n");
  EXPECT_EQ(Ask("GET / HTTP/1.1\r\nversion\r\n"), "");
  EXPECT_TRUE(session_.IsClosed());
}

TEST_F(TextProtocolTest, AllItemsButTheirValuesAreDumped) {
  Ask("set a 5 0 3\r\nabc\r\nset b%2/ 5 100 3\r\nabc\r\nset c 0 1 1\r\nx\r\nget a\r\n");
  world_.now_s += 1;
  const std::string now = std::to_string(world_.now_s);
  const std::string a = "key=a exp=-1 la=" + now + " cas=1 fetch=yes cls=1 size=32\n";
  const std::string b = "key=b%252%2F exp=" + std::to_string(kSessionStartS + 100) + " la=" + now +
                        " cas=2 fetch=no cls=1 size=32\n";
  for (const char* classes : {"all", "hash", "1", "1,2,63"}) {
    const std::string dump = Ask(std::string("lru_crawler metadump ") + classes + "\r\n");
    EXPECT_TRUE(dump == a + b + "END\r\n" || dump == b + a + "END\r\n") << dump;
  }
  EXPECT_EQ(Ask("lru_crawler metadump 1,x\r\n"), "BADCLASS invalid class id\r\n");
  EXPECT_EQ(Ask("lru_crawler enable\r\nlru_crawler crawl all\r\nslabs reassign 1 2\r\n"),
            "OK\r\nOK\r\nCLIENT_ERROR slab reassignment disabled\r\n");
  world_.server.facts.allows_dump = false;
  EXPECT_EQ(Ask("lru_crawler metadump all\r\n"), "ERROR metadump not allowed\r\n");
}

TEST_F(TextProtocolTest, MemoryMayBeLimitedToWhatThereIs) {
  EXPECT_EQ(Ask("cache_memlimit 7\r\n"),
            "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n");
  EXPECT_EQ(Ask("cache_memlimit 8\r\n"),
            "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n");
}

}  // namespace
}  // namespace tombolo::kvcache

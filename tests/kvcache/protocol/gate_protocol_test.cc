// A session that asks who its client is: kvcache/protocol/gate_protocol.h.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kvcache/protocol/credentials.h"
#include "kvcache/protocol/session.h"
#include "tests/kvcache/protocol/session_fixture.h"

namespace tombolo::kvcache {
namespace {

using testing::HasSubstr;

constexpr std::string_view kGood = "set who 0 0 10\r\nalice clue\r\n";
constexpr std::string_view kUnknown = "CLIENT_ERROR unauthenticated\r\n";
constexpr std::string_view kWrong = "CLIENT_ERROR authentication failure\r\n";

class GateTest : public testing::Test {
 protected:
  GateTest() { world_.server.credentials = &credentials_; }

  std::string Hear(std::string_view input, size_t step = SIZE_MAX) {
    return Talk(session_, input, step);
  }

  Credentials credentials_ = *Credentials::Parse("alice:clue\nbob:with:colon\n");
  SessionWorld world_;
  Session session_{world_.server};
};

TEST_F(GateTest, NothingIsAnsweredToWhoeverIsUnknown) {
  for (const char* line : {"get a", "set a 0 0", "stats", "mn", "", "set a 0 0 x", "flush_all"}) {
    EXPECT_EQ(Hear(std::string(line) + "\r\n"), kUnknown) << line;
  }
}

TEST_F(GateTest, WhoeverIsKnownIsServed) {
  EXPECT_EQ(Hear(kGood), "STORED\r\n");
  EXPECT_EQ(Hear("get who\r\nmn\r\n"), "END\r\nMN\r\n");
}

TEST_F(GateTest, ThePasswordMayComeInPiecesAndWithWhatFollows) {
  EXPECT_EQ(Hear(std::string(kGood) + "mn\r\n", 1), "STORED\r\nMN\r\n");
  Session other(world_.server);
  EXPECT_EQ(Talk(other, std::string(kGood) + "mn\r\n", SIZE_MAX), "STORED\r\nMN\r\n");
}

TEST_F(GateTest, EveryOtherWordIsRefused) {
  for (const char* words : {"alice clu", "alice clueX", "alice", "alice:clue", "bob with", " clue",
                            "", "alice  clue", "bob clue"}) {
    const std::string text = words;
    EXPECT_EQ(Hear("set a 0 0 " + std::to_string(text.size()) + "\r\n" + text + "\r\n"), kWrong)
        << words;
  }
  EXPECT_EQ(world_.server.counters.auth_errors.Get(), 9u);
  EXPECT_EQ(Hear("set a 0 0 14\r\nbob with:colon\r\n"), "STORED\r\n");
  EXPECT_EQ(world_.server.counters.auth_cmds.Get(), 10u);
}

TEST_F(GateTest, WhatIsTooLongEndsIt) {
  EXPECT_EQ(Hear(std::string(3000, 'x')), "");
  EXPECT_TRUE(session_.IsClosed());
  Session other(world_.server);
  EXPECT_EQ(Talk(other, "set a 0 0 4000000000\r\n", SIZE_MAX), "");
  EXPECT_TRUE(other.IsClosed());
}

TEST(CredentialsTest, SayWhichLineIsWrong) {
  EXPECT_THAT(std::string(Credentials::Parse("a:b\nnobody\n").status().message()),
              HasSubstr("line 2 is not USER:PASSWORD"));
  for (const char* text : {":b", "a:", "\n\n", ""}) {
    EXPECT_FALSE(Credentials::Parse(text).ok()) << text;
  }
  EXPECT_TRUE(Credentials::Parse("a:b").ok());
}

}  // namespace
}  // namespace tombolo::kvcache

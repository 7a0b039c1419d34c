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

  // A set with that value.
  std::string Say(const std::string& words) {
    return Hear("set a 0 0 " + std::to_string(words.size()) + "\r\n" + words + "\r\n");
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

TEST_F(GateTest, EveryOtherPasswordIsRefused) {
  for (const char* words : {"alice clu", "alice clueX", "bob with", "bob clue", "clue alice"}) {
    EXPECT_EQ(Say(words), kWrong) << words;
  }
  EXPECT_EQ(world_.server.counters.auth_errors.Get(), 5u);
  EXPECT_EQ(Say("bob with:colon"), "STORED\r\n");
  EXPECT_EQ(world_.server.counters.auth_cmds.Get(), 6u);
}

TEST_F(GateTest, WhatIsNoPasswordIsNotCounted) {
  for (const char* words : {"alice", "alice:clue", " clue", ""}) {
    EXPECT_EQ(Say(words), "CLIENT_ERROR bad authentication token format\r\n") << words;
  }
  EXPECT_EQ(Hear("set a 0 0 3\r\nalice"), "CLIENT_ERROR bad command line termination\r\n");
  EXPECT_EQ(world_.server.counters.auth_cmds.Get(), 0u);
}

TEST_F(GateTest, BlanksAndLaterWordsDoNotMatter) {
  EXPECT_EQ(Say("  alice  clue and more"), "STORED\r\n");
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
  for (const char* text : {":b", "a:", "a:b c", "a b:c", "\n\n", ""}) {
    EXPECT_FALSE(Credentials::Parse(text).ok()) << text;
  }
}

TEST(CredentialsTest, LinesMayEndInAnyWay) {
  const auto credentials = Credentials::Parse("a:b\r\n\r\nc:d");
  ASSERT_TRUE(credentials.ok());
  EXPECT_TRUE(credentials->Admit("a", "b"));
  EXPECT_TRUE(credentials->Admit("c", "d"));
  EXPECT_FALSE(credentials->Admit("a", "d"));
}

}  // namespace
}  // namespace tombolo::kvcache

// What holds for all protocols: splits of the input, limits of memory, back-pressure.
#include "kvcache/protocol/session.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kvcache/protocol/binary_header.h"
#include "tests/kvcache/protocol/command_maker.h"
#include "tests/kvcache/protocol/session_fixture.h"
#include "tests/kvcache/protocol/watched_backend.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr int kScripts = 12;
constexpr int kCommands = 60;
constexpr size_t kMaxTestLineBytes = 2048 - 1;  // With the carriage return.
constexpr size_t kSteps[] = {1, 2, 7, 100};

class SplitTest : public testing::TestWithParam<Language> {};

std::string AnswersTo(const std::string& script, size_t step) {
  SessionWorld world;
  Session session(world.server);
  return Talk(session, script, step);
}

TEST_P(SplitTest, TheAnswersAreTheSameHoweverTheInputIsSplit) {
  for (uint64_t seed = 1; seed <= kScripts; ++seed) {
    const std::string script = CommandMaker(seed, GetParam(), 1).Script(kCommands);
    const std::string whole = AnswersTo(script, script.size());
    EXPECT_GT(whole.size(), 500u) << "a script that is hardly answered tells nothing";
    for (const size_t step : kSteps) {
      ASSERT_EQ(AnswersTo(script, step), whole) << "seed " << seed << ", " << step << " at a time";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Languages, SplitTest,
                         testing::Values(Language::kText, Language::kMeta, Language::kBinary));

class SessionLimitsTest : public SessionTest {};

TEST_F(SessionLimitsTest, ALineWithoutEndIsTheEnd) {
  EXPECT_EQ(Ask("version " + std::string(kMaxTestLineBytes - 8, 'x') + "\r\n"),
            "VERSION 1.6.18\r\n");
  EXPECT_FALSE(session_.IsClosed());
  Ask("version " + std::string(kMaxTestLineBytes, 'x'));
  EXPECT_TRUE(session_.IsClosed());
}

TEST_F(SessionLimitsTest, WhatALargeCommandTookIsGivenBack) {
  const std::string put = "set key 0 0 8000\r\n" + std::string(8000, 'x');
  std::string get = "get";
  for (int i = 0; i < 2000; ++i) get += " key" + std::to_string(i);
  Ask(put + "\r\n" + get + "\r\n");  // The shard has all of its memory.
  std::vector<std::unique_ptr<Session>> sessions;
  const size_t before = AllocatedBytes();
  for (int i = 0; i < 100; ++i) {
    sessions.push_back(std::make_unique<Session>(world_.server));
    const std::string& command = i % 2 == 0 ? put : get;
    Talk(*sessions.back(), command + "\r\n", 1000);
  }
  EXPECT_LT(AllocatedBytes(), before + 100 * 8000 / 2);
}

TEST_F(SessionLimitsTest, ALineOfKeysMayBeLonger) {
  std::string line = "  get";
  for (int i = 0; i < 2000; ++i) line += " key" + std::to_string(i);
  EXPECT_EQ(Ask(line + "\r\n"), "END\r\n");
  while (!session_.IsClosed() && line.size() < 4 * kMiB) line += line;
  Ask(line);
  EXPECT_TRUE(session_.IsClosed());
}

TEST_F(SessionLimitsTest, TheBeginningOfALineTellsWhetherItMayBeLong) {
  const std::string blanks(2048 - 3, ' ');
  for (const size_t step : {size_t{1}, size_t{1000}, size_t{4096}}) {
    Session longest(world_.server);
    EXPECT_EQ(Talk(longest, blanks + "get a\r\n", step), "END\r\n") << step;
    Session longer(world_.server);
    EXPECT_EQ(Talk(longer, blanks + " get a\r\n", step), "") << step;
    EXPECT_TRUE(longer.IsClosed());
  }
}

TEST_F(SessionLimitsTest, AValueIsCopiedOnlyToBeSent) {
  Ask("set a 0 0 8000\r\n" + std::string(8000, 'x') + "\r\n");
  WatchedBackend backend(world_.backend);
  Server server(backend);
  Session session(server);
  const auto ask = [&session](const std::string& input) { return Talk(session, input, 9000); };
  EXPECT_EQ(ask("mg a s\r\ntouch a 0\r\nincr a 1\r\n").substr(0, 18), "HD s8000\r\nTOUCHED\r");
  EXPECT_TRUE(ask("me a\r\n").ends_with("size=8032\r\n"));
  std::string refused = "get";
  for (int i = 0; i < 1000; ++i) refused += " a";
  EXPECT_EQ(ask(refused + " " + std::string(251, 'k') + "\r\n"),
            "CLIENT_ERROR bad command line format\r\n");
  EXPECT_EQ(server.counters.get_hits, 1001u);
  EXPECT_EQ(backend.CopiedValues(), 0u);
  EXPECT_GT(ask("get a\r\nmg a v\r\n").size(), 16000u);
  EXPECT_EQ(backend.CopiedValues(), 2u);
}

TEST_F(SessionLimitsTest, WithMuchToSendItTakesNothingMore) {
  Session session(world_.server, 100);
  const std::string input = "version\r\n";
  size_t answers = 0;
  while (session.Feed(BytesOf(input)) == input.size()) ++answers;
  EXPECT_EQ(answers, 7u) << "of 16 bytes each";
  EXPECT_EQ(session.Feed(BytesOf(input)), 0u);
  session.Drained(session.Unsent().size());
  EXPECT_EQ(session.Feed(BytesOf(input)), input.size());
}

TEST_F(SessionLimitsTest, ALongAnswerStopsBetweenTwoItems) {
  Ask("set a 0 0 1000\r\n" + std::string(1000, 'x') + "\r\n");
  Session session(world_.server, 2000);
  std::string line = "get";
  for (int i = 0; i < 100; ++i) line += " a";
  line += "\r\nversion\r\n";
  size_t fed = session.Feed(BytesOf(line));
  EXPECT_LT(session.Unsent().size(), 4000u);
  EXPECT_LT(fed, line.size()) << "the next command waits";
  size_t sent = 0;
  while (!session.Unsent().empty()) {
    sent += session.Unsent().size();
    session.Drained(session.Unsent().size());
    EXPECT_LT(session.Unsent().size(), 4000u);
  }
  EXPECT_EQ(sent, 100 * (1000 + 18) + 5u);
  fed += session.Feed(BytesOf(std::string_view(line).substr(fed)));
  EXPECT_EQ(fed, line.size());
  EXPECT_EQ(session.Unsent(), "VERSION 1.6.18\r\n");
}

TEST_F(SessionLimitsTest, NoMoreCommandsAreRunThanItMay) {
  const std::string_view input = "mn\r\nversion\r\nmn\r\n";
  EXPECT_EQ(session_.Feed(BytesOf(input), 2), std::string_view("mn\r\nversion\r\n").size());
  EXPECT_EQ(session_.Unsent(), "MN\r\nVERSION 1.6.18\r\n");
}

TEST_F(SessionLimitsTest, ManyKeysAreAskedForInSeveralTurns) {
  std::string keys;
  for (int i = 0; i < 10'000; ++i) keys += " nothing";
  const std::string line = "get" + keys + "\r\nmn\r\n";
  size_t fed = session_.Feed(BytesOf(line));
  EXPECT_EQ(fed, line.size() - 4) << "the next command waits";
  EXPECT_TRUE(session_.HasMore());
  EXPECT_EQ(session_.Unsent(), "");
  EXPECT_LT(world_.server.counters.get_misses.Get(), 1000u);
  int turns = 0;
  for (; session_.HasMore(); ++turns)
    fed += session_.Feed(BytesOf(std::string_view(line).substr(fed)));
  EXPECT_GT(turns, 10);
  EXPECT_EQ(session_.Unsent(), "END\r\nMN\r\n");
  EXPECT_EQ(world_.server.counters.get_misses.Get(), 10'000u);
}

// And of one it is not: that would cost time and save none.
TEST_F(SessionLimitsTest, OfSeveralKeysTheBackendIsToldBefore) {
  WatchedBackend backend(world_.backend);
  Server server(backend);
  Session session(server);
  std::vector<std::string> keys;
  std::string line = "get";
  for (int i = 0; i < 40; ++i) {
    keys.push_back("key" + std::to_string(i));
    line += ' ' + keys.back();
  }
  EXPECT_EQ(Talk(session, "get key\r\n" + line + "\r\nget key\r\n", 1000), "END\r\nEND\r\nEND\r\n");
  EXPECT_EQ(backend.ExpectedKeys(), keys);
  EXPECT_EQ(backend.ExpectedAtOnce(), (std::vector<size_t>{16, 16, 8}));
}

TEST_F(SessionLimitsTest, SoAreManyKeysBeforeOneThatIsTooLong) {
  std::string line = "get";
  for (int i = 0; i < 10'000; ++i) line += " nothing";
  line += " " + std::string(251, 'k') + "\r\n";
  session_.Feed(BytesOf(line));
  EXPECT_TRUE(session_.HasMore());
  EXPECT_LT(world_.server.counters.get_misses.Get(), 1000u);
  EXPECT_EQ(Talk(session_, "mn\r\n", 4), "CLIENT_ERROR bad command line format\r\nMN\r\n");
  EXPECT_EQ(world_.server.counters.get_misses.Get(), 10'000u);
}

constexpr char kNoOwner[] = "SERVER_ERROR the owner of the cache cannot be reached\r\n";

// A session whose backend reaches its items for so many requests.
class UnreachableTest : public SessionTest {
 protected:
  std::string AskOf(uint64_t requests, std::string_view input) {
    WatchedBackend backend(world_.backend);
    backend.FailAfter(requests);
    Server server(backend);
    Session session(server);
    return Talk(session, input, input.size());
  }
};

TEST_F(UnreachableTest, EveryCommandThatNeedsTheOwnerIsAnErrorAndTheNextOneIsRead) {
  for (const char* command : {"set a 0 0 1\r\nx",
                              "add a 0 0 1\r\nx",
                              "append a 0 0 1\r\nx",
                              "cas a 0 0 1 1\r\nx",
                              "get a",
                              "gets a b",
                              "gat 0 a",
                              "touch a 1",
                              "incr a 1",
                              "decr a 1",
                              "delete a",
                              "flush_all",
                              "stats",
                              "stats items",
                              "mg a v",
                              "mg a t N0",
                              "ms a 1\r\nx",
                              "md a",
                              "ma a",
                              "me a",
                              "set a 0 0 999999\r\n"}) {
    std::string input = command;
    if (input.ends_with('\n')) input += std::string(999'999, 'x');
    EXPECT_EQ(AskOf(0, input + "\r\nmn\r\n"), kNoOwner + std::string("MN\r\n")) << command;
  }
}

TEST_F(UnreachableTest, WhoeverWantsNoAnswerGetsNone) {
  EXPECT_EQ(AskOf(0, "set a 0 0 1 noreply\r\nx\r\ndelete a noreply\r\nmn\r\n"), "MN\r\n");
}

TEST_F(UnreachableTest, AGetOfSeveralKeysSaysWhereItEnded) {
  Ask("set a 0 0 1\r\nx\r\n");
  EXPECT_EQ(AskOf(1, "get a a a\r\n"), "VALUE a 0 1\r\nx\r\n" + std::string(kNoOwner));
}

TEST_F(UnreachableTest, InTheBinaryProtocolItIsATemporaryFailure) {
  for (const int opcode : {0x00, 0x04, 0x08, 0x09, 0x0e, 0x10}) {
    std::string packet;
    const std::string key = opcode == 0x08 || opcode == 0x10 ? "" : "a";
    AppendBinaryHeader({.magic = kBinaryRequest,
                        .opcode = static_cast<uint8_t>(opcode),
                        .key_bytes = static_cast<uint16_t>(key.size()),
                        .body_bytes = static_cast<uint32_t>(key.size())},
                       packet);
    const std::string answer = AskOf(0, packet + key);
    ASSERT_EQ(answer.substr(kBinaryHeaderBytes), "Temporary failure") << opcode;
    EXPECT_EQ(LoadBinaryHeader(answer).status, 0x86);
  }
}

TEST_F(SessionLimitsTest, AClosedSessionTakesEverythingAndDoesNothing) {
  Ask("quit\r\n");
  EXPECT_EQ(session_.Feed(BytesOf("set a 0 0 1\r\nx\r\n")), 16u);
  EXPECT_EQ(world_.store->ItemCount(), 0u);
}

TEST_F(SessionLimitsTest, SessionsShareTheStoreAndNotTheirState) {
  Session other(world_.server);
  session_.Feed(BytesOf("set a 0 0 5\r\nhe"));
  EXPECT_EQ(Talk(other, "get a\r\n", 9), "END\r\n");
  EXPECT_EQ(Ask("llo\r\n"), "STORED\r\n");
  EXPECT_EQ(Talk(other, "get a\r\n", 9), "VALUE a 0 5\r\nhello\r\nEND\r\n");
}

}  // namespace
}  // namespace tombolo::kvcache

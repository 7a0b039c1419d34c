// The binary protocol, byte by byte.
#include <string>

#include "gtest/gtest.h"
#include "kvcache/protocol/binary_header.h"
#include "tests/kvcache/protocol/session_fixture.h"

namespace tombolo::kvcache {
namespace {

struct Parts {
  std::string extras = {};
  std::string key = {};
  std::string value = {};
  uint64_t cas = 0;
};

std::string Packet(uint8_t magic, uint8_t opcode, uint16_t status, const Parts& parts) {
  std::string packet;
  AppendBinaryHeader({.magic = magic,
                      .opcode = opcode,
                      .key_bytes = static_cast<uint16_t>(parts.key.size()),
                      .extras_bytes = static_cast<uint8_t>(parts.extras.size()),
                      .status = status,
                      .body_bytes = static_cast<uint32_t>(parts.extras.size() + parts.key.size() +
                                                          parts.value.size()),
                      .opaque = 0xdeadbeef,
                      .cas = parts.cas},
                     packet);
  return packet + parts.extras + parts.key + parts.value;
}

std::string Request(uint8_t opcode, const Parts& parts = {}) {
  return Packet(kBinaryRequest, opcode, 0, parts);
}

std::string Done(uint8_t opcode, const Parts& parts = {}) {
  return Packet(kBinaryAnswer, opcode, 0, parts);
}

std::string Failed(uint8_t opcode, BinaryStatus status) {
  return Packet(kBinaryAnswer, opcode, static_cast<uint16_t>(status),
                {.value = std::string(NameOf(status))});
}

std::string Big(uint64_t number, size_t bytes) {
  std::string text;
  AppendBig(number, bytes, text);
  return text;
}

class BinaryProtocolTest : public SessionTest {
 protected:
  std::string Answers(const std::string& input) { return SessionTest::Ask(input); }
  std::string Set(const std::string& value) {
    return Request(0x01, {.extras = Big(7, 4) + Big(0, 4), .key = "a", .value = value});
  }
};

TEST_F(BinaryProtocolTest, SetAndGetAreAnsweredWithCasNumberAndFlags) {
  EXPECT_EQ(Answers(Set("abc")), Done(0x01, {.cas = 1}));
  EXPECT_EQ(Answers(Request(0x00, {.key = "a"})),
            Done(0x00, {.extras = Big(7, 4), .value = "abc", .cas = 1}));
  EXPECT_EQ(Answers(Request(0x0c, {.key = "a"})),
            Done(0x0c, {.extras = Big(7, 4), .key = "a", .value = "abc", .cas = 1}));
}

TEST_F(BinaryProtocolTest, AHeaderIsTwentyFourBytes) {
  EXPECT_EQ(Answers(Request(0x0a)),
            std::string("\x81\x0a\0\0\0\0\0\0\0\0\0\0\xde\xad\xbe\xef\0\0\0\0\0\0\0\0", 24));
}

TEST_F(BinaryProtocolTest, AMissSaysSoOrGivesTheKey) {
  EXPECT_EQ(Answers(Request(0x00, {.key = "b"})), Failed(0x00, BinaryStatus::kNotFound));
  EXPECT_EQ(Answers(Request(0x0c, {.key = "b"})), Packet(kBinaryAnswer, 0x0c, 1, {.key = "b"}));
  EXPECT_EQ(Answers(Request(0x09, {.key = "b"}) + Request(0x0d, {.key = "b"})), "");
}

TEST_F(BinaryProtocolTest, QuietCommandsAnswerOnlyWhatWentWrong) {
  const Parts parts{.extras = Big(0, 8), .key = "a", .value = "1"};
  EXPECT_EQ(Answers(Request(0x11, parts) + Request(0x12, parts)),
            Failed(0x12, BinaryStatus::kExists));
  EXPECT_EQ(Answers(Request(0x14, {.key = "a"}) + Request(0x14, {.key = "a"})),
            Failed(0x14, BinaryStatus::kNotFound));
}

TEST_F(BinaryProtocolTest, StoringLooksAtTheCasNumber) {
  Answers(Set("x"));
  const Parts wrong{.extras = Big(0, 8), .key = "a", .value = "y", .cas = 9};
  EXPECT_EQ(Answers(Request(0x01, wrong)), Failed(0x01, BinaryStatus::kExists));
  EXPECT_EQ(Answers(Request(0x04, {.key = "a", .cas = 9})), Failed(0x04, BinaryStatus::kExists));
  EXPECT_EQ(Answers(Request(0x0e, {.key = "a", .value = "y", .cas = 1})), Done(0x0e, {.cas = 2}));
}

TEST_F(BinaryProtocolTest, CountingMakesWhatIsNotThereUnlessItIsForbidden) {
  const std::string numbers = Big(5, 8) + Big(40, 8);
  EXPECT_EQ(Answers(Request(0x05, {.extras = numbers + Big(0xffffffff, 4), .key = "n"})),
            Failed(0x05, BinaryStatus::kNotFound));
  const std::string incr = Request(0x05, {.extras = numbers + Big(0, 4), .key = "n"});
  EXPECT_EQ(Answers(incr), Done(0x05, {.value = Big(40, 8), .cas = 1}));
  EXPECT_EQ(Answers(incr), Done(0x05, {.value = Big(45, 8), .cas = 2}));
}

TEST_F(BinaryProtocolTest, TouchGivesTheFlagsAndGatTheValueToo) {
  Answers(Set("x"));
  EXPECT_EQ(Answers(Request(0x1c, {.extras = Big(50, 4), .key = "a"})),
            Done(0x1c, {.extras = Big(7, 4), .cas = 1}));
  EXPECT_EQ(Answers(Request(0x1d, {.extras = Big(100, 4), .key = "a"})),
            Done(0x1d, {.extras = Big(7, 4), .value = "x", .cas = 1}));
  world_.now_s += 99;
  EXPECT_NE(Answers(Request(0x09, {.key = "a"})), "");
}

TEST_F(BinaryProtocolTest, AValueThatIsTooLargeIsSkipped) {
  EXPECT_EQ(Answers(Set(std::string(9000, 'x')) + Request(0x0a)),
            Failed(0x01, BinaryStatus::kTooLarge) + Done(0x0a));
}

TEST_F(BinaryProtocolTest, AnUnknownCommandIsSkipped) {
  EXPECT_EQ(Answers(Request(0x55, {.value = "value"}) + Request(0x0a)),
            Failed(0x55, BinaryStatus::kUnknownCommand) + Done(0x0a));
}

TEST_F(BinaryProtocolTest, ABodyOfTheWrongShapeIsTheEnd) {
  EXPECT_EQ(Answers(Request(0x00, {.extras = "1234", .key = "a"}) + Request(0x0a)),
            Failed(0x00, BinaryStatus::kInvalid));
  EXPECT_TRUE(session_.IsClosed());
}

TEST_F(BinaryProtocolTest, AKeyThatIsLongerThanTheBodyIsTheEnd) {
  std::string packet = Request(0x00, {.key = "abc"});
  packet[11] = 2;
  EXPECT_EQ(Answers(packet), Failed(0x00, BinaryStatus::kUnknownCommand));
  EXPECT_TRUE(session_.IsClosed());
}

TEST_F(BinaryProtocolTest, AWrongMagicIsTheEnd) {
  EXPECT_EQ(Answers(Request(0x0a) + "version\r\n" + std::string(24, 'x')), Done(0x0a));
  EXPECT_TRUE(session_.IsClosed());
}

TEST_F(BinaryProtocolTest, StatisticsEndWithAnEmptyOne) {
  EXPECT_EQ(Answers(Request(0x10, {.key = "sizes"})),
            Done(0x10, {.key = "sizes_status", .value = "disabled"}) + Done(0x10));
  EXPECT_EQ(Answers(Request(0x10, {.key = "reset"})), Done(0x10));
  EXPECT_EQ(Answers(Request(0x10, {.key = "resets"})), Failed(0x10, BinaryStatus::kNotFound));
  EXPECT_EQ(Answers(Request(0x10, {.key = "nothing"})), Failed(0x10, BinaryStatus::kNotFound));
}

TEST_F(BinaryProtocolTest, QuitIsTheEnd) {
  EXPECT_EQ(Answers(Request(0x07) + Request(0x0a)), Done(0x07));
  EXPECT_TRUE(session_.IsClosed());
}

}  // namespace
}  // namespace tombolo::kvcache

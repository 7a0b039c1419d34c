// Words, base64 and headers.
#include <optional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "kvcache/protocol/base64.h"
#include "kvcache/protocol/binary_header.h"
#include "kvcache/protocol/tokens.h"

namespace tombolo::kvcache {
namespace {

TEST(TokensTest, AreSeparatedByAnyNumberOfBlanks) {
  const Tokens tokens("  set a   0 ");
  ASSERT_EQ(tokens.Count(), 3u);
  EXPECT_EQ(tokens[0], "set");
  EXPECT_EQ(tokens[1], "a");
  EXPECT_EQ(tokens.Last(), "0");
}

TEST(TokensTest, AreNoMoreThanMemcachedCounts) {
  std::string line;
  for (int i = 0; i < 40; ++i) line += "x ";
  EXPECT_EQ(Tokens(line).Count(), kMaxTokens);
  EXPECT_EQ(Tokens("").Count(), 0u);
  EXPECT_EQ(Tokens("").Last(), "");
}

// RFC 4648, section 10.
TEST(Base64Test, IsThatOfItsStandard) {
  const std::pair<const char*, const char*> pairs[] = {
      {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : pairs) {
    EXPECT_EQ(EncodeBase64(bytes), text);
    EXPECT_EQ(DecodeBase64(text), bytes);
  }
}

TEST(Base64Test, WhatIsNotOfTheAlphabetIsSkipped) {
  EXPECT_EQ(DecodeBase64("Z-m9!v"), "foo");
  for (const char* text : {"", "!!!!", "Zm9", "Z===", "===="}) {
    EXPECT_EQ(DecodeBase64(text), std::nullopt) << text;
  }
}

TEST(Base64Test, WhatFollowsAFilledGroupIsCountedAndNotRead) {
  EXPECT_EQ(DecodeBase64("Zg==Zm9v"), "f");
  EXPECT_EQ(DecodeBase64("Zm8=Z==="), "fo");
  EXPECT_EQ(DecodeBase64("Zg==Zm9"), std::nullopt);
  EXPECT_EQ(DecodeBase64("=YWJ"), "\x01\x85") << "wherever it is filled up";
  EXPECT_EQ(DecodeBase64("Z=g="), "d");
}

TEST(BinaryHeaderTest, ComesOutAsItWentIn) {
  std::string bytes;
  AppendBinaryHeader({.magic = 1,
                      .opcode = 2,
                      .key_bytes = 0x0304,
                      .extras_bytes = 5,
                      .status = 0x0607,
                      .body_bytes = 0x08090a0b,
                      .opaque = 0x0c0d0e0f,
                      .cas = 0x1011121314151617},
                     bytes);
  EXPECT_EQ(bytes, std::string("\x01\x02\x03\x04\x05\x00\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
                               "\x10\x11\x12\x13\x14\x15\x16\x17",
                               kBinaryHeaderBytes));
  std::string again;
  AppendBinaryHeader(LoadBinaryHeader(bytes), again);
  EXPECT_EQ(again, bytes);
}

}  // namespace
}  // namespace tombolo::kvcache

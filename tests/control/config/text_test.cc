// What is done with text alone: names that are nearly right, the structure of TOML, quotes.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/config/nearest.h"
#include "control/config/toml_structure.h"
#include "control/config/toml_text.h"

namespace tombolo::control {
namespace {

const std::vector<std::string> kNames = {"endpoints", "log-level", "size", "slots"};

TEST(NearestTest, ALetterTooManyTooFewOrAnotherIsForgiven) {
  EXPECT_EQ(Nearest("slot", kNames), "slots");
  EXPECT_EQ(Nearest("sslots", kNames), "slots");
  EXPECT_EQ(Nearest("log_level", kNames), "log-level");
  EXPECT_EQ(Nearest("sise", kNames), "size");
  EXPECT_EQ(Nearest("szie", kNames), "size");
}

TEST(NearestTest, LongNamesForgiveAThirdOfTheirLetters) {
  EXPECT_EQ(Nearest("endpiont", kNames), "endpoints");
  EXPECT_EQ(Nearest("epoint", kNames), "endpoints");
  EXPECT_EQ(Nearest("points", kNames), "endpoints");
  EXPECT_EQ(Nearest("ints", kNames), "");
}

TEST(NearestTest, WhatIsLikeNoneIsNoSlip) {
  EXPECT_EQ(Nearest("colour", kNames), "");
  EXPECT_EQ(Nearest("", kNames), "");
  EXPECT_EQ(Nearest(std::string(1'000'000, 's'), kNames), "");
  EXPECT_EQ(Nearest("slots", {}), "");
}

TEST(TomlStructureTest, CountsDotsAndOpeningBrackets) {
  EXPECT_EQ(CountStructure(""), 0u);
  EXPECT_EQ(CountStructure("[a]\nb = 1\n"), 1u);
  EXPECT_EQ(CountStructure("[a.b]\nc.d = [[1], {e = 2}]\n"), 6u);
}

TEST(TomlStructureTest, StringsAndCommentsDoNotCount) {
  EXPECT_EQ(CountStructure("a = \"1.2.3.4\" # [see.there]\nb = '[.]'\n"), 0u);
  EXPECT_EQ(CountStructure("a = \"\\\".\"\nb.c = 1"), 1u);
  // In literal strings a backslash is one.
  EXPECT_EQ(CountStructure("a = 'x\\'.b"), 1u);
}

TEST(TomlStructureTest, LongStringsEndAtTheirThirdQuote) {
  EXPECT_EQ(CountStructure("a = \"\"\"\n.\"[\n.\"\"\"\nb.c = 1"), 1u);
  EXPECT_EQ(CountStructure("a = '''\n.'[\n.'''\nb.c = 1"), 1u);
  EXPECT_EQ(CountStructure("a = \"\"\"x\\\"\"\".\"\"\"\nb.c = 1"), 1u);
  // With two quotes of its own at the end.
  EXPECT_EQ(CountStructure("a = \"\"\"x\"\"\"\"\"\nb.c = 1"), 1u);
  EXPECT_EQ(CountStructure("a = \"\"\nb.c = 1"), 1u);
}

TEST(TomlStructureTest, AStringThatIsNotClosedEndsWithItsLine) {
  EXPECT_EQ(CountStructure("a = \"x.\nb.c = 1"), 1u);
  EXPECT_EQ(CountStructure("a = \"\"\"x.\nb.c = 1"), 0u);
  EXPECT_EQ(CountStructure("a = \"x\\"), 0u);
}

TEST(TomlTextTest, WhatWouldEndTheStringOrMoveTheCursorIsEscaped) {
  EXPECT_EQ(TomlString(""), "\"\"");
  EXPECT_EQ(TomlString("/run/a b"), "\"/run/a b\"");
  EXPECT_EQ(TomlString("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(TomlString("a\nb\x1b[2J\x7f"), "\"a\\u000Ab\\u001B[2J\\u007F\"");
  EXPECT_EQ(TomlString("Größe, 日本"), "\"Größe, 日本\"");
}

TEST(TomlTextTest, ErrorsQuoteTheBeginningOfWhatIsLong) {
  EXPECT_EQ(QuotedForError("short"), "\"short\"");
  EXPECT_EQ(QuotedForError(std::string(100, 'x')), "\"" + std::string(100, 'x') + "\"");
  EXPECT_EQ(QuotedForError(std::string(101, 'x')), "\"" + std::string(100, 'x') + "\"...");
  // Three bytes a letter: the 34th would be cut.
  std::string letters;
  for (int i = 0; i < 34; ++i) letters += "日";
  EXPECT_EQ(QuotedForError(letters), "\"" + letters.substr(0, 99) + "\"...");
}

}  // namespace
}  // namespace tombolo::control

#include "control/config/toml_structure.h"

#include <gtest/gtest.h>

#include <string>

namespace tombolo::control {
namespace {

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

}  // namespace
}  // namespace tombolo::control

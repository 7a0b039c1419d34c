#include "control/cli/config_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace tombolo::control {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

FlagKey Key(std::string name, FlagKind kind, std::vector<std::string> defaults) {
  FlagKey key;
  key.name = std::move(name);
  key.kind = kind;
  key.description = "what it is";
  key.defaults = std::move(defaults);
  return key;
}

FlagKey List(std::string name) {
  FlagKey key = Key(std::move(name), FlagKind::kText, {});
  key.is_list = true;
  return key;
}

std::vector<ShownTable> Tables() {
  return {
      {"",
       {{Key("folder", FlagKind::kText, {"/run"}), {"/a \"b\""}, {OriginKind::kFlag, "--folder"}}}},
      {"daemon",
       {{Key("slots", FlagKind::kNumber, {"16"}), {"4"}, {OriginKind::kFile, "t.toml:2"}},
        {Key("huge", FlagKind::kBoolean, {"false"}), {"true"}, {OriginKind::kVariable, "T_HUGE"}},
        {List("allow"), {"a=b", "c=d"}, {}},
        {Key("pid", FlagKind::kText, {}), {}, {}}}}};
}

TEST(ShowTextTest, IsAConfigurationInToml) {
  EXPECT_EQ(ShowText(Tables(), false),
            "folder = \"/a \\\"b\\\"\"\n"
            "\n"
            "[daemon]\n"
            "slots = 4\n"
            "huge = true\n"
            "allow = [\"a=b\", \"c=d\"]\n"
            "# pid is not set\n");
}

TEST(ShowTextTest, SaysWhereValuesComeFromInComments) {
  EXPECT_EQ(ShowText(Tables(), true),
            "folder = \"/a \\\"b\\\"\"  # flag --folder\n"
            "\n"
            "[daemon]\n"
            "slots = 4  # t.toml:2\n"
            "huge = true  # variable T_HUGE\n"
            "allow = [\"a=b\", \"c=d\"]  # default\n"
            "# pid is not set  # default\n");
}

TEST(ShowJsonTest, HasTypesAndOrigins) {
  const json told = json::parse(ShowJson("t.toml", Tables()));
  EXPECT_EQ(told["schema"], 1);
  EXPECT_EQ(told["file"], "t.toml");
  EXPECT_EQ(told["values"][0], json::parse(R"({"table": null, "key": "folder", "value": "/a \"b\"",
                                              "origin": "flag", "where": "--folder"})"));
  EXPECT_EQ(told["values"][1], json::parse(R"({"table": "daemon", "key": "slots", "value": 4,
                                              "origin": "file", "where": "t.toml:2"})"));
  EXPECT_EQ(told["values"][2]["value"], true);
  EXPECT_EQ(told["values"][2]["origin"], "variable");
  EXPECT_EQ(told["values"][3]["value"], json::parse(R"(["a=b", "c=d"])"));
  EXPECT_EQ(told["values"][3]["origin"], "default");
  EXPECT_TRUE(told["values"][3]["where"].is_null());
  EXPECT_TRUE(told["values"][4]["value"].is_null());
  EXPECT_TRUE(json::parse(ShowJson("", {}))["file"].is_null());
}

TEST(ShowJsonTest, BytesThatAreNoUtf8AreReplaced) {
  const std::vector<ShownTable> tables = {
      {"daemon", {{Key("folder", FlagKind::kText, {}), {"\xff"}, {}}}}};
  EXPECT_EQ(json::parse(ShowJson("", tables))["values"][0]["value"], "\xef\xbf\xbd");
}

TEST(ExampleTextTest, KeysAreCommentsWithTheFlagsWords) {
  FlagKey level = Key("level", FlagKind::kText, {"info"});
  level.constraint = "{info,off}";
  const std::string text = ExampleText({{"daemon", {{level, {}, {}}, {List("allow"), {}, {}}}}});
  EXPECT_THAT(text, HasSubstr("\n\n[daemon]\n"
                              "\n# what it is {info,off}\n# level = \"info\"\n"
                              "\n# what it is\n# allow = []\n"));
}

TEST(ExampleTextTest, LongWordsAreBrokenIntoLines) {
  FlagKey key = Key("pid", FlagKind::kText, {});
  key.description = std::string(60, 'a') + " " + std::string(60, 'b');
  EXPECT_THAT(ExampleText({{"", {{key, {}, {}}}}}),
              HasSubstr("\n# " + std::string(60, 'a') + "\n# " + std::string(60, 'b') +
                        "\n# pid is not set\n"));
}

}  // namespace
}  // namespace tombolo::control

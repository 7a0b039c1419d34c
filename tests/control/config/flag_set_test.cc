#include "control/config/flag_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "control/config/flag_check.h"

namespace tombolo::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsNull;

using Words = std::vector<std::string>;

absl::Status JudgeColour(const std::string& text) {
  if (text != "pink") return absl::OkStatus();
  return absl::InvalidArgumentError("pink is no colour.");
}

// One flag of each sort.
struct Values {
  explicit Values(CLI::App& app) {
    app.set_version_flag("-V,--version", "1");
    app.add_option("-c,--colour", colour, "what it looks like")
        ->check(CheckBy(JudgeColour))
        ->capture_default_str();
    app.add_option("--kind", kind, "which")->check(CLI::IsMember({"a", "b"}));
    app.add_option("--bytes", bytes, "how big")
        ->transform(CLI::AsSizeValue(false))
        ->capture_default_str();
    app.add_option("--count", count, "how many")->capture_default_str();
    app.add_option("--name", names, "may be repeated")->take_all();
    CLI::Option* loud = app.add_flag("--loud", is_loud, "say it");
    app.add_flag("--soft", is_soft, "whisper it")->excludes(loud);
    app.add_flag("-v,--verbose", verbosity, "say more");
    app.add_option("--secret", secret, "hidden")->group("");
    app.add_option("-s", secret, "without a long name");
    app.add_option("file", secret, "positional");
  }

  std::string colour = "red";
  std::string kind;
  uint64_t bytes = 4096;
  int32_t count = 3;
  std::vector<std::string> names;
  bool is_loud = false;
  bool is_soft = false;
  uint32_t verbosity = 0;
  std::string secret;
};

class FlagSetTest : public testing::Test {
 protected:
  const FlagKey& Key(std::string_view name) {
    const FlagKey* key = flags_.Find(name);
    if (key == nullptr) abort();
    return *key;
  }

  std::optional<std::string> Set(std::string_view name, const Words& words) {
    return flags_.Set(Key(name), words);
  }

  Words ValueOf(std::string_view name) { return flags_.Words(Key(name)); }

  CLI::App app_{"description", "program"};
  Values values_{app_};
  FlagSet flags_{app_, "table"};
};

TEST_F(FlagSetTest, KeysAreTheLongFlagsThatCanBeConfigured) {
  EXPECT_THAT(flags_.Names(),
              ElementsAre("colour", "kind", "bytes", "count", "name", "loud", "soft", "verbose"));
  for (const char* none : {"help", "version", "config", "secret", "s", "file", "c"}) {
    EXPECT_THAT(flags_.Find(none), IsNull()) << none;
  }
  EXPECT_EQ(flags_.ProgramName(), "program");
}

TEST_F(FlagSetTest, AKeyKnowsWhatItsFlagTakes) {
  EXPECT_EQ(Key("colour").kind, FlagKind::kText);
  EXPECT_EQ(Key("bytes").kind, FlagKind::kNumber);
  EXPECT_EQ(Key("count").kind, FlagKind::kNumber);
  EXPECT_EQ(Key("loud").kind, FlagKind::kBoolean);
  EXPECT_EQ(Key("verbose").kind, FlagKind::kNumber);
  EXPECT_TRUE(Key("bytes").takes_unit);
  EXPECT_FALSE(Key("count").takes_unit);
  EXPECT_TRUE(Key("name").is_list);
  EXPECT_FALSE(Key("colour").is_list);
  EXPECT_FALSE(Key("verbose").is_list);
  EXPECT_EQ(Key("kind").constraint, "{a,b}");
  EXPECT_EQ(Key("colour").constraint, "");
  EXPECT_EQ(Key("colour").description, "what it looks like");
}

TEST_F(FlagSetTest, DefaultsAreThoseOfTheDeclaration) {
  EXPECT_THAT(Key("colour").defaults, ElementsAre("red"));
  EXPECT_THAT(Key("bytes").defaults, ElementsAre("4096"));
  EXPECT_THAT(Key("loud").defaults, ElementsAre("false"));
  EXPECT_THAT(Key("kind").defaults, IsEmpty());
  EXPECT_THAT(Key("name").defaults, IsEmpty());
  EXPECT_THAT(ValueOf("colour"), ElementsAre("red"));
  EXPECT_FALSE(flags_.IsSet(Key("colour")));
}

TEST_F(FlagSetTest, WhatIsParsedIsSet) {
  ASSERT_TRUE(flags_.Parse({"--bytes", "2K", "--loud", "-vv", "--name=x", "--name=y"}).ok());
  EXPECT_THAT(ValueOf("bytes"), ElementsAre("2048"));
  EXPECT_THAT(ValueOf("loud"), ElementsAre("true"));
  EXPECT_THAT(ValueOf("verbose"), ElementsAre("2"));
  EXPECT_THAT(ValueOf("name"), ElementsAre("x", "y"));
  EXPECT_TRUE(flags_.IsSet(Key("loud")));
  EXPECT_FALSE(flags_.IsSet(Key("soft")));
}

TEST_F(FlagSetTest, WhatIsSetIsReadIntoTheProgramsValues) {
  EXPECT_EQ(Set("colour", {"blue"}), std::nullopt);
  EXPECT_EQ(Set("bytes", {"1M"}), std::nullopt);
  EXPECT_EQ(Set("count", {"0x10"}), std::nullopt);
  EXPECT_EQ(Set("name", {"x", "y"}), std::nullopt);
  EXPECT_EQ(Set("loud", {"true"}), std::nullopt);
  EXPECT_EQ(Set("verbose", {"3"}), std::nullopt);
  EXPECT_EQ(values_.colour, "blue");
  EXPECT_EQ(values_.bytes, uint64_t{1} << 20);
  EXPECT_EQ(values_.count, 16);
  EXPECT_THAT(values_.names, ElementsAre("x", "y"));
  EXPECT_TRUE(values_.is_loud);
  EXPECT_EQ(values_.verbosity, 3u);
  EXPECT_THAT(ValueOf("count"), ElementsAre("16"));
}

TEST_F(FlagSetTest, TheLastValueIsTheOneThatHolds) {
  ASSERT_TRUE(flags_.Parse({"--name=x", "--loud"}).ok());
  EXPECT_EQ(Set("name", {"y"}), std::nullopt);
  EXPECT_EQ(Set("loud", {"false"}), std::nullopt);
  EXPECT_THAT(values_.names, ElementsAre("y"));
  EXPECT_FALSE(values_.is_loud);
  EXPECT_THAT(ValueOf("loud"), ElementsAre("false"));
}

TEST_F(FlagSetTest, ACheckSaysWhyAndAWrongKindSaysNothing) {
  EXPECT_EQ(Set("colour", {"pink"}), "pink is no colour.");
  EXPECT_EQ(Set("kind", {"c"}), "c not in {a,b}");
  EXPECT_EQ(Set("count", {"many"}), "");
  EXPECT_EQ(Set("count", {"99999999999999999999"}), "");
  EXPECT_EQ(Set("loud", {"maybe"}), "");
  EXPECT_EQ(Set("verbose", {"99999999999999999999"}), "");
  EXPECT_THAT(*Set("bytes", {"1X"}), HasSubstr("unit not recognized"));
}

TEST_F(FlagSetTest, WhatWasRefusedIsNotSet) {
  EXPECT_EQ(Set("colour", {"pink"}), "pink is no colour.");
  EXPECT_FALSE(flags_.IsSet(Key("colour")));
  EXPECT_THAT(ValueOf("colour"), ElementsAre("red"));
  EXPECT_THAT(flags_.Conflicts(), IsEmpty());
}

TEST_F(FlagSetTest, ExcludedFlagsConflictOnlyWhenBothAreUnlikeTheirDefaults) {
  EXPECT_EQ(Set("loud", {"true"}), std::nullopt);
  EXPECT_EQ(Set("soft", {"false"}), std::nullopt);
  EXPECT_THAT(flags_.Conflicts(), IsEmpty());
  EXPECT_EQ(Set("soft", {"true"}), std::nullopt);
  const auto conflicts = flags_.Conflicts();
  ASSERT_EQ(conflicts.size(), 1u);
  EXPECT_EQ(conflicts[0].first->name, "loud");
  EXPECT_EQ(conflicts[0].second->name, "soft");
}

TEST_F(FlagSetTest, WhatCli11TakesForAnotherValueIsRefused) {
  for (const char* word : {"", "0x1", "1abc", "99999999999999999999", "-1"}) {
    EXPECT_EQ(Set("loud", {word}), "") << word;
  }
  for (const char* word : {"", "-1", " -18446744073709547520", "-1K"}) {
    EXPECT_EQ(Set("bytes", {word}), "") << word;
  }
  EXPECT_EQ(Set("count", {""}), "");
  EXPECT_EQ(Set("count", {"-1"}), std::nullopt);
  EXPECT_EQ(values_.count, -1);
  EXPECT_EQ(Set("verbose", {"0"}), std::nullopt);
  EXPECT_THAT(ValueOf("verbose"), ElementsAre("0"));
  EXPECT_EQ(Set("colour", {""}), std::nullopt);
}

TEST_F(FlagSetTest, TheConfigurationIsNamedByItsFlag) {
  EXPECT_EQ(flags_.ConfigPath(), "");
  ASSERT_TRUE(flags_.Parse({"--config", "/f"}).ok());
  EXPECT_EQ(flags_.ConfigPath(), "/f");
}

TEST_F(FlagSetTest, AWrongCommandLineIsSaid) {
  EXPECT_EQ(flags_.Parse({"--count", "many"}).message(), "Could not convert: --count = many");
  EXPECT_EQ(flags_.Parse({"--colour", "pink"}).message(), "--colour: pink is no colour.");
  EXPECT_THAT(std::string(flags_.Parse({"--none"}).message()), HasSubstr("--none"));
  EXPECT_THAT(std::string(flags_.Parse({"--help"}).message()), HasSubstr("leave them out"));
}

TEST_F(FlagSetTest, TheHelpSaysHowFlagsAreConfigured) {
  EXPECT_THAT(app_.help(),
              AllOf(HasSubstr("--config FILE"), HasSubstr("the table [table] in /etc/tombolo"),
                    HasSubstr("TOMBOLO_TABLE_COLOUR is --colour")));
}

}  // namespace
}  // namespace tombolo::control

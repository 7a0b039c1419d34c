#include "control/config/layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "control/config/config_words.h"
#include "tests/control/config/layers_fixture.h"

namespace tombolo::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kSlots3[] = "[daemon]\nslots = 3\n";
const Environment kSlots4 = {{"TOMBOLO_DAEMON_SLOTS", "4"}};

TEST_F(LayersTest, WithoutAnyLayerTheDefaultsHold) {
  EXPECT_THAT(Daemon(""), IsEmpty());
  EXPECT_EQ(daemon_->options.limits.slot_count, 16u);
  EXPECT_EQ(OriginOf("slots"), "default");
}

TEST_F(LayersTest, AFileIsStrongerThanTheDefault) {
  EXPECT_THAT(Daemon(kSlots3), IsEmpty());
  EXPECT_EQ(daemon_->options.limits.slot_count, 3u);
  EXPECT_EQ(OriginOf("slots"), "t.toml:2");
}

TEST_F(LayersTest, AVariableIsStrongerThanTheFile) {
  EXPECT_THAT(Daemon(kSlots3, kSlots4), IsEmpty());
  EXPECT_EQ(daemon_->options.limits.slot_count, 4u);
  EXPECT_EQ(OriginOf("slots"), "variable TOMBOLO_DAEMON_SLOTS");
}

TEST_F(LayersTest, AFlagIsStrongerThanAllElse) {
  EXPECT_THAT(Daemon(kSlots3, kSlots4, {"--slots", "5"}), IsEmpty());
  EXPECT_EQ(daemon_->options.limits.slot_count, 5u);
  EXPECT_EQ(OriginOf("slots"), "flag --slots");
  // Also when it says the default.
  EXPECT_THAT(Daemon(kSlots3, kSlots4, {"--slots", "16"}), IsEmpty());
  EXPECT_EQ(daemon_->options.limits.slot_count, 16u);
}

TEST_F(LayersTest, KeysAreIndependentOfEachOther) {
  EXPECT_THAT(Daemon("[daemon]\nslots = 3\nvectors = 5\n", kSlots4, {"--size", "16M"}), IsEmpty());
  const auto& limits = daemon_->options.limits;
  EXPECT_EQ(limits.region_bytes, uint64_t{16} << 20);
  EXPECT_EQ(limits.slot_count, 4u);
  EXPECT_EQ(limits.vector_count, 5u);
  EXPECT_EQ(limits.endpoint_count, 1024u);
}

// From the weakest layer to the strongest.
TEST_F(LayersTest, ACommonKeyIsWeakerThanThatOfTheTable) {
  EXPECT_THAT(Daemon("log-level = 'off'\n"), IsEmpty());
  EXPECT_EQ(daemon_->log_level, "off");
  EXPECT_EQ(OriginOf("log-level"), "t.toml:1");
  const std::string both = "log-level = 'off'\n[daemon]\nlog-level = 'error'\n";
  EXPECT_THAT(Daemon(both), IsEmpty());
  EXPECT_EQ(daemon_->log_level, "error");
  Environment environment = {{"TOMBOLO_LOG_LEVEL", "warn"}};
  EXPECT_THAT(Daemon(both, environment), IsEmpty());
  EXPECT_EQ(daemon_->log_level, "warn");
  environment["TOMBOLO_DAEMON_LOG_LEVEL"] = "debug";
  EXPECT_THAT(Daemon(both, environment), IsEmpty());
  EXPECT_EQ(daemon_->log_level, "debug");
  EXPECT_THAT(Daemon(both, environment, {"--log-level", "trace"}), IsEmpty());
  EXPECT_EQ(daemon_->log_level, "trace");
}

TEST_F(LayersTest, CommonKeysAreForAllPrograms) {
  const std::string text = "runtime-dir = '/a'\n[daemon]\nruntime-dir = '/d'\n";
  EXPECT_THAT(Daemon(text), IsEmpty());
  EXPECT_EQ(daemon_->options.runtime_dir, "/d");
  EXPECT_THAT(Agent(text), IsEmpty());
  EXPECT_EQ(agent_->runtime_dir, "/a");
}

TEST_F(LayersTest, WhatHasAUnitMayBeWrittenWithIt) {
  for (const char* size : {"16777216", "'16M'", "'16 mib'", "0x1000000", "'16777216'"}) {
    EXPECT_THAT(Daemon(std::string("[daemon]\nsize = ") + size), IsEmpty()) << size;
    EXPECT_EQ(daemon_->options.limits.region_bytes, uint64_t{16} << 20) << size;
  }
  EXPECT_THAT(Daemon("", {{"TOMBOLO_DAEMON_SIZE", "16M"}}), IsEmpty());
  EXPECT_EQ(daemon_->options.limits.region_bytes, uint64_t{16} << 20);
}

TEST_F(LayersTest, BooleansOfVariablesAreWords) {
  for (const char* word : {"true", "1", "YES", " on "}) {
    EXPECT_THAT(Daemon("", {{"TOMBOLO_DAEMON_HUGE_PAGES", word}}), IsEmpty()) << word;
    EXPECT_TRUE(daemon_->options.huge_pages) << word;
  }
  const char* text = "[daemon]\nhuge-pages = true\n";
  EXPECT_THAT(Daemon(text, {{"TOMBOLO_DAEMON_HUGE_PAGES", "false"}}), IsEmpty());
  EXPECT_FALSE(daemon_->options.huge_pages);
  EXPECT_THAT(Daemon(text, {}, {"--huge-pages=false"}), IsEmpty());
  EXPECT_FALSE(daemon_->options.huge_pages);
}

TEST_F(LayersTest, FlagsThatMayBeRepeatedAreLists) {
  const char* text = "[agent]\nallow = ['a=127.0.0.1:1', 'b=127.0.0.1:2']\n";
  EXPECT_THAT(Agent(text), IsEmpty());
  EXPECT_THAT(agent_->allows, ElementsAre("a=127.0.0.1:1", "b=127.0.0.1:2"));
  const Environment environment = {{"TOMBOLO_AGENT_ALLOW", "c=127.0.0.1:3, d=127.0.0.1:4,"}};
  EXPECT_THAT(Agent(text, environment), IsEmpty());
  EXPECT_THAT(agent_->allows, ElementsAre("c=127.0.0.1:3", "d=127.0.0.1:4"));
  // A stronger layer takes the place of the list, it does not add to it.
  EXPECT_THAT(Agent(text, environment, {"--allow", "e=127.0.0.1:5"}), IsEmpty());
  EXPECT_THAT(agent_->allows, ElementsAre("e=127.0.0.1:5"));
}

TEST_F(LayersTest, AnEmptyListIsNone) {
  EXPECT_THAT(Agent("[agent]\nallow = []\n"), IsEmpty());
  EXPECT_THAT(agent_->allows, IsEmpty());
  EXPECT_EQ(OriginOf("allow"), "default");
  EXPECT_THAT(Agent("[agent]\nallow = ['a=127.0.0.1:1']\n", {{"TOMBOLO_AGENT_ALLOW", " , "}}),
              IsEmpty());
  EXPECT_THAT(agent_->allows, ElementsAre("a=127.0.0.1:1"));
  EXPECT_EQ(OriginOf("allow"), "t.toml:2");
}

TEST_F(LayersTest, WhatExcludesAnotherMayBeWrittenDownAsItsDefault) {
  EXPECT_THAT(Agent("[agent]\nhost = true\ndevice = 'auto'\nforward = []\n"), IsEmpty());
  EXPECT_THAT(Agent("[agent]\nhost = false\ndevice = '0000:00:05.0'\n"), IsEmpty());
  EXPECT_EQ(agent_->device, "0000:00:05.0");
}

TEST_F(LayersTest, TextIsUtf8) {
  EXPECT_THAT(Daemon("[daemon]\nruntime-dir = '/run/日本'\n"), IsEmpty());
  EXPECT_EQ(daemon_->options.runtime_dir, "/run/日本");
}

TEST_F(LayersTest, TextKeepsItsSpaces) {
  EXPECT_THAT(Daemon("", {{"TOMBOLO_DAEMON_RUNTIME_DIR", " /a b "}}), IsEmpty());
  EXPECT_EQ(daemon_->options.runtime_dir, " /a b ");
}

TEST_F(LayersTest, OtherTablesAreLeftToTheirPrograms) {
  EXPECT_THAT(Daemon("[agent]\nnonsense = 1\n", {{"TOMBOLO_AGENT_NONSENSE", "1"}}), IsEmpty());
  EXPECT_THAT(Daemon("", {{"TOMBOLO_CONFIG", "x"}, {"TOMBOLO_OTHER", "x"}}), IsEmpty());
}

// The words that are not taken from the flags, because one program does not know the others'.
TEST_F(LayersTest, CommonKeysAreThoseThatSeveralProgramsHave) {
  std::map<std::string, int> programs_with;
  std::vector<std::string> tables;
  for (const DeclaredFlags& declared : {DeclareAgentFlags(std::make_shared<AgentFlags>()),
                                        DeclareDaemonFlags(std::make_shared<DaemonFlags>())}) {
    FlagSet flags(*declared.app, declared.table);
    tables.push_back(flags.Table());
    for (const std::string& name : flags.Names()) ++programs_with[name];
  }
  EXPECT_EQ(tables, ConfigTables());
  for (const auto& [name, count] : programs_with) {
    EXPECT_EQ(count > 1, IsCommonKey(name)) << name;
  }
}

}  // namespace
}  // namespace tombolo::control

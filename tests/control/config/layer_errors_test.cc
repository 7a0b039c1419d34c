// Each error of a configuration, word by word.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "control/config/config_errors.h"
#include "tests/control/config/layers_fixture.h"

namespace tombolo::control {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

using LayerErrorsTest = LayersTest;

TEST_F(LayerErrorsTest, AnUnknownKeyNamesTheNearest) {
  EXPECT_THAT(Daemon("[daemon]\nslot = 4\n"),
              ElementsAre("t.toml:2:1: [daemon] has no key slot; did you mean slots?"));
  EXPECT_THAT(Daemon("[daemon]\n  log_level = 'off'\n"),
              ElementsAre("t.toml:2:3: [daemon] has no key log_level; did you mean log-level?"));
}

TEST_F(LayerErrorsTest, AnUnknownKeyThatIsLikeNoneNamesAll) {
  const std::string all =
      "cluster-host, cluster-kv, cluster-machine, endpoints, etcd, etcd-prefix, etcd-tls-ca, "
      "etcd-tls-cert, etcd-tls-key, http, huge-pages, listen-tls, log-level, region, runtime-dir, "
      "size, slots, store, tls-ca, tls-cert, tls-key, vectors.";
  EXPECT_THAT(Daemon("[daemon]\ncolour = 4\n"),
              ElementsAre("t.toml:2:1: [daemon] has no key colour; it has " + all));
  EXPECT_THAT(Daemon("[daemon]\n\"\\u001b\" = 4\n"),
              ElementsAre("t.toml:2:1: [daemon] has no key \"\\u001B\"; it has " + all));
  EXPECT_THAT(Daemon("[daemon]\n'' = 4\n"),
              ElementsAre("t.toml:2:1: [daemon] has no key \"\"; it has " + all));
}

TEST_F(LayerErrorsTest, AKeyOfAnotherProgramIsUnknown) {
  EXPECT_THAT(Daemon("[daemon]\nallow = []\n"), SizeIs(1));
}

TEST_F(LayerErrorsTest, AnUnknownTableNamesTheNearest) {
  EXPECT_THAT(Daemon("[deamon]\nslots = 4\n"),
              ElementsAre("t.toml:1:2: there is no table [deamon]; did you mean daemon?"));
  EXPECT_THAT(Daemon("[server]\n"),
              ElementsAre("t.toml:1:2: there is no table [server]; there are agent, daemon."));
}

TEST_F(LayerErrorsTest, OnlyCommonKeysMayStandBeforeTheFirstTable) {
  EXPECT_THAT(Daemon("slots = 4\n"),
              ElementsAre("t.toml:1:1: there is no key slots before the first table, only "
                          "log-level and runtime-dir; put it below one of [agent], [daemon]."));
}

TEST_F(LayerErrorsTest, ATableIsNoValueAndAValueNoTable) {
  EXPECT_THAT(Daemon("daemon = 5\n"),
              ElementsAre("t.toml:1:10: daemon is 5; expected a table: write [daemon], and its "
                          "keys below."));
  EXPECT_THAT(Daemon("[[daemon]]\nslots = 4\n"),
              ElementsAre("t.toml:1:1: daemon is a list; expected a table: write [daemon], and its "
                          "keys below."));
  EXPECT_THAT(Daemon("[daemon.slots]\n"),
              ElementsAre("t.toml:1:1: daemon.slots is a table; expected a whole number: slots, "
                          "the host's included."));
}

TEST_F(LayerErrorsTest, AWrongTypeSaysWhatWasSeenAndExpected) {
  const std::string expected = "; expected a whole number: slots, the host's included.";
  EXPECT_THAT(Daemon("[daemon]\nslots = \"16\"\n"),
              ElementsAre("t.toml:2:9: daemon.slots is the string \"16\"" + expected));
  EXPECT_THAT(Daemon("[daemon]\nslots = true\n"),
              ElementsAre("t.toml:2:9: daemon.slots is the boolean true" + expected));
  EXPECT_THAT(Daemon("[daemon]\nslots = 1.5\n"),
              ElementsAre("t.toml:2:9: daemon.slots is a float" + expected));
  EXPECT_THAT(Daemon("[daemon]\nslots = 2026-01-01\n"),
              ElementsAre("t.toml:2:9: daemon.slots is a date or a time" + expected));
  EXPECT_THAT(Daemon("[daemon]\nslots = [4]\n"),
              ElementsAre("t.toml:2:9: daemon.slots is a list" + expected));
  EXPECT_THAT(Daemon("[daemon]\nruntime-dir = 5\n"),
              ElementsAre("t.toml:2:15: daemon.runtime-dir is the integer 5; expected a string: "
                          "folder of the sockets."));
  EXPECT_THAT(Daemon("[daemon]\nhuge-pages = 1\n"),
              ElementsAre("t.toml:2:14: daemon.huge-pages is the integer 1; expected true or "
                          "false: take huge pages for the region, if enough are free."));
}

TEST_F(LayerErrorsTest, AWrongValueSaysWhatItsFlagSays) {
  EXPECT_THAT(Daemon("[daemon]\nslots = 1\n"),
              ElementsAre("t.toml:2:9: daemon.slots is 1: the number of slots is 1; it must be 2 "
                          "to 256; expected a whole number: slots, the host's included."));
  EXPECT_THAT(Daemon("[daemon]\nslots = -1\n"),
              ElementsAre("t.toml:2:9: daemon.slots is -1; expected a whole number: slots, the "
                          "host's included."));
  // 32 bits of it are 16.
  EXPECT_THAT(Daemon("[daemon]\nslots = 4294967312\n"),
              ElementsAre("t.toml:2:9: daemon.slots is 4294967312: the number of slots is "
                          "4294967312; it must be 2 to 256; expected a whole number: slots, the "
                          "host's included."));
  EXPECT_THAT(
      Daemon("[daemon]\nsize = \"100M\"\n"),
      ElementsAre("t.toml:2:8: daemon.size is \"100M\": the region's size is 104857600 bytes; PCI "
                  "asks for a power of two, here from 1048576 to 1099511627776: for example "
                  "134217728; expected a whole number, or a string with a unit: bytes of the "
                  "region, a power of two: 256M, 1G."));
  EXPECT_THAT(Daemon("[daemon]\nlog-level = \"loud\"\n"),
              ElementsAre("t.toml:2:13: daemon.log-level is \"loud\"; expected one of "
                          "{trace,debug,info,warn,error,off}: how much to tell."));
}

TEST_F(LayerErrorsTest, ANulWouldHideTheEndOfAPath) {
  EXPECT_THAT(Daemon("[daemon]\nruntime-dir = \"/run\\u0000/x\"\n"),
              ElementsAre("t.toml:2:15: daemon.runtime-dir is \"/run\\u0000/x\": there is a NUL in "
                          "it; expected a string: folder of the sockets."));
}

TEST_F(LayerErrorsTest, ACommonKeyIsNamedWithoutATable) {
  EXPECT_THAT(Daemon("log-level = \"loud\"\n"),
              ElementsAre("t.toml:1:13: log-level is \"loud\"; expected one of "
                          "{trace,debug,info,warn,error,off}: how much to tell."));
}

TEST_F(LayerErrorsTest, AnElementOfAListIsToldByItsOwnPlace) {
  EXPECT_THAT(
      Agent("[agent]\nallow = [\"a=127.0.0.1:1\", \"b\"]\n"),
      ElementsAre("t.toml:2:27: agent.allow is \"b\": 'b' is not of the form SERVICE=TARGET, as in "
                  "memcached=127.0.0.1:11211; a service's name is made of up to 64 letters, "
                  "digits, '.', '_' and '-'; expected a list of strings: let the region's members "
                  "reach a local address as a service: SERVICE=TARGET, as in "
                  "memcached=127.0.0.1:11211; may be repeated."));
  EXPECT_THAT(Agent("[agent]\nallow = [\n  5,\n]\n"),
              ElementsAre("t.toml:3:3: agent.allow is the integer 5; expected a list of strings: "
                          "let the region's members reach a local address as a service: "
                          "SERVICE=TARGET, as in memcached=127.0.0.1:11211; may be repeated."));
}

TEST_F(LayerErrorsTest, ALoneStringIsNoList) {
  EXPECT_THAT(
      Agent("[agent]\nallow = \"a=127.0.0.1:1\"\n"),
      ElementsAre("t.toml:2:9: agent.allow is the string \"a=127.0.0.1:1\"; expected a list "
                  "of strings: let the region's members reach a local address as a "
                  "service: SERVICE=TARGET, as in memcached=127.0.0.1:11211; may be "
                  "repeated."));
}

TEST_F(LayerErrorsTest, AVariableIsNamedAsAFileIs) {
  EXPECT_THAT(Daemon("", {{"TOMBOLO_DAEMON_SLOTS", "many"}}),
              ElementsAre("TOMBOLO_DAEMON_SLOTS is \"many\"; expected a whole number: slots, the "
                          "host's included."));
  EXPECT_THAT(Daemon("", {{"TOMBOLO_LOG_LEVEL", "loud"}}),
              ElementsAre("TOMBOLO_LOG_LEVEL is \"loud\"; expected one of "
                          "{trace,debug,info,warn,error,off}: how much to tell."));
}

TEST_F(LayerErrorsTest, AFlagThatIsNoNumberIsTold) {
  EXPECT_THAT(Daemon("[daemon]\nslots = 4\n", {}, {"--slots", ""}),
              ElementsAre("--slots is \"\"; expected a whole number: slots, the host's included."));
}

TEST_F(LayerErrorsTest, AnUnknownVariableNamesTheNearest) {
  EXPECT_THAT(Daemon("", {{"TOMBOLO_DAEMON_SLOT", "4"}}),
              ElementsAre("tombolod knows no variable TOMBOLO_DAEMON_SLOT; did you mean "
                          "TOMBOLO_DAEMON_SLOTS?"));
  EXPECT_THAT(Agent("", {{"TOMBOLO_AGENT_COLOUR", "4"}}),
              ElementsAre("tombolo-agent knows no variable TOMBOLO_AGENT_COLOUR; it knows "
                          "TOMBOLO_AGENT_ALLOW, TOMBOLO_AGENT_ALLOW_COPY, TOMBOLO_AGENT_DEVICE, "
                          "TOMBOLO_AGENT_FORWARD, "
                          "TOMBOLO_AGENT_HOST, TOMBOLO_AGENT_LOG_LEVEL, "
                          "TOMBOLO_AGENT_RUNTIME_DIR."));
}

TEST_F(LayerErrorsTest, WhatExcludesAnotherIsToldWithBothOrigins) {
  EXPECT_THAT(Agent("[agent]\nhost = true\nforward = ['127.0.0.1:1=a']\n"),
              ElementsAre("host (t.toml:2) and forward (t.toml:3) of tombolo-agent exclude each "
                          "other; keep one of them."));
  EXPECT_THAT(Agent("[agent]\nforward = ['127.0.0.1:1=a']\n", {}, {"--host"}),
              ElementsAre("host (flag --host) and forward (t.toml:2) of tombolo-agent exclude each "
                          "other; keep one of them."));
  EXPECT_THAT(Agent("[agent]\nhost = true\n", {{"TOMBOLO_AGENT_DEVICE", "0000:00:05.0"}}),
              ElementsAre("host (t.toml:2) and device (variable TOMBOLO_AGENT_DEVICE) of "
                          "tombolo-agent exclude each other; keep one of them."));
}

TEST_F(LayerErrorsTest, AWrongValueIsAnErrorEvenIfAnotherHolds) {
  EXPECT_THAT(Daemon("[daemon]\nslots = 1\n", {{"TOMBOLO_DAEMON_SLOTS", "1"}}, {"--slots", "4"}),
              SizeIs(2));
  EXPECT_EQ(daemon_->options.limits.slot_count, 4u);
}

TEST_F(LayerErrorsTest, AllErrorsAreToldInTheOrderOfTheFile) {
  EXPECT_THAT(Daemon("nothing = 1\n[daemon]\nvectors = 0\nnone = 2\nslots = 0\n[others]\n",
                     {{"TOMBOLO_DAEMON_SIZE", "1"}}),
              ElementsAre(testing::StartsWith("TOMBOLO_DAEMON_SIZE is \"1\": "),
                          testing::StartsWith("t.toml:1:1: "), testing::StartsWith("t.toml:3:11: "),
                          testing::StartsWith("t.toml:4:1: "), testing::StartsWith("t.toml:5:9: "),
                          testing::StartsWith("t.toml:6:2: ")));
}

TEST(ConfigErrorsTest, OnePlaceIsToldOnceAndManyAreCounted) {
  ConfigErrors errors;
  const ConfigFile file{.path = "f", .tables = {}};
  EXPECT_TRUE(errors.IsEmpty());
  EXPECT_TRUE(errors.ToStatus().ok());
  errors.AddAt(file, {2, 1}, "second");
  errors.AddAt(file, {1, 9}, "first");
  errors.AddAt(file, {2, 1}, "again");
  errors.Add("somewhere");
  errors.Add("somewhere");
  EXPECT_THAT(errors.Lines(), ElementsAre("somewhere", "f:1:9: first", "f:2:1: second"));
  EXPECT_EQ(errors.ToStatus().message(), "somewhere\nerror: f:1:9: first\nerror: f:2:1: second");
  for (uint32_t line = 10; line < 10 + ConfigErrors::kMostKept; ++line) {
    errors.AddAt(file, {line, 1}, "more");
  }
  EXPECT_EQ(errors.Lines().back(), "and 3 more.");
}

}  // namespace
}  // namespace tombolo::control

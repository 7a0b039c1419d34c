#include "control/config/read_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "control/agent/agent_flags.h"
#include "control/config/config_file.h"
#include "control/daemon/daemon_flags.h"
#include "tests/support/status_text.h"
#include "tests/support/temp_dir.h"

namespace tombolo::control {
namespace {

using ::testing::IsEmpty;

class ReadFlagsTest : public testing::Test {
 protected:
  ReadFlagsTest() {
    unsetenv("TOMBOLO_DAEMON_SLOTS");
    unsetenv("TOMBOLO_CONFIG");
  }
  ~ReadFlagsTest() override {
    unsetenv("TOMBOLO_DAEMON_SLOTS");
    unsetenv("TOMBOLO_CONFIG");
  }

  std::string Write(const std::string& content) const {
    std::ofstream(path_) << content;
    return path_;
  }

  // As tombolod's main() does, with `words` and --config.
  std::optional<int> Read(std::vector<const char*> words, bool with_config = true) {
    words.insert(words.begin(), "tombolod");
    if (with_config) words.insert(words.end(), {"--config", path_.c_str()});
    flags_ = std::make_shared<DaemonFlags>();
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    const auto exit_code =
        ReadFlags(DeclareDaemonFlags(flags_), static_cast<int>(words.size()), words.data());
    said_ = testing::internal::GetCapturedStderr();
    printed_ = testing::internal::GetCapturedStdout();
    return exit_code;
  }

  uint32_t Slots() const { return flags_->options.limits.slot_count; }

  TempDir folder_;
  const std::string path_ = folder_.File("t.toml");
  std::shared_ptr<DaemonFlags> flags_;
  std::string said_;     // On stderr.
  std::string printed_;  // On stdout.
};

TEST_F(ReadFlagsTest, FlagsVariablesAndFileAreAllRead) {
  Write("[daemon]\nslots = 3\nvectors = 4\nendpoints = 128\n");
  setenv("TOMBOLO_DAEMON_SLOTS", "5", 1);
  EXPECT_EQ(Read({"--vectors", "6"}), std::nullopt) << said_;
  EXPECT_EQ(Slots(), 5u);
  EXPECT_EQ(flags_->options.limits.vector_count, 6u);
  EXPECT_EQ(flags_->options.limits.endpoint_count, 128u);
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(ReadFlagsTest, AVariableNamesTheFileToo) {
  setenv("TOMBOLO_CONFIG", Write("[daemon]\nslots = 3\n").c_str(), 1);
  EXPECT_EQ(Read({}, /*with_config=*/false), std::nullopt) << said_;
  EXPECT_EQ(Slots(), 3u);
  setenv("TOMBOLO_CONFIG", "/does/not/exist", 1);
  EXPECT_EQ(Read({}, /*with_config=*/false), 1);
  EXPECT_EQ(Read({}), std::nullopt) << said_;
  EXPECT_EQ(Slots(), 3u);
}

TEST_F(ReadFlagsTest, AnEmptyVariableIsNone) {
  Write("[daemon]\nslots = 3\n");
  setenv("TOMBOLO_DAEMON_SLOTS", "", 1);
  EXPECT_EQ(Read({}), std::nullopt) << said_;
  EXPECT_EQ(Slots(), 3u);
}

TEST_F(ReadFlagsTest, EachErrorIsALine) {
  Write("[daemon]\nslots = 0\nnone = 1\n");
  EXPECT_EQ(Read({}), 2);
  EXPECT_EQ(
      said_,
      "error: " + path_ +
          ":2:9: daemon.slots is 0: the number of slots is 0; it must be 2 to 256; "
          "expected a whole number: slots, the host's included.\nerror: " +
          path_ +
          ":3:1: [daemon] has no key none; it has cluster-host, cluster-kv, cluster-machine, "
          "endpoints, etcd, etcd-prefix, etcd-tls-ca, etcd-tls-cert, etcd-tls-key, http, "
          "huge-pages, listen-tls, log-level, region, runtime-dir, size, slots, store, tls-ca, "
          "tls-cert, tls-key, vectors.\n");
}

TEST_F(ReadFlagsTest, WhatIsNoTomlIsToldOnALine) {
  Write("[daemon\n");
  EXPECT_EQ(Read({}), 2);
  EXPECT_EQ(said_,
            "error: " + path_ + ":1:8: this is not TOML: table header: expected ']', saw '\\n'.\n");
}

TEST_F(ReadFlagsTest, AFileThatWasNamedHasToBeThere) {
  EXPECT_EQ(Read({}), 1);
  EXPECT_EQ(said_, "error: cannot read " + path_ + ": No such file or directory\n");
}

TEST_F(ReadFlagsTest, ValuesHaveToGoTogether) {
  Write("[daemon]\nsize = '1M'\n");
  EXPECT_EQ(Read({}), 2);
  EXPECT_THAT(said_, testing::StartsWith("error: a region of 1048576 bytes is too small for 16"));
  EXPECT_EQ(Read({"--slots", "2", "--endpoints", "64"}), std::nullopt) << said_;
}

TEST_F(ReadFlagsTest, AWrongFlagIsToldLikeAWrongKey) {
  Write("");
  EXPECT_EQ(Read({"--slots", "1"}), 2);
  EXPECT_EQ(said_, "error: --slots: the number of slots is 1; it must be 2 to 256.\n");
  EXPECT_EQ(Read({"--slots", "-1"}), 2);
  EXPECT_EQ(said_, "error: --slots: it is negative.\n");
  EXPECT_EQ(Read({"--size", "-1"}), 2);
  EXPECT_EQ(said_, "error: --size: it is negative.\n");
  EXPECT_EQ(Read({"--none"}), 2);
  EXPECT_EQ(said_,
            "error: The following argument was not expected: --none\n"
            "Run with --help for more information.\n");
}

TEST_F(ReadFlagsTest, HelpAndVersionNeedNoConfiguration) {
  EXPECT_EQ(Read({"--version"}), 0);
  EXPECT_EQ(printed_, "tombolod 0.1.0\n");
  EXPECT_EQ(Read({"--help"}), 0);
  EXPECT_THAT(printed_, testing::HasSubstr("--config FILE"));
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(ReadFlagsTest, AnAgentsValuesHaveToGoTogetherToo) {
  const std::string folder(120, 'x');
  const auto flags = std::make_shared<AgentFlags>();
  const std::vector<const char*> words = {"tombolo-agent", "--config", "/dev/null", "--runtime-dir",
                                          folder.c_str()};
  testing::internal::CaptureStderr();
  EXPECT_EQ(ReadFlags(DeclareAgentFlags(flags), static_cast<int>(words.size()), words.data()), 2);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("control.sock"));
}

TEST_F(ReadFlagsTest, OnlyTheUsualFileMayBeMissing) {
  const auto missing = FindConfig("", path_);
  ASSERT_TRUE(missing.ok()) << Text(missing);
  EXPECT_EQ(missing->path, "");
  EXPECT_TRUE(absl::IsNotFound(FindConfig(path_, "/dev/null").status()));
  Write("[daemon]\n");
  EXPECT_EQ(FindConfig("", path_)->path, path_);
  EXPECT_EQ(FindConfig("/dev/null", path_)->path, "/dev/null");
  // Not there is one thing, a folder or a wrong one another.
  EXPECT_FALSE(FindConfig("", "/").ok());
  Write("[daemon");
  EXPECT_TRUE(absl::IsInvalidArgument(FindConfig("", path_).status()));
}

}  // namespace
}  // namespace tombolo::control

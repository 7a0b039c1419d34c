// The program as operators run it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "control/registry/membership.h"
#include "control/registry/registry.h"
#include "tests/control/service/served_registry.h"

namespace tombolo::control {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// Ends what hangs: no command here takes a second.
constexpr char kProgram[] = "timeout 20 control/cli/tombolo ";

struct Result {
  int exit_code;
  std::string out;
  std::string err;
};

std::string Content(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class TomboloTest : public ::testing::Test {
 protected:
  void Serve() { ASSERT_TRUE(served_.Serve().ok()); }

  std::string Command(const std::string& arguments) const {
    return kProgram + ("--runtime-dir " + served_.Folder()) + " " + arguments;
  }

  Result Run(const std::string& arguments) const {
    const std::string out = served_.Folder() + "/out";
    const std::string err = served_.Folder() + "/err";
    const int status = system((Command(arguments) + " >" + out + " 2>" + err).c_str());
    return {WEXITSTATUS(status), Content(out), Content(err)};
  }

  ServedRegistry served_;
};

TEST_F(TomboloTest, PeersShowsOneLinePerPeer) {
  served_.PlugReady(3, "abcd1234-0000");
  ASSERT_TRUE(served_.Members().AttachEndpoint({.slot = 3, .name = "agent"}).ok());
  Serve();
  const Result result = Run("peers");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out,
            "SLOT  KIND  STATE  INCARNATION  BOOT      JOINED                ENDPOINTS\n"
            "0     host  ready  1            host      2023-11-14T22:13:20Z  -\n"
            "3     vm    ready  1            abcd1234  2023-11-14T22:13:21Z  agent\n");
  EXPECT_THAT(result.err, IsEmpty());
}

TEST_F(TomboloTest, PeersTellsOfEndpointsWhenAsked) {
  served_.PlugReady(3);
  ASSERT_TRUE(
      served_.Members()
          .AttachEndpoint({.slot = 3, .name = "rank", .pid = 99, .vector = 4, .now_unix_ns = 0})
          .ok());
  Serve();
  EXPECT_THAT(Run("peers --endpoints").out,
              HasSubstr("\n3     0         1            rank  99   4       1970-01-01"));
}

TEST_F(TomboloTest, PeersJsonHasEverything) {
  served_.PlugReady(3, "the-boot");
  ASSERT_TRUE(served_.Members().AttachEndpoint({.slot = 3, .name = "rank", .pid = 99}).ok());
  Serve();
  const json told = json::parse(Run("peers --json").out);
  EXPECT_EQ(told["schema"], 1);
  EXPECT_EQ(told["revision"], 5);
  EXPECT_EQ(told["region_uuid"], kTestRegionUuid);
  EXPECT_EQ(told["peers"][1]["slot"], 3);
  EXPECT_EQ(told["peers"][1]["state"], "ready");
  EXPECT_EQ(told["peers"][1]["boot_id"], "the-boot");
  EXPECT_EQ(told["peers"][1]["endpoints"][0]["name"], "rank");
  EXPECT_EQ(told["peers"][1]["endpoints"][0]["pid"], 99);
}

TEST_F(TomboloTest, WatchTellsChangesWhileItRuns) {
  Serve();
  FILE* watch = popen(Command("watch --json --count 4").c_str(), "r");
  ASSERT_NE(watch, nullptr);
  char line[4096];
  ASSERT_NE(fgets(line, sizeof(line), watch), nullptr);
  EXPECT_EQ(json::parse(line)["event"], "snapshot");
  served_.PlugReady(2, "b");
  ASSERT_TRUE(served_.Members().VacateSlot(2).ok());
  for (const char* expected : {"joined", "ready", "left"}) {
    ASSERT_NE(fgets(line, sizeof(line), watch), nullptr);
    const json told = json::parse(line);
    EXPECT_EQ(told["event"], expected);
    EXPECT_EQ(told["peer"]["slot"], 2);
  }
  EXPECT_EQ(pclose(watch), 0);
}

TEST_F(TomboloTest, WatchIsReadableAndResumes) {
  served_.PlugReady(2, "b");
  Serve();
  const Result result = Run("watch --resume 2 --count 2");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("  3  joined    slot 2, vm, incarnation 1\n"),
                                HasSubstr("  4  ready     slot 2, boot b\n")));
}

TEST_F(TomboloTest, WatchFromAForgottenRevisionFailsAndSaysWhatToDo) {
  Serve();
  const Result result = Run("watch --resume 1000");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("Ask again with 0"));
}

// As in a guest, whose agent has the device: no memory of the region is in sight here.
TEST_F(TomboloTest, StatusAsksWhereTheRegionCannotBeRead) {
  served_.PlugReady(3);
  ASSERT_TRUE(served_.Members().AttachEndpoint({.slot = 3, .name = "rank", .pid = 99}).ok());
  Serve();
  const json told = json::parse(Run("status --json").out);
  EXPECT_EQ(told["where"], nullptr);
  EXPECT_EQ(told["region"]["uuid"], kTestRegionUuid);
  EXPECT_EQ(told["region"]["free_bytes"], kTestFreeBytes);
  EXPECT_EQ(told["daemon"]["state"], "answers");
  EXPECT_EQ(told["ready"], 2);
  EXPECT_EQ(told["peers"][1]["slot"], 3);
  EXPECT_EQ(told["peers"][1]["endpoints"][0], "rank");
  EXPECT_EQ(told["memory"], nullptr);
  EXPECT_THAT(Run("status").out,
              AllOf(HasSubstr("as the daemon tells it"), HasSubstr("\nmemory     123 MiB free\n")));
}

TEST_F(TomboloTest, VmArgsAreOneLineOrAnArray) {
  Serve();
  const Result line = Run("vm-args 3");
  EXPECT_EQ(line.exit_code, 0) << line.err;
  EXPECT_EQ(line.out,
            "-M q35,kernel-irqchip=split -device intel-iommu,intremap=on -chardev socket,path=" +
                served_.Folder() +
                "/slot-3.sock,id=tombolo -device ivshmem-doorbell,chardev=tombolo,vectors=16\n");
  EXPECT_THAT(line.err, AllOf(HasSubstr("# Do not add reconnect="), HasSubstr("maxcpus=2")));
  const json words = json::parse(Run("vm-args 3 --json").out);
  ASSERT_EQ(words.size(), 8u);
  EXPECT_EQ(words[7], "ivshmem-doorbell,chardev=tombolo,vectors=16");
}

TEST_F(TomboloTest, XmlIsOneElement) {
  Serve();
  const Result result = Run("xml 3");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(StartsWith("<shmem name='tombolo'>\n"), EndsWith("\n</shmem>\n"),
                                HasSubstr("<server path='" + served_.Folder() + "/slot-3.sock'/>"),
                                HasSubstr("<msi vectors='16' ")));
  EXPECT_THAT(result.err, HasSubstr("# The domain also needs <ioapic driver='qemu'/>"));
}

TEST_F(TomboloTest, WithoutASlotVmsTakeTheLowestVacantOne) {
  Serve();
  EXPECT_THAT(Run("vm-args").out, HasSubstr(served_.Folder() + "/ivshmem.sock"));
  EXPECT_THAT(Run("xml").out, HasSubstr(served_.Folder() + "/ivshmem.sock"));
}

TEST_F(TomboloTest, AnOccupiedSlotIsAWarning) {
  served_.PlugReady(3);
  Serve();
  EXPECT_THAT(Run("vm-args 3").err, HasSubstr("Slot 3 is occupied now"));
  EXPECT_THAT(Run("xml 3").err, HasSubstr("Slot 3 is occupied now"));
  EXPECT_THAT(Run("vm-args 4").err, Not(HasSubstr("occupied")));
}

TEST_F(TomboloTest, SlotsThatAreNotForVmsAreRefused) {
  Serve();
  for (const char* arguments : {"vm-args 0", "vm-args 16", "xml 0", "xml 16"}) {
    const Result result = Run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("1 to 15"));
    EXPECT_THAT(result.out, IsEmpty());
  }
}

TEST_F(TomboloTest, DaemonNotRunningIsExitCodeThree) {
  for (const char* command : {"peers", "watch", "vm-args", "xml"}) {
    const Result result = Run(command);
    EXPECT_EQ(result.exit_code, 3);
    EXPECT_THAT(result.err, AllOf(StartsWith("error: no tombolod answers at unix:"),
                                  HasSubstr("tombolod --runtime-dir " + served_.Folder())));
    EXPECT_THAT(result.out, IsEmpty());
  }
}

TEST_F(TomboloTest, PingWithoutABrokerIsExitCodeThree) {
  const Result result = Run("ping 1");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr(served_.Folder() + "/broker.sock"), HasSubstr("Start tombolod")));
}

TEST_F(TomboloTest, WrongUsageIsExitCodeTwo) {
  for (const char* arguments :
       {"nonsense", "peers --nonsense", "vm-args three", "watch --resume=minus", "peers watch",
        "ping", "ping x", "ping 1 --count 0", "fsck x", "stat --watch 0"}) {
    EXPECT_EQ(Run(arguments).exit_code, 2) << arguments;
  }
}

TEST_F(TomboloTest, HelpBeginsWithExamples) {
  for (const char* arguments :
       {"", "-h", "peers --help", "watch -h", "vm-args -h", "ping -h", "fsck -h", "stat -h"}) {
    const Result result = Run(arguments);
    EXPECT_EQ(result.exit_code, 0) << arguments;
    EXPECT_THAT(result.out, StartsWith("Examples:\n  ")) << arguments;
  }
  EXPECT_THAT(Run("--version").out, StartsWith("tombolo "));
}

}  // namespace
}  // namespace tombolo::control

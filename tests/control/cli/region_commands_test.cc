// `tombolo fsck`, `stat`, `status` and `services` on the region of a real tombolod, alive and
// killed.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "control/region_source/held_memory.h"
#include "tests/support/daemon_process.h"
#include "tests/support/spin.h"
#include "transport/base/unique_fd.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/layout/extent_word.h"

namespace tombolo::control {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class Ignore final : public ChannelHandler {
 public:
  void OnMessage(tombolo::EndpointId, uint8_t, std::span<const std::byte>) override {}
  void OnDeparted(tombolo::EndpointId) override {}
};

// A command that prints a line of JSON now and then.
class Watched {
 public:
  explicit Watched(const std::string& command) : pipe_(popen(command.c_str(), "r")) {}

  json NextLine() {
    char line[4096] = "";
    EXPECT_NE(fgets(line, sizeof(line), pipe_), nullptr);
    const json told = json::parse(line, nullptr, false);
    EXPECT_FALSE(told.is_discarded()) << line;
    return told;
  }

  // To be called once, at its end.
  int ExitCode() { return WEXITSTATUS(pclose(pipe_)); }

 private:
  FILE* const pipe_;
};

class RegionCommandsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    HoldMemory();
    sender_ = Join("sender");
    receiver_ = Join("receiver");
    ASSERT_TRUE(sender_.channel->Open(receiver_.endpoint->Id()).ok());
  }

  // As a QEMU does. (What is only mapped, root alone may open.)
  void HoldMemory() {
    const HeldMemories held = FindHeldMemoriesOf("/proc", daemon_.Pid());
    ASSERT_THAT(held.found, SizeIs(1));
    memory_ = UniqueFd(open(held.found[0].path.c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(memory_.IsOpen());
  }

  std::string OwnMemory() const {
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(memory_.Get());
  }

  struct Member {
    std::unique_ptr<Endpoint> endpoint;
    std::unique_ptr<Channel> channel;
  };

  Member Join(const char* name) const {
    Member member;
    member.endpoint = *Endpoint::Attach(daemon_.Broker(), name);
    member.channel = *Channel::Create(*member.endpoint);
    return member;
  }

  void Send(size_t payload_bytes) {
    Ignore ignore;
    Claim claim;
    ASSERT_TRUE(sender_.channel->TryClaim(receiver_.endpoint->Id(), payload_bytes, claim));
    sender_.channel->Publish(claim, 1, payload_bytes);
    ASSERT_EQ(receiver_.channel->Poll(ignore), 1u);
  }

  struct Result {
    int exit_code = -1;
    std::string output;
  };

  // Both streams.
  std::string Command(const std::string& arguments) const {
    return "timeout 20 control/cli/tombolo --runtime-dir " + daemon_.RuntimeDir() + " " +
           arguments + " 2>&1";
  }

  Result Run(const std::string& arguments) const {
    Result result;
    FILE* pipe = popen(Command(arguments).c_str(), "r");
    char line[4096];
    while (fgets(line, sizeof(line), pipe) != nullptr) result.output += line;
    result.exit_code = WEXITSTATUS(pclose(pipe));
    return result;
  }

  // What both commands say when ten messages of 100 bytes were sent.
  void ExpectTraffic(const std::string& region) {
    const Result stat = Run("stat --json" + region);
    ASSERT_EQ(stat.exit_code, 0) << stat.output;
    const json endpoints = json::parse(stat.output)["endpoints"];
    ASSERT_THAT(endpoints, SizeIs(2));
    EXPECT_EQ(endpoints[0]["name"], "sender");
    EXPECT_EQ(endpoints[0]["counters"]["messages_sent"], 10);
    EXPECT_EQ(endpoints[0]["counters"]["bytes_sent"], 1000);
    EXPECT_EQ(endpoints[1]["name"], "receiver");
    EXPECT_EQ(endpoints[1]["counters"]["bytes_received"], 1000);
    EXPECT_EQ(endpoints[1]["counters"]["storms"], 0);
    const Result fsck = Run("fsck --json" + region);
    EXPECT_EQ(fsck.exit_code, 0) << fsck.output;
    const json told = json::parse(fsck.output);
    EXPECT_EQ(told["owned"], 2) << "a directory and a link";
    EXPECT_EQ(told["owners"][0]["kinds"]["link"], 1);
    EXPECT_EQ(told["owners"][0]["pid"], getpid());
    EXPECT_THAT(told["violations"], SizeIs(0));
  }

  DaemonProcess daemon_;
  UniqueFd memory_;
  Member sender_;
  Member receiver_;
};

TEST_F(RegionCommandsTest, TellTheSameWhenTheDaemonIsDead) {
  for (int i = 0; i < 10; ++i) Send(100);
  ExpectTraffic("");
  daemon_.Kill();
  ExpectTraffic("");
  ExpectTraffic(" --region " + OwnMemory());
}

TEST_F(RegionCommandsTest, StatusIsTheSameWithoutTheDaemon) {
  for (int i = 0; i < 10; ++i) Send(100);
  for (const bool alive : {true, false}) {
    if (!alive) daemon_.Kill();
    const Result status = Run("status --json");
    ASSERT_EQ(status.exit_code, 0) << status.output;
    const json told = json::parse(status.output);
    EXPECT_EQ(told["daemon"]["state"], alive ? "answers" : "absent");
    EXPECT_EQ(told["daemon"]["program"], alive ? json("tombolod") : json(nullptr));
    EXPECT_EQ(told["daemon"]["uptime_seconds"].is_number(), alive);
    EXPECT_EQ(told["region"]["bytes"], 16 << 20);
    EXPECT_EQ(told["live_endpoints"], 2);
    ASSERT_THAT(told["peers"], SizeIs(1));
    EXPECT_EQ(told["peers"][0]["kind"], "host");
    EXPECT_EQ(told["peers"][0]["state"], "ready");
    EXPECT_EQ(told["peers"][0]["endpoints"], json({"sender", "receiver"}));
    const json memory = told["memory"];
    EXPECT_EQ(memory["owned"], 2 * 4096) << "a directory and a link";
    EXPECT_EQ(memory["free"], memory["bytes"].get<int>() - 2 * 4096);
    ASSERT_THAT(told["busiest"], SizeIs(2));
    EXPECT_EQ(told["busiest"][0]["name"], "sender");
    EXPECT_EQ(told["busiest"][0]["bytes_sent"], 1000);
  }
}

TEST_F(RegionCommandsTest, StatusTellsOfADaemonThatIsStopped) {
  kill(daemon_.Pid(), SIGSTOP);
  const Result status = Run("status");
  kill(daemon_.Pid(), SIGCONT);
  EXPECT_EQ(status.exit_code, 0) << status.output;
  EXPECT_THAT(status.output,
              HasSubstr("tombolod " + std::to_string(daemon_.Pid()) + " does not answer, up "));
}

TEST_F(RegionCommandsTest, StatusIsOnePageForPeople) {
  Send(100);
  const Result status = Run("status");
  EXPECT_EQ(status.exit_code, 0);
  EXPECT_THAT(
      status.output,
      AllOf(HasSubstr(", 16 MiB, 16 slots with 16 vectors, "), HasSubstr("held by tombolod"),
            HasSubstr(" answers, up "), HasSubstr("\npeers      1 of 16: 1 ready, 0 "),
            HasSubstr("\nendpoints  2 of 1024\n"), HasSubstr(" free, 8 KiB owned, "),
            HasSubstr("\nSLOT  BUSIEST  NAME"), HasSubstr("receiver, sender")));
}

TEST_F(RegionCommandsTest, TablesAreForPeople) {
  Send(100);
  const Result stat = Run("stat");
  EXPECT_EQ(stat.exit_code, 0);
  EXPECT_THAT(stat.output, AllOf(HasSubstr("SLOT  ENDPOINT  NAME"), HasSubstr("sender    1 "),
                                 HasSubstr("receiver  0 ")));
  const Result fsck = Run("fsck");
  EXPECT_EQ(fsck.exit_code, 0);
  EXPECT_THAT(fsck.output, AllOf(HasSubstr("held by tombolod"), HasSubstr("endpoint 0  sender"),
                                 HasSubstr("link-directory 1, link 1"), HasSubstr("\nclean: ")));
}

TEST_F(RegionCommandsTest, ServicesAreListedAndClosed) {
  const auto writer = *Endpoint::Attach(daemon_.Broker(), "writer");
  ASSERT_TRUE(writer->OpenService("cache").ok());
  EXPECT_THAT(Run("services").output, HasSubstr("cache    endpoint 2  0        0"));
  const json told = json::parse(Run("services --json").output);
  ASSERT_THAT(told["services"], SizeIs(1));
  EXPECT_EQ(told["services"][0]["name"], "cache");
  EXPECT_EQ(told["services"][0]["writer"]["index"], 2);
  EXPECT_EQ(Run("services --json --close cache").exit_code, 2);
  const Result busy = Run("services --close cache");
  EXPECT_EQ(busy.exit_code, 1);
  EXPECT_THAT(busy.output, HasSubstr("end it first"));
  EXPECT_EQ(Run("services --close other").exit_code, 1);
  ASSERT_TRUE(writer->Detach().ok());
  ASSERT_TRUE(SpinUntil([&] { return Run("services --close cache").exit_code == 0; }));
  ASSERT_TRUE(SpinUntil([&] {
    const Result none = Run("services");
    return none.exit_code == 0 && none.output.find("cache") == std::string::npos;
  }));
  daemon_.Kill();
  EXPECT_EQ(Run("services").exit_code, 0) << "asks nobody";
  EXPECT_EQ(Run("services --close cache").exit_code, 3);
}

TEST_F(RegionCommandsTest, ServicesAreWatched) {
  Watched watch(Command("services --watch --json --count 5"));
  json line = watch.NextLine();
  EXPECT_EQ(line["event"], "snapshot");
  EXPECT_THAT(line["services"], SizeIs(0));
  const uint64_t revision = line["revision"];

  const auto writer = *Endpoint::Attach(daemon_.Broker(), "writer");
  ASSERT_TRUE(writer->OpenService("cache").ok());
  line = watch.NextLine();
  EXPECT_EQ(line["event"], "appeared");
  EXPECT_EQ(line["revision"], revision + 1);
  EXPECT_EQ(line["service"]["state"], "written");
  EXPECT_EQ(line["service"]["writer"]["name"], "writer");

  ASSERT_TRUE(writer->Detach().ok());
  line = watch.NextLine();
  EXPECT_EQ(line["event"], "changed");
  EXPECT_EQ(line["service"]["state"], "waiting");
  EXPECT_EQ(line["service"]["writer"], nullptr);

  ASSERT_EQ(Run("services --close cache").exit_code, 0);
  EXPECT_EQ(watch.NextLine()["service"]["state"], "going");
  line = watch.NextLine();
  EXPECT_EQ(line["event"], "gone");
  EXPECT_EQ(line["revision"], revision + 4);
  EXPECT_EQ(watch.ExitCode(), 0);

  const Result missed = Run("services --watch --count 1 --resume " + std::to_string(revision + 3));
  EXPECT_THAT(missed.output, HasSubstr("cache: gone"));
  const Result former = Run("services --watch --resume 7");
  EXPECT_EQ(former.exit_code, 1);
  EXPECT_THAT(former.output, HasSubstr("Ask again with 0"));
  EXPECT_EQ(Run("services --resume 7").exit_code, 2) << "is of --watch";
}

TEST_F(RegionCommandsTest, WatchTellsWhatWasAdded) {
  Send(100);
  const Result stat = Run("stat --watch 0.01 --count 2");
  EXPECT_EQ(stat.exit_code, 0);
  EXPECT_THAT(stat.output, AllOf(HasSubstr("sender    1 "), HasSubstr("sender    0 ")));
}

TEST_F(RegionCommandsTest, ViolationsAreExitCodeOne) {
  const Region& region = sender_.endpoint->SharedRegion();
  const uint32_t last = region.Parts().extent_count - 1;
  region.ExtentMap()[last].store(
      Pack({.state = ExtentState::kHead, .kind = ExtentKind::kMemory, .owner = 9, .length = 1}),
      std::memory_order_relaxed);
  const Result result = Run("fsck");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, AllOf(HasSubstr("\n  leak: extent " + std::to_string(last)),
                                   HasSubstr("error: the region has 1 violations")));
  const std::string told = Run("fsck --json").output;
  EXPECT_EQ(json::parse(told.substr(told.find('{')))["violations"][0]["kind"], "leak");
}

TEST_F(RegionCommandsTest, NamesAreNoOrdersToTheTerminal) {
  sender_.endpoint->SharedRegion().Endpoint(0).name[0].store(0x1b5b1b, std::memory_order_relaxed);
  EXPECT_THAT(Run("stat").output, HasSubstr("?[?"));
  EXPECT_THAT(Run("fsck").output, HasSubstr("?[?"));
  EXPECT_THAT(Run("status").output, HasSubstr("?[?"));
}

TEST_F(RegionCommandsTest, NoRegionAnywhereIsExitCodeThree) {
  sender_ = {};
  receiver_ = {};
  memory_ = UniqueFd();
  daemon_.Kill();
  for (const char* command : {"stat", "fsck", "status", "stat --region /tmp/no/such/file"}) {
    EXPECT_EQ(Run(command).exit_code, 3) << command;
  }
}

}  // namespace
}  // namespace tombolo::control

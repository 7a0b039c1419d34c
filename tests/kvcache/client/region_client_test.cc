// Clients of a real tombolo-kv, by its owner socket and by the region of a real tombolod: the same
// is true of both ways.
#include <signal.h>
#include <sys/wait.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "kvcache/client/client.h"
#include "tests/kvcache/kv_process.h"
#include "tests/support/daemon_process.h"
#include "tests/support/spin.h"
#include "tests/support/status_text.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr int64_t kPatienceNs = 30 * kNsPerSecond;
constexpr int64_t kLittlePatienceNs = 300 * kNsPerMs;

enum class Way { kSocket, kRegion };

class RegionClientTest : public testing::TestWithParam<Way> {
 protected:
  Client Open(int64_t timeout_ns = kPatienceNs) {
    const std::string region = "region:cache@" + daemon_.Broker();
    return *Client::Open({.owner = GetParam() == Way::kRegion ? region : owner_.Owner(),
                          .link = {.timeout_ns = timeout_ns}});
  }

  static std::string Get(Client& client, std::string_view key) {
    StoredValue item;
    const auto is_hit = client.Get(key, item);
    if (!is_hit.ok()) return Text(is_hit);
    return *is_hit ? item.value : "(miss)";
  }

  DaemonProcess daemon_;
  KvProcess owner_{{"--region-service", "cache", "--broker-socket", daemon_.Broker(), "-m", "64"}};
};

INSTANTIATE_TEST_SUITE_P(BothWays, RegionClientTest, testing::Values(Way::kSocket, Way::kRegion));

TEST_P(RegionClientTest, ValuesOfEverySizeComeAndGo) {
  Client client = Open();
  for (const size_t bytes : {0u, 1u, 100u, 1900u, 2000u, 32'768u, 100'000u, 1'000'000u}) {
    const std::string value(bytes, static_cast<char>('a' + bytes % 26));
    const auto answer = client.Set("key", value);
    ASSERT_TRUE(answer.ok()) << Text(answer);
    ASSERT_EQ(answer->result, StoreResult::kStored) << bytes;
    ASSERT_EQ(Get(client, "key"), value) << bytes;
  }
  EXPECT_EQ(client.Set("key", std::string(2'000'000, 'x'))->result, StoreResult::kTooLarge);
  EXPECT_EQ(Get(client, "key"), "(miss)");
  EXPECT_EQ(client.Facts()->items, 0u);
}

TEST_P(RegionClientTest, AKilledOwnerIsAnErrorAndTheNextOneIsFound) {
  Client client = Open();
  ASSERT_TRUE(client.Set("key", "value").ok());
  owner_.Kill();
  const auto answer = client.Set("key", "lost");
  EXPECT_TRUE(absl::IsUnavailable(answer.status())) << Text(answer);
  owner_.Start();
  EXPECT_EQ(Get(client, "key"), "value");
  EXPECT_TRUE(client.Set("key", "again").ok());
}

// The first command after it is answered, too: nothing tells the client in between.
TEST_P(RegionClientTest, ARestartInBetweenIsNotNoticed) {
  Client client = Open();
  ASSERT_TRUE(client.Set("key", "value").ok());
  owner_.Kill();
  owner_.Start();
  const auto answer = client.Set("key", "after");
  EXPECT_TRUE(answer.ok()) << Text(answer);
}

TEST_P(RegionClientTest, WhatAStoppedOwnerWasAskedItDoesNotDoLater) {
  Client client = Open(kLittlePatienceNs);
  ASSERT_TRUE(SpinUntil([&] { return client.Set("key", "value").ok(); }));
  ASSERT_EQ(kill(owner_.Pid(), SIGSTOP), 0);
  // Its threads stop a little later than that.
  int status = 0;
  ASSERT_EQ(waitpid(owner_.Pid(), &status, WUNTRACED), owner_.Pid());
  const auto answer = client.Set("key", "stale");
  ASSERT_EQ(kill(owner_.Pid(), SIGCONT), 0);
  EXPECT_TRUE(absl::IsDeadlineExceeded(answer.status())) << Text(answer);
  std::string value;
  EXPECT_TRUE(SpinUntil([&] {
    value = Get(client, "key");
    return value == "value" || value == "stale";
  }));
  EXPECT_EQ(value, "value");
}

TEST(RegionOwnerTest, WhoIsNotThereIsSaidToBe) {
  DaemonProcess daemon;
  auto client = Client::Open({.owner = "region:cache@" + daemon.Broker()});
  const std::string said = Text(client->Set("key", "value"));
  EXPECT_NE(said.find("start tombolo-kv with --region-service cache"), std::string::npos) << said;
  auto lonely = Client::Open({.owner = "region:cache@" + daemon.RuntimeDir() + "/none"});
  EXPECT_TRUE(absl::IsUnavailable(lonely->Set("key", "value").status()));
}

}  // namespace
}  // namespace tombolo::kvcache

#include "control/tunnel/tunnel_rules.h"

#include <string>

#include "control/tunnel/agent_tunnels.h"
#include "gtest/gtest.h"

namespace tombolo::control {
namespace {

TEST(TunnelRulesTest, AddressesOfEachKindAreRead) {
  for (const char* text :
       {"127.0.0.1:11211", "localhost:80", "[::1]:11211", "0.0.0.0:0", "unix:/run/a=b.sock"}) {
    const auto address = SocketAddress::Parse(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->ToString(), text);
  }
  EXPECT_EQ(SocketAddress::Parse("unix:/run/app.sock")->UnixPath(), "/run/app.sock");
}

TEST(TunnelRulesTest, WhatIsNoAddressIsRefusedWithTheFormsThatAre) {
  for (const std::string& text :
       {std::string(), std::string("11211"), std::string("127.0.0.1"),
        std::string("127.0.0.1:65536"), std::string("127.0.0.1:x"), std::string("example.org:80"),
        std::string("::1:80"), std::string("[::1:80"), std::string("unix:"),
        "unix:/" + std::string(200, 'x')}) {
    const absl::Status status = SocketAddress::Parse(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(status.message().find("unix:/PATH"), absl::string_view::npos);
  }
}

TEST(TunnelRulesTest, AForwardIsSplitAtTheLastEqualsSign) {
  const auto rule = ParseForwardRule("unix:/run/a=b.sock=memcached");
  ASSERT_TRUE(rule.ok());
  EXPECT_EQ(rule->listen.UnixPath(), "/run/a=b.sock");
  EXPECT_EQ(rule->service, "memcached");
}

TEST(TunnelRulesTest, AForwardToASlotIsSplitAtTheFirstColon) {
  const auto by_name = ParseForwardRule("127.0.0.1:1", "0:memcached");
  ASSERT_TRUE(by_name.ok());
  EXPECT_EQ(by_name->slot, kHostAgentSlot);
  EXPECT_EQ(by_name->service, "memcached");
  const auto by_address = ParseForwardRule("unix:/a", "12:[::1]:80");
  ASSERT_TRUE(by_address.ok());
  EXPECT_EQ(by_address->slot, 12);
  EXPECT_EQ(by_address->service, "[::1]:80");
  for (const std::string& to :
       {std::string("memcached"), std::string(":a"), std::string("-1:a"), std::string("65536:a"),
        std::string("1:"), std::string("1:a/b"), "1:unix:/" + std::string(60, 'x')}) {
    EXPECT_FALSE(ParseForwardRule("127.0.0.1:1", to).ok()) << to;
  }
}

TEST(TunnelRulesTest, AddressesAreEqualHoweverTheyAreWritten) {
  const auto parse = [](const char* text) { return SocketAddress::Parse(text).value(); };
  EXPECT_TRUE(parse("localhost:80") == parse("127.0.0.1:80"));
  EXPECT_FALSE(parse("127.0.0.1:80") == parse("127.0.0.1:81"));
  EXPECT_FALSE(parse("127.0.0.1:80") == parse("[::1]:80"));
  EXPECT_FALSE(parse("unix:/a") == parse("unix:/ab"));
}

TEST(TunnelRulesTest, ATargetIsSplitAtTheFirstEqualsSign) {
  const auto rule = ParseAllowRule("web=unix:/run/a=b.sock");
  ASSERT_TRUE(rule.ok());
  EXPECT_EQ(rule->service, "web");
  EXPECT_EQ(rule->target.UnixPath(), "/run/a=b.sock");
}

TEST(TunnelRulesTest, WhatIsNoRuleIsRefused) {
  for (const char* text : {"", "=", "127.0.0.1:1", "127.0.0.1:1=", "127.0.0.1:1=a b", "x=y"}) {
    EXPECT_FALSE(ParseForwardRule(text).ok()) << text;
    EXPECT_FALSE(ParseAllowRule(text).ok()) << text;
  }
}

TEST(TunnelRulesTest, AgentsKeepTheControlTunnelBesideWhatTheyAreTold) {
  const auto guest = GuestTunnels("/run/t", {"127.0.0.1:11211=memcached"}, {"db=127.0.0.1:1"});
  ASSERT_TRUE(guest.ok());
  EXPECT_EQ(guest->broker_socket, "/run/t/broker.sock");
  ASSERT_EQ(guest->forwards.size(), 2u);
  EXPECT_EQ(guest->forwards[1].listen.UnixPath(), "/run/t/control.sock");
  ASSERT_EQ(guest->allowed.size(), 1u);
  EXPECT_EQ(guest->allowed[0].service, "db");
  const auto host = HostTunnels("/run/t", {"memcached=127.0.0.1:11211"});
  ASSERT_TRUE(host.ok());
  ASSERT_EQ(host->allowed.size(), 2u);
  EXPECT_EQ(host->allowed[1].service, guest->forwards[1].service);
  EXPECT_EQ(host->allowed[1].target.UnixPath(), "/run/t/guest.sock");
  EXPECT_FALSE(GuestTunnels("/run/t", {"memcached"}, {}).ok());
  EXPECT_FALSE(HostTunnels("/run/t", {"memcached"}).ok());
}

}  // namespace
}  // namespace tombolo::control

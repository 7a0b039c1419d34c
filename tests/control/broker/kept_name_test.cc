#include "control/broker/kept_name.h"

#include "gtest/gtest.h"

namespace tombolo::control {
namespace {

constexpr ServedEndpoint kEndpoint{.id = {12, 3}, .vector = 4, .pid = 567};

TEST(KeptNameTest, SocketNameCarriesTheEndpoint) {
  EXPECT_EQ(KeptSocketName(kEndpoint), "broker/12.3.4.567/socket");
  EXPECT_EQ(ParseKeptSocketName(KeptSocketName(kEndpoint)), kEndpoint);
}

TEST(KeptNameTest, OtherNamesAreNoEndpoints) {
  for (const char* name : {"", "broker/listener", "broker/12.3.4.567/pidfd", "broker/12.3.4/socket",
                           "broker/12.3.4.567/socket2", "region/12.3.4.567/socket",
                           "broker/12.3.70000.567/socket", "broker/a.3.4.567/socket"}) {
    EXPECT_EQ(ParseKeptSocketName(name), std::nullopt) << name;
  }
  EXPECT_TRUE(IsKeptPidfdName(KeptPidfdName(kEndpoint)));
  EXPECT_FALSE(IsKeptPidfdName(KeptSocketName(kEndpoint)));
}

}  // namespace
}  // namespace tombolo::control

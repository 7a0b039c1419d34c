#include "control/ivshmem_server/handshake.h"

#include <cstdint>
#include <vector>

#include "control/doorbells/doorbell_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tombolo::control {
namespace {

using ::testing::ElementsAre;

constexpr int kMemoryFd = 1000;

class HandshakeTest : public testing::Test {
 protected:
  std::vector<int64_t> Values(uint32_t slot) const {
    const Handshake handshake(doorbells_, kMemoryFd, slot);
    std::vector<int64_t> values;
    for (uint32_t i = 0; i < handshake.MessageCount(); ++i) {
      values.push_back(handshake.Message(i).value);
    }
    return values;
  }

  DoorbellTable doorbells_ = DoorbellTable::Create(4, 2).value();
};

TEST_F(HandshakeTest, NamesAllOtherSlotsInOrderAndTheOwnOneLast) {
  EXPECT_THAT(Values(1), ElementsAre(0, 1, -1, 0, 0, 2, 2, 3, 3, 1, 1));
  EXPECT_THAT(Values(2), ElementsAre(0, 2, -1, 0, 0, 1, 1, 3, 3, 2, 2));
  EXPECT_THAT(Values(3), ElementsAre(0, 3, -1, 0, 0, 1, 1, 2, 2, 3, 3));
}

TEST_F(HandshakeTest, CarriesTheRegionAndTheEventfdsByVector) {
  const Handshake handshake(doorbells_, kMemoryFd, 2);
  EXPECT_EQ(handshake.Message(0).fd, -1);
  EXPECT_EQ(handshake.Message(1).fd, -1);
  EXPECT_EQ(handshake.Message(2).fd, kMemoryFd);
  EXPECT_EQ(handshake.Message(5).fd, doorbells_.Fd(1, 0));
  EXPECT_EQ(handshake.Message(6).fd, doorbells_.Fd(1, 1));
  EXPECT_EQ(handshake.Message(9).fd, doorbells_.Fd(2, 0));
  EXPECT_EQ(handshake.Message(10).fd, doorbells_.Fd(2, 1));
}

}  // namespace
}  // namespace tombolo::control

#include "mpi_btl/engine/address.h"

#include <cstddef>
#include <cstring>
#include <vector>

#include "gtest/gtest.h"

namespace tombolo::mpi {
namespace {

constexpr RegionUuid kRegion = {1, 2, 3};
constexpr EndpointId kId = {7, 3};

TEST(AddressTest, ComesBackAsItWasMade) {
  const tombolo_address address = MakeAddress(kRegion, kId);
  const absl::StatusOr<EndpointId> id = ReadAddress(&address, sizeof(address), kRegion);
  ASSERT_TRUE(id.ok()) << id.status();
  EXPECT_EQ(*id, kId);
}

TEST(AddressTest, IsReadAtAnyAlignment) {
  const tombolo_address address = MakeAddress(kRegion, kId);
  std::vector<std::byte> memory(sizeof(address) + 1);
  std::memcpy(memory.data() + 1, &address, sizeof(address));
  EXPECT_TRUE(ReadAddress(memory.data() + 1, sizeof(address), kRegion).ok());
}

TEST(AddressTest, OfAnotherLengthIsRefused) {
  const tombolo_address address = MakeAddress(kRegion, kId);
  for (const size_t bytes : std::vector<size_t>{0, 1, sizeof(address) - 1, sizeof(address) + 1}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ReadAddress(&address, bytes, kRegion).status())) << bytes;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(ReadAddress(nullptr, 0, kRegion).status()));
}

TEST(AddressTest, OfAnotherVersionIsRefused) {
  tombolo_address address = MakeAddress(kRegion, kId);
  ++address.version;
  EXPECT_TRUE(absl::IsInvalidArgument(ReadAddress(&address, sizeof(address), kRegion).status()));
}

TEST(AddressTest, OfAProcessWithoutABrokerIsNotFound) {
  const tombolo_address address = NoAddress();
  EXPECT_TRUE(absl::IsNotFound(ReadAddress(&address, sizeof(address), kRegion).status()));
}

TEST(AddressTest, OfAnotherRegionIsRefused) {
  const tombolo_address address = MakeAddress(RegionUuid{9}, kId);
  EXPECT_TRUE(absl::IsFailedPrecondition(ReadAddress(&address, sizeof(address), kRegion).status()));
}

}  // namespace
}  // namespace tombolo::mpi

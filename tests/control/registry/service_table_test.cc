#include "control/registry/service_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"

namespace tombolo::control {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr EndpointId kAlice{3, 1};
constexpr EndpointId kBob{4, 2};

TEST(ServiceTableTest, TheFirstToOpenAServiceMakesIt) {
  ServiceTable table(2);
  const auto cache = table.Open("cache", kAlice);
  ASSERT_TRUE(cache.ok()) << cache.status();
  EXPECT_EQ(cache->index, 0u);
  EXPECT_EQ(cache->incarnation, 1u);
  EXPECT_EQ(cache->writer, kAlice);
  EXPECT_EQ(table.Open("other", kAlice)->index, 1u);
  EXPECT_THAT(table.All(), SizeIs(2));
}

TEST(ServiceTableTest, OneEndpointAtATimeIsTheWriter) {
  ServiceTable table(2);
  ASSERT_TRUE(table.Open("cache", kAlice).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(table.Open("cache", kBob).status()));
  EXPECT_TRUE(table.Open("cache", kAlice).ok()) << "asking twice changes nothing";
  table.ForgetWriter(kBob);
  EXPECT_TRUE(absl::IsAlreadyExists(table.Open("cache", kBob).status()));
  table.ForgetWriter(kAlice);
  const auto cache = table.Open("cache", kBob);
  ASSERT_TRUE(cache.ok()) << cache.status();
  EXPECT_EQ(cache->incarnation, 1u) << "the service has outlived its first writer";
}

TEST(ServiceTableTest, AServiceGoesInTwoSteps) {
  ServiceTable table(1);
  ASSERT_TRUE(table.Open("cache", kAlice).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(table.Close("cache")));
  table.ForgetWriter(kAlice);
  ASSERT_TRUE(table.Close("cache").ok());
  EXPECT_TRUE(table.Close("cache").ok());
  EXPECT_TRUE(absl::IsUnavailable(table.Open("cache", kBob).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(table.Open("other", kBob).status()));
  table.Recycle(0);
  EXPECT_THAT(table.All(), IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(table.Close("cache")));
  EXPECT_EQ(table.Open("other", kBob)->incarnation, 2u);
}

}  // namespace
}  // namespace tombolo::control

// A client that looks at values in place.
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "kvcache/client/client.h"
#include "tests/kvcache/client/test_owner.h"
#include "tests/support/status_text.h"
#include "transport/base/clock.h"

namespace tombolo::kvcache {
namespace {

Client Open(const TestOwner& owner, bool with_window = true) {
  auto client = Client::Open({.window = with_window ? owner.Window() : "",
                              .owner = owner.Socket(),
                              .link = {.timeout_ns = 30 * kNsPerSecond},
                              // No owner is dead because this test is held up.
                              .clock = [] { return int64_t{0}; }});
  EXPECT_TRUE(client.ok()) << Text(client);
  return *std::move(client);
}

std::string Shown(const View& view) {
  return {reinterpret_cast<const char*>(view.value.data()), view.value.size()};
}

TEST(ClientViewTest, AViewIsInPlaceAndValidUntilItsItemIsReplaced) {
  TestOwner owner({.shards = 4});
  Client client = Open(owner);
  for (int i = 0; i < 20; ++i) {
    const std::string key = "key" + std::to_string(i);
    client.Set(key, "value of " + key, 7).IgnoreError();
    View view;
    ASSERT_TRUE(*client.Look(key, view));
    EXPECT_NE(view.token.slot_word, 0u) << "a copy";
    EXPECT_EQ(Shown(view), "value of " + key);
    EXPECT_EQ(view.found.flags, 7u);
    EXPECT_TRUE(client.StillValid(view));
    const uint32_t shard = owner.Shards().ShardOf(key);
    EXPECT_EQ(view.found.shard, shard);
    // By somebody else: the view goes on.
    Client other = Open(owner);
    other.Set("other", "x").IgnoreError();
    EXPECT_TRUE(client.StillValid(view));
    other.Set(key, "next").IgnoreError();
    EXPECT_FALSE(client.StillValid(view));
  }
  View view;
  EXPECT_FALSE(*client.Look("none", view));
}

TEST(ClientViewTest, WhereMemoryCannotTellAViewIsACopyThatStays) {
  TestOwner owner;
  Client client = Open(owner, /*with_window=*/false);
  Client other = Open(owner);
  client.Set("key", "value").IgnoreError();
  View view;
  ASSERT_TRUE(*client.Look("key", view));
  other.Set("key", "next").IgnoreError();
  EXPECT_TRUE(client.StillValid(view));
  EXPECT_EQ(Shown(view), "value");
  owner.Kill();
  EXPECT_FALSE(client.Look("key", view).ok());
}

}  // namespace
}  // namespace tombolo::kvcache

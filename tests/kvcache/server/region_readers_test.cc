// The thread that serves readers of the region, with readers that say whatever a test likes, or
// nothing, or never listen.
#include "kvcache/server/region_readers.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "kvcache/remote/owner_request.h"
#include "kvcache/remote/owner_wire.h"
#include "kvcache/remote/region_messages.h"
#include "tests/kvcache/server/shards_fixture.h"
#include "tests/support/spin.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kReplyBytes = sizeof(OwnerReplyHeader);
constexpr size_t kHelloReplyBytes = kReplyBytes + sizeof(OwnerHelloReply);

template <typename Struct>
std::string Raw(const Struct& one) {
  return {reinterpret_cast<const char*>(&one), sizeof(one)};
}

std::string BytesFor(const OwnerRequest& request) {
  return Raw(request.header).append(request.key).append(request.value);
}

std::string Hello() {
  const OwnerHello hello{.magic = kOwnerProtocolMagic, .version = kOwnerProtocolVersion};
  const std::string value = Raw(hello);
  return BytesFor({.header = {.op = static_cast<uint8_t>(OwnerOp::kHello),
                              .value_bytes = static_cast<uint32_t>(value.size())},
                   .value = value});
}

std::string Put(std::string_view key, std::string_view value) {
  return BytesFor(ToOwner(PutRequest{.key = key, .value = value}));
}

std::string Visit(std::string_view key) { return BytesFor(ToOwner(VisitRequest{.key = key})); }

std::string Repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

// An endpoint that sends what it is told to, and listens when it is told to.
class RawReader : private ChannelHandler {
 public:
  RawReader(SimulatedMembers& members, EndpointId owner)
      : endpoint_(members.Join("reader")), channel_(*Channel::Create(*endpoint_)), owner_(owner) {
    EXPECT_TRUE(channel_->Open(owner).ok());
  }

  EndpointId Id() const { return endpoint_->Id(); }

  // One message; false: there is no room now.
  bool TrySend(std::string_view bytes, uint8_t tag = ToTag(RegionTag::kBytes)) {
    Claim claim;
    if (!channel_->TryClaim(owner_, bytes.size(), claim)) return false;
    std::copy_n(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size(),
                claim.payload.data());
    channel_->Publish(claim, tag, bytes.size());
    return true;
  }

  bool Lend() {
    const auto buffer = channel_->Allocate(kMiB);
    const auto result = channel_->TryLend(owner_, *buffer, 0, kMiB, ToTag(RegionTag::kBytes), 1);
    return result.ok() && *result == LendResult::kLent;
  }

  // Listens until it has heard so much, or the end.
  bool Hears(size_t bytes) {
    return SpinUntil([&] { return Listen() || heard_.size() >= bytes; }) && heard_.size() == bytes;
  }
  bool HearsTheEnd() {
    return SpinUntil([&] { return Listen(); });
  }

  const std::string& Heard() const { return heard_; }

 private:
  // Whether the end was heard.
  bool Listen() {
    channel_->Poll(*this);
    return has_ended_;
  }
  void OnMessage(EndpointId, uint8_t tag, std::span<const std::byte> payload) override {
    has_ended_ |= tag == ToTag(RegionTag::kEnd);
    heard_.append(reinterpret_cast<const char*>(payload.data()), payload.size());
  }
  void OnDeparted(EndpointId) override {}

  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
  const EndpointId owner_;
  std::string heard_;
  bool has_ended_ = false;
};

class RegionReadersTest : public ShardsTest {
 protected:
  // Not started yet.
  std::unique_ptr<RegionReaders> Make(uint64_t max_readers = 8) {
    return *RegionReaders::Create(
        MakeBackend(), {.service = "kv", .max_readers = max_readers},
        [this]() -> absl::StatusOr<std::unique_ptr<Endpoint>> { return members_.Adopt(owner_); });
  }

  // Whether a reader is answered who behaves.
  bool IsServed(RawReader& reader, std::string_view key, std::string_view value) {
    const size_t bytes = reader.Heard().size() + kHelloReplyBytes + 2 * kReplyBytes + value.size();
    return reader.TrySend(Hello() + Put(key, value) + Visit(key)) && reader.Hears(bytes) &&
           reader.Heard().ends_with(value);
  }

  SimulatedMembers members_;
  const EndpointId owner_ = members_.Add("owner");
};

TEST_F(RegionReadersTest, ReadersAreAnsweredAndCounted) {
  const auto readers = Make();
  RawReader one(members_, owner_), other(members_, owner_);
  readers->Start();
  EXPECT_TRUE(IsServed(one, "key", "value"));
  EXPECT_TRUE(IsServed(other, "key", std::string(10'000, 'v')));
  EXPECT_EQ(readers->OpenConnections(), 2u);
  EXPECT_EQ(readers->TheServer().counters.remote_requests.Get(), 6u);
}

TEST_F(RegionReadersTest, RequestsMayBeCutAnywhere) {
  const auto readers = Make();
  RawReader reader(members_, owner_);
  readers->Start();
  const std::string bytes = Hello() + Put("key", "value") + Visit("key");
  for (const char byte : bytes) {
    ASSERT_TRUE(SpinUntil([&] { return reader.TrySend(std::string_view(&byte, 1)); }));
  }
  EXPECT_TRUE(reader.Hears(kHelloReplyBytes + 2 * kReplyBytes + 5));
}

// More than a turn's worth, and more than the replies that are kept.
TEST_F(RegionReadersTest, ABurstIsAnsweredWhole) {
  const auto readers = Make();
  RawReader reader(members_, owner_);
  readers->Start();
  const std::string value(10'000, 'v');
  ASSERT_TRUE(reader.TrySend(Hello() + Put("key", value) + Repeated(Visit("key"), 60)));
  EXPECT_TRUE(reader.Hears(kHelloReplyBytes + 61 * kReplyBytes + 60 * value.size()));
}

TEST_F(RegionReadersTest, AReaderThatDepartsHasEnded) {
  const auto readers = Make(/*max_readers=*/1);
  RawReader gone(members_, owner_);
  readers->Start();
  EXPECT_TRUE(IsServed(gone, "key", "value"));
  members_.Kill(gone.Id());
  EXPECT_TRUE(SpinUntil([&] { return readers->OpenConnections() == 0; }));
  RawReader next(members_, owner_);
  EXPECT_TRUE(IsServed(next, "key", "value"));
}

// It has asked somewhere else since. Meanwhile the thread waits for a shard.
TEST_F(RegionReadersTest, WhatADepartedReaderHadSentIsNotRun) {
  const auto readers = Make();
  RawReader gone(members_, owner_), busy(members_, owner_);
  readers->Start();
  for (RawReader* reader : {&gone, &busy}) {
    ASSERT_TRUE(reader->TrySend(Hello()) && reader->Hears(kHelloReplyBytes));
  }
  {
    const std::lock_guard lock(shards_->At(shards_->ShardOf("other")).mutex);
    ASSERT_TRUE(busy.TrySend(Put("other", "value")));
    ASSERT_TRUE(
        SpinUntil([&] { return readers->TheServer().counters.remote_requests.Get() == 3; }));
    ASSERT_TRUE(gone.TrySend(Put("key", "stale")));
    members_.Kill(gone.Id());
  }
  ASSERT_TRUE(SpinUntil([&] { return readers->OpenConnections() == 1; }));
  ASSERT_TRUE(busy.TrySend(Visit("key")));
  EXPECT_TRUE(busy.Hears(kHelloReplyBytes + 2 * kReplyBytes)) << "a miss";
  EXPECT_EQ(readers->TheServer().counters.remote_requests.Get(), 4u);
}

TEST_F(RegionReadersTest, WhoIsTooManyIsRefused) {
  const auto readers = Make(/*max_readers=*/1);
  RawReader one(members_, owner_), other(members_, owner_);
  readers->Start();
  EXPECT_TRUE(IsServed(one, "key", "value"));
  ASSERT_TRUE(other.TrySend(Hello()));
  EXPECT_TRUE(other.HearsTheEnd());
  EXPECT_NE(other.Heard().find("raise its --max-readers"), std::string::npos) << other.Heard();
  EXPECT_EQ(readers->Counters().rejected.Get(), 1u);
  EXPECT_EQ(readers->OpenConnections(), 1u);
}

TEST_F(RegionReadersTest, WhoTalksNonsenseIsCutOff) {
  const auto readers = Make();
  RawReader garbage(members_, owner_), no_tag(members_, owner_), loan(members_, owner_),
      good(members_, owner_);
  readers->Start();
  ASSERT_TRUE(garbage.TrySend(std::string(1000, 'x')));
  ASSERT_TRUE(no_tag.TrySend(Hello(), /*tag=*/3));
  ASSERT_TRUE(loan.Lend());
  for (RawReader* reader : {&garbage, &no_tag, &loan}) EXPECT_TRUE(reader->HearsTheEnd());
  EXPECT_TRUE(IsServed(good, "key", "value"));
  EXPECT_EQ(readers->OpenConnections(), 1u);
}

// Of whom one goes on without end.
TEST_F(RegionReadersTest, WhoNeverListensIsCutOffAndOthersAreServed) {
  const auto readers = Make();
  RawReader deaf(members_, owner_), good(members_, owner_);
  readers->Start();
  ASSERT_TRUE(IsServed(good, "key", std::string(10'000, 'v')));
  ASSERT_TRUE(deaf.TrySend(Hello()));
  const std::string visits = Repeated(Visit("key"), 20);
  EXPECT_TRUE(SpinUntil([&] {
    deaf.TrySend(visits);
    return readers->OpenConnections() == 1 &&
           readers->TheServer().counters.remote_requests.Get() > 4;
  }));
  for (int i = 0; i < 1000; ++i) deaf.TrySend(visits);
  ASSERT_TRUE(good.TrySend(Visit("key")));
  EXPECT_TRUE(good.Hears(good.Heard().size() + kReplyBytes + 10'000));
}

}  // namespace
}  // namespace tombolo::kvcache

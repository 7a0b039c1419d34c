// Two threads that sleep when nothing comes, many streams both ways: for ThreadSanitizer, and for
// wake-ups that could be lost when a link is full.
#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transport/stream/stream_node.h"
#include "transport/base/units.h"

namespace tombolo {
namespace {

constexpr int64_t kLongSleepNs = 10 * kNsPerSecond;
constexpr size_t kStreams = 20;
constexpr size_t kBytes = 400 * kKiB;

// Writes `text` as room comes, then closes; collects what comes back.
class Talker final : public StreamHandler {
 public:
  explicit Talker(std::string text) : text_(std::move(text)) {}

  void Take(std::unique_ptr<Stream> stream) {
    stream_ = std::move(stream);
    stream_->SetHandler(this);
    stream_->NotifyWritable();
  }
  void OnReadable() override {
    while (!stream_->Front().empty()) {
      received += TextOf(stream_->Front());
      stream_->Consume(stream_->Front().size());
    }
  }
  void OnWritable() override {
    while (const size_t taken = stream_->Write(BytesOf(text_).subspan(written_))) written_ += taken;
    if (written_ == text_.size()) {
      stream_->CloseWrite();
    } else {
      stream_->NotifyWritable();
    }
  }
  void OnReset(const absl::Status& why) override { ADD_FAILURE() << why; }
  bool Done() const { return stream_->AtEnd() && written_ == text_.size(); }

  std::string received;

 private:
  const std::string text_;
  size_t written_ = 0;
  std::unique_ptr<Stream> stream_;
};

class TalkingNode final : public ChannelHandler, public StreamAcceptor {
 public:
  TalkingNode(SimulatedMembers& members, std::string_view name)
      : endpoint(members.Join(name)),
        channel(*Channel::Create(*endpoint)),
        mux(std::make_unique<StreamMux>(*channel, this)) {}
  ~TalkingNode() override { talkers.clear(); }

  void Add(std::unique_ptr<Stream> stream) {
    talkers.push_back(std::make_unique<Talker>(Pattern(talkers.size(), 0, kBytes)));
    talkers.back()->Take(std::move(stream));
  }
  absl::Status OnConnect(EndpointId, std::string_view, std::unique_ptr<Stream>& stream) override {
    Add(std::move(stream));
    return absl::OkStatus();
  }
  void OnMessage(EndpointId source, uint8_t, std::span<const std::byte> payload) override {
    mux->OnMessage(source, payload);
  }
  void OnDeparted(EndpointId peer) override { mux->OnDeparted(peer); }

  void RunUntilDone() {
    while (true) {
      channel->Poll(*this);
      const bool more = mux->Flush();
      const bool done = talkers.size() == kStreams &&
                        std::ranges::all_of(talkers, [](const auto& one) { return one->Done(); });
      if (done && !more) return;
      if (!more) channel->Sleep(kLongSleepNs);
    }
  }

  std::unique_ptr<Endpoint> endpoint;
  std::unique_ptr<Channel> channel;
  std::unique_ptr<StreamMux> mux;
  std::vector<std::unique_ptr<Talker>> talkers;
};

TEST(StreamThreadsTest, SleepersAreWokenForDataCreditAndRoom) {
  SimulatedMembers members;
  TalkingNode a(members, "a"), b(members, "b");
  for (size_t i = 0; i < kStreams; ++i) a.Add(*a.mux->Connect(b.endpoint->Id(), "talk", nullptr));
  std::atomic<int> done{0};
  const auto run = [&done](TalkingNode& node) {
    node.RunUntilDone();
    // The last ends may still wait for room.
    for (++done; done != 2;) {
      node.channel->Poll(node);
      node.mux->Flush();
    }
  };
  std::thread other([&] { run(b); });
  run(a);
  other.join();
  for (size_t i = 0; i < kStreams; ++i) {
    EXPECT_TRUE(a.talkers[i]->received == Pattern(i, 0, kBytes)) << i;
    EXPECT_TRUE(b.talkers[i]->received == Pattern(i, 0, kBytes)) << i;
  }
}

}  // namespace
}  // namespace tombolo

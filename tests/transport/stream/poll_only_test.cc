// A program that knows poll(2) only: streams, and a descriptor of its own, without any event loop.
// Nothing but doorbells and that descriptor ends a sleep here: who is not woken makes this fail.
#include <poll.h>
#include <sys/eventfd.h>

#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "gtest/gtest.h"
#include "tests/transport/stream/stream_node.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo {
namespace {

constexpr int kNobodyRangMs = 30'000;
constexpr size_t kBytes = kMiB;

// Sends everything back that comes, as far as there is room.
class Echo final : public StreamHandler {
 public:
  explicit Echo(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {
    stream_->SetHandler(this);
  }

  void OnReadable() override { SendBack(); }
  void OnWritable() override { SendBack(); }
  void OnReset(const absl::Status& why) override { ADD_FAILURE() << why; }
  bool Done() const { return done_; }

 private:
  void SendBack() {
    while (!stream_->Front().empty()) {
      const size_t taken = stream_->Write(stream_->Front());
      if (taken == 0) return stream_->NotifyWritable();
      stream_->Consume(taken);
    }
    if (!stream_->AtEnd()) return;
    stream_->CloseWrite();
    done_ = true;
  }

  std::unique_ptr<Stream> stream_;
  bool done_ = false;
};

// Writes a text and collects what comes back.
class Caller final : public StreamHandler {
 public:
  void Take(std::unique_ptr<Stream> stream) {
    stream_ = std::move(stream);
    stream_->NotifyWritable();
  }
  void OnReadable() override {
    while (!stream_->Front().empty()) {
      received += TextOf(stream_->Front());
      stream_->Consume(stream_->Front().size());
    }
  }
  void OnWritable() override {
    while (const size_t taken = stream_->Write(BytesOf(text).subspan(written_))) written_ += taken;
    if (written_ != text.size()) return stream_->NotifyWritable();
    stream_->CloseWrite();
  }
  void OnReset(const absl::Status& why) override { ADD_FAILURE() << why; }
  bool Done() const { return stream_ != nullptr && stream_->AtEnd(); }

  const std::string text = Pattern(1, 0, kBytes);
  std::string received;

 private:
  size_t written_ = 0;
  std::unique_ptr<Stream> stream_;
};

// The pattern of transport/stream/stream_mux.h, with a descriptor of the program's own.
class PollingNode final : public ChannelHandler, public StreamAcceptor {
 public:
  PollingNode(SimulatedMembers& members, std::string_view name)
      : endpoint(members.Join(name)),
        channel(*Channel::Create(*endpoint)),
        mux(std::make_unique<StreamMux>(*channel, this)),
        own_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~PollingNode() override { echo.reset(); }

  // One turn. True: `own_fd` was rung.
  bool Turn() {
    bool busy = channel->Poll(*this) != 0;
    busy |= mux->Flush();
    if (busy || !channel->PrepareToSleep()) return false;
    pollfd waits[] = {{.fd = channel->Readable(), .events = POLLIN, .revents = 0},
                      {.fd = own_fd.Get(), .events = POLLIN, .revents = 0}};
    // A program says channel->MaxSleepNs() here, and SleptInVain() when that has passed.
    EXPECT_GT(poll(waits, std::size(waits), kNobodyRangMs), 0) << "nobody rang";
    channel->WakeUp();
    eventfd_t rings;
    return waits[1].revents != 0 && eventfd_read(own_fd.Get(), &rings) == 0;
  }

  absl::Status OnConnect(EndpointId, std::string_view, std::unique_ptr<Stream>& stream) override {
    echo = std::make_unique<Echo>(std::move(stream));
    return absl::OkStatus();
  }
  void OnMessage(EndpointId source, uint8_t, std::span<const std::byte> payload) override {
    mux->OnMessage(source, payload);
  }
  void OnDeparted(EndpointId peer) override { mux->OnDeparted(peer); }

  std::unique_ptr<Endpoint> endpoint;
  std::unique_ptr<Channel> channel;
  std::unique_ptr<StreamMux> mux;
  UniqueFd own_fd;
  std::unique_ptr<Echo> echo;
};

TEST(PollOnlyTest, StreamsAndADescriptorOfOnesOwnAreWaitedForTogether) {
  SimulatedMembers members;
  PollingNode near(members, "near"), far(members, "far");
  std::thread server([&far] {
    // Until the test rings: after the last byte there is nothing but that to wake it.
    while (!far.Turn()) {
    }
  });
  Caller caller;
  eventfd_write(near.own_fd.Get(), 1);
  while (!near.Turn()) {
  }
  caller.Take(near.mux->Connect(far.endpoint->Id(), "echo", &caller).value());
  while (!caller.Done()) near.Turn();
  eventfd_write(far.own_fd.Get(), 1);
  server.join();
  EXPECT_TRUE(caller.received == caller.text);
  EXPECT_TRUE(far.echo->Done());
}

}  // namespace
}  // namespace tombolo

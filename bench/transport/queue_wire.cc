#include "bench/transport/queue_wire.h"

#include <fcntl.h>
#include <mqueue.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "bench/transport/require.h"

namespace tombolo::bench {
namespace {

// The defaults of /proc/sys/fs/mqueue.
constexpr long kMessages = 10;
constexpr size_t kLargestPieceBytes = 8192;

int MakeQueue(const char* direction) {
  const std::string name = "/tombolo-bench-" + std::to_string(getpid()) + direction;
  mq_attr attributes{};
  attributes.mq_maxmsg = kMessages;
  attributes.mq_msgsize = kLargestPieceBytes;
  const mqd_t queue = mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
  Require(queue >= 0, "making a message queue");
  // Both processes have it open; nobody else needs its name.
  mq_unlink(name.c_str());
  return queue;
}

}  // namespace

QueueWire::QueueWire() : to_follow_(MakeQueue("-there")), to_lead_(MakeQueue("-back")) {}

void QueueWire::OpenSide(Side side) {
  outgoing_ = side == Side::kLead ? to_follow_ : to_lead_;
  incoming_ = side == Side::kLead ? to_lead_ : to_follow_;
}

void QueueWire::Send(std::span<const std::byte> message) {
  while (!message.empty()) {
    const size_t piece = std::min(message.size(), kLargestPieceBytes);
    Require(mq_send(outgoing_, reinterpret_cast<const char*>(message.data()), piece, 0) == 0,
            "sending to a message queue");
    message = message.subspan(piece);
  }
}

void QueueWire::ReceiveOne(std::span<std::byte> message) {
  // A queue wants room for its largest message.
  std::array<char, kLargestPieceBytes> piece;
  while (!message.empty()) {
    const ssize_t received = mq_receive(incoming_, piece.data(), piece.size(), nullptr);
    Require(received > 0 && static_cast<size_t>(received) <= message.size(),
            "receiving from a message queue");
    std::copy_n(reinterpret_cast<const std::byte*>(piece.data()), received, message.begin());
    message = message.subspan(static_cast<size_t>(received));
  }
}

void QueueWire::Receive(std::span<std::byte> message, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) ReceiveOne(message);
}

}  // namespace tombolo::bench

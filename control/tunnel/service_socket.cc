#include "control/tunnel/service_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "control/channel_loop/channel_loop.h"
#include "control/event_loop/event_loop.h"
#include "control/tunnel/pump.h"
#include "transport/base/errno_status.h"
#include "transport/base/unix_socket.h"
#include "transport/stream/stream_mux.h"

namespace tombolo::control {

// What belongs to the thread, and the thread.
class ServiceSocket::Carrier {
 public:
  Carrier(std::unique_ptr<Endpoint> endpoint, std::unique_ptr<EventLoop> loop,
          std::unique_ptr<ChannelLoop> channel_loop)
      : endpoint_(std::move(endpoint)),
        loop_(std::move(loop)),
        channel_loop_(std::move(channel_loop)),
        scratch_(StreamCore::kMaxWriteBytes) {}

  absl::Status Start(UniqueFd socket, EndpointId agent, const std::string& service) {
    auto stream = channel_loop_->Streams().Connect(agent, service, nullptr);
    if (!stream.ok()) return stream.status();
    pump_ = std::make_unique<Pump>(*loop_, scratch_, std::move(socket), *std::move(stream));
    // The standard library reports by an exception; it ends here.
    try {
      thread_ = std::thread([this] { Run(); });
    } catch (const std::system_error& error) {
      return absl::ResourceExhaustedError(
          absl::StrCat("no thread can be had: ", error.what(), ". Raise `ulimit -u`."));
    }
    return absl::OkStatus();
  }

  absl::Status Stop() {
    if (!thread_.joinable()) return why_;
    channel_loop_->Stop();
    thread_.join();
    return why_;
  }

 private:
  void Run() {
    pump_->Start([this](const absl::Status& why) {
      why_ = why;
      channel_loop_->Stop();
    });
    channel_loop_->Run();
  }

  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<ChannelLoop> channel_loop_;
  std::vector<std::byte> scratch_;
  std::unique_ptr<Pump> pump_;
  absl::Status why_;  // The thread's, until it is joined.
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<ServiceSocket>> ServiceSocket::Connect(
    std::unique_ptr<Endpoint> endpoint, EndpointId agent, const std::string& service) {
  absl::StatusOr<std::pair<UniqueFd, UniqueFd>> sockets = UnixSocketPair(SOCK_STREAM);
  if (!sockets.ok()) return sockets.status();
  if (fcntl(sockets->second.Get(), F_SETFL, O_NONBLOCK) != 0) {
    return ErrnoStatus(errno, "make a socket that does not block");
  }
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  absl::StatusOr<std::unique_ptr<ChannelLoop>> channel_loop =
      ChannelLoop::Create(**loop, *endpoint, nullptr);
  if (!channel_loop.ok()) return channel_loop.status();
  auto carrier =
      std::make_unique<Carrier>(std::move(endpoint), *std::move(loop), *std::move(channel_loop));
  absl::Status started = carrier->Start(std::move(sockets->second), agent, service);
  if (!started.ok()) return started;
  return std::unique_ptr<ServiceSocket>(
      new ServiceSocket(std::move(sockets->first), std::move(carrier)));
}

ServiceSocket::ServiceSocket(UniqueFd socket, std::unique_ptr<Carrier> carrier)
    : socket_(std::move(socket)), carrier_(std::move(carrier)) {}

ServiceSocket::~ServiceSocket() { (void)End(); }

absl::Status ServiceSocket::End() { return carrier_->Stop(); }

}  // namespace tombolo::control

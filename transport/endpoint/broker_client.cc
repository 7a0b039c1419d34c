#include "transport/endpoint/broker_client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/base/unix_socket.h"

namespace tombolo {
namespace {

// A broker in a guest asks the daemon first; a restarted one first finds its feet.
constexpr int kReplyTimeoutMs = 10'000;

// Of answers that a broker and its successors gave a second time, one after the other.
constexpr int kMostStaleReplies = 8;

constexpr int kMostVainWakeups = 8;

BrokerRequest MakeRequest(BrokerOp op, std::string_view name = {}) {
  BrokerRequest request;
  request.op = op;
  std::ranges::copy(name.substr(0, sizeof(request.name) - 1), request.name);
  return request;
}

// A name that was cut would be another service's.
absl::Status CheckServiceName(std::string_view name) {
  if (!name.empty() && name.size() < kBrokerNameBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a service's name of ", name.size(),
                                                 " bytes was given; it must have 1 to ",
                                                 kBrokerNameBytes - 1, "."));
}

absl::Status Closed() { return absl::UnavailableError("the broker closed the connection."); }

absl::Status WaitForReply(int socket) {
  pollfd wait{.fd = socket, .events = POLLIN, .revents = 0};
  int ready;
  do {
    ready = poll(&wait, 1, kReplyTimeoutMs);
  } while (ready < 0 && errno == EINTR);
  if (ready > 0) return absl::OkStatus();
  if (ready < 0) return ErrnoStatus(errno, "wait for the broker's answer");
  return absl::DeadlineExceededError(
      absl::StrCat("the broker has not answered within ", kReplyTimeoutMs, " ms; is it stopped?"));
}

size_t None(const BrokerReply&) { return 0; }
size_t One(const BrokerReply&) { return 1; }
size_t OfAttach(const BrokerReply& reply) { return AttachDescriptors(reply.memory); }

// An answer that came too late, or could not be received when it came, is none to the next
// question, and must not keep the socket readable.
void ForgetReplies(int socket) {
  std::byte start;
  while (recv(socket, &start, sizeof(start), MSG_DONTWAIT) > 0) {
  }
}

struct Received {
  BrokerReply reply;
  std::vector<UniqueFd> fds;
};

// SUBTLE: what the broker has said and nobody heard may be a grant. So poll(2) that wakes up for
// nothing is no reason to give up, or even to attach once more: the endpoint would be there twice.
absl::StatusOr<ReceivedMessage> ReceiveWhenItIsThere(int socket, std::span<std::byte> buffer) {
  for (int i = 0; i < kMostVainWakeups; ++i) {
    if (absl::Status status = WaitForReply(socket); !status.ok()) return status;
    absl::StatusOr<ReceivedMessage> message = ReceiveMessage(socket, buffer);
    // Unavailable: there is none yet.
    if (!absl::IsUnavailable(message.status())) return message;
  }
  return absl::InternalError("the broker has answered, but its answer cannot be received.");
}

// The next reply, whatever it answers.
absl::StatusOr<Received> Receive(int socket) {
  Received received;
  absl::StatusOr<ReceivedMessage> message =
      ReceiveWhenItIsThere(socket, std::as_writable_bytes(std::span(&received.reply, 1)));
  if (!message.ok()) {
    ForgetReplies(socket);
    return message.status();
  }
  if (message->size_bytes == 0) return Closed();
  if (message->size_bytes != sizeof(BrokerReply)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "what answers at the broker's socket sent ", message->size_bytes, " bytes, expected ",
        sizeof(BrokerReply), ": it is another program, or of another release of Tombolo."));
  }
  received.fds = std::move(message->fds);
  return received;
}

bool IsOurProtocol(const BrokerReply& reply) {
  return reply.magic == kBrokerMagic && reply.version == kBrokerVersion;
}

// Whether `reply` answers another question than `request`. A broker that was killed may have
// answered what its successor answers once more, and that may come after the next question was
// asked. So an answer repeats of its question what tells it from others.
bool IsStale(const BrokerReply& reply, const BrokerRequest& request) {
  if (!IsOurProtocol(reply)) return false;
  if (reply.op != request.op) return true;
  switch (request.op) {
    case BrokerOp::kDoorbell:
      return reply.slot != request.slot || reply.vector != request.vector;
    case BrokerOp::kOpenService:
    case BrokerOp::kCloseService:
      return reply.code == 0 && strncmp(reply.text, request.name, sizeof(request.name)) != 0;
    case BrokerOp::kAttach:
    case BrokerOp::kDetach:
      break;
  }
  return false;
}

absl::Status CheckReply(const BrokerReply& reply, BrokerOp op) {
  if (!IsOurProtocol(reply) || reply.op != op) {
    return absl::FailedPreconditionError(
        absl::StrCat("what answers at the broker's socket speaks another protocol (magic 0x",
                     absl::Hex(reply.magic), " version ", reply.version, "; expected 0x",
                     absl::Hex(kBrokerMagic), " version ", kBrokerVersion,
                     "): install one release of Tombolo everywhere."));
  }
  if (reply.code == 0) return absl::OkStatus();
  const size_t length = strnlen(reply.text, sizeof(reply.text));
  return absl::Status(static_cast<absl::StatusCode>(reply.code),
                      absl::string_view(reply.text, length));
}

}  // namespace

absl::StatusOr<std::unique_ptr<BrokerClient>> BrokerClient::Connect(
    const std::string& socket_path) {
  absl::StatusOr<UniqueFd> socket = ConnectUnix(socket_path, SOCK_SEQPACKET);
  if (absl::IsNotFound(socket.status()) || absl::IsUnavailable(socket.status())) {
    return absl::Status(
        socket.status().code(),
        absl::StrCat(socket.status().message(),
                     " Start tombolod on the host or tombolo-agent in this guest, or "
                     "name the folder of their sockets."));
  }
  if (!socket.ok()) return socket.status();
  return std::unique_ptr<BrokerClient>(new BrokerClient(*std::move(socket)));
}

absl::StatusOr<BrokerClient::Answer> BrokerClient::Ask(const BrokerRequest& request,
                                                       ExpectedFds expected_fds) {
  const std::lock_guard lock(mutex_);
  ForgetReplies(socket_.Get());
  const int error = SendMessage(socket_.Get(), std::as_bytes(std::span(&request, 1)), {});
  if (error == EPIPE || error == ECONNRESET) return Closed();
  if (error != 0) return ErrnoStatus(error, "send to the broker");
  absl::StatusOr<Received> received = Receive(socket_.Get());
  for (int i = 0; i < kMostStaleReplies && received.ok() && IsStale(received->reply, request);
       ++i) {
    received = Receive(socket_.Get());
  }
  if (!received.ok()) return received.status();
  if (absl::Status status = CheckReply(received->reply, request.op); !status.ok()) return status;
  const size_t expected = expected_fds(received->reply);
  if (received->fds.size() != expected) {
    return absl::FailedPreconditionError(
        absl::StrCat("the broker sent ", received->fds.size(), " descriptors, expected ", expected,
                     "; is this process out of descriptors (`ulimit -n`)?"));
  }
  return Answer{received->reply, std::move(received->fds)};
}

absl::StatusOr<Attachment> BrokerClient::Attach(std::string_view name) {
  absl::StatusOr<Answer> answer = Ask(MakeRequest(BrokerOp::kAttach, name), OfAttach);
  if (!answer.ok()) return answer.status();
  const BrokerReply& reply = answer->reply;
  Attachment attachment{
      .id = {reply.endpoint_index, reply.endpoint_incarnation},
      .slot = reply.slot,
      .vector = reply.vector,
      .memory = reply.memory,
      .memory_bytes = reply.memory_bytes,
      .memory_offset = reply.memory_offset,
      .registers_offset = reply.registers_offset,
      .memory_fd = std::move(answer->fds[0]),
      .registers_fd = {},
      .wake_fd = std::move(answer->fds[1]),
  };
  if (answer->fds.size() == 3) attachment.registers_fd = std::move(answer->fds[2]);
  return attachment;
}

absl::StatusOr<UniqueFd> BrokerClient::FetchDoorbell(uint16_t slot, uint16_t vector) {
  BrokerRequest request = MakeRequest(BrokerOp::kDoorbell);
  request.slot = slot;
  request.vector = vector;
  absl::StatusOr<Answer> answer = Ask(request, One);
  if (!answer.ok()) return answer.status();
  return std::move(answer->fds[0]);
}

absl::StatusOr<ServiceId> BrokerClient::OpenService(std::string_view name) {
  if (absl::Status status = CheckServiceName(name); !status.ok()) return status;
  const absl::StatusOr<Answer> answer = Ask(MakeRequest(BrokerOp::kOpenService, name), None);
  if (!answer.ok()) return answer.status();
  const BrokerReply& reply = answer->reply;
  if (reply.service_index < kServiceCount) {
    return ServiceId{reply.service_index, reply.service_incarnation};
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the broker gave service ", reply.service_index, ", but a region has ",
                   kServiceCount, ": install one release of Tombolo everywhere."));
}

absl::Status BrokerClient::CloseService(std::string_view name) {
  if (absl::Status status = CheckServiceName(name); !status.ok()) return status;
  return Ask(MakeRequest(BrokerOp::kCloseService, name), None).status();
}

absl::Status BrokerClient::Detach() { return Ask(MakeRequest(BrokerOp::kDetach), None).status(); }

}  // namespace tombolo

#include "control/broker/broker_session.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <span>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/broker/kept_name.h"
#include "control/broker/pidfd.h"
#include "transport/base/errno_status.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

// More packets than a Unix socket holds.
constexpr int kMostUnread = 1024;

// The size of the packet at the front of the queue, whose first bytes are copied to `request`; 0
// when the other end has closed, -1 with errno when there is none. Descriptors that came with it
// are left behind.
ssize_t Peek(int socket, BrokerRequest& request) {
  iovec vector{&request, sizeof(request)};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  ssize_t size;
  do {
    size = recvmsg(socket, &message, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
  } while (size < 0 && errno == EINTR);
  return size;
}

absl::Status CheckRequest(const BrokerRequest& request, size_t size_bytes) {
  if (size_bytes != sizeof(request) || request.magic != kBrokerMagic) {
    return absl::InvalidArgumentError(
        absl::StrCat("a packet of ", size_bytes, " bytes and magic 0x", absl::Hex(request.magic),
                     " is no request to a broker, which has ", sizeof(request),
                     " bytes and magic 0x", absl::Hex(kBrokerMagic), "."));
  }
  if (request.version == kBrokerVersion) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the request has version ", request.version, ", this broker knows version ",
                   kBrokerVersion, ": install one release of Tombolo everywhere."));
}

// The reply to `request`, without an answer yet.
BrokerReply MakeReply(const BrokerRequest& request) {
  BrokerReply reply;
  reply.op = request.op;
  if (request.op == BrokerOp::kDoorbell) {
    reply.slot = request.slot;
    reply.vector = request.vector;
  }
  return reply;
}

// The same for a service, which is named in a good answer.
BrokerReply MakeServiceReply(const BrokerRequest& request) {
  static_assert(sizeof(BrokerReply::text) > sizeof(BrokerRequest::name));
  BrokerReply reply = MakeReply(request);
  memcpy(reply.text, request.name, sizeof(request.name));
  return reply;
}

BrokerReply MakeReply(const Grant& grant) {
  BrokerReply reply;
  reply.op = BrokerOp::kAttach;
  reply.memory = grant.memory;
  reply.slot = grant.slot;
  reply.vector = grant.vector;
  reply.endpoint_index = grant.id.index;
  reply.endpoint_incarnation = grant.id.incarnation;
  reply.memory_bytes = grant.memory_bytes;
  reply.memory_offset = grant.memory_offset;
  reply.registers_offset = grant.registers_offset;
  return reply;
}

std::string NameIn(const BrokerRequest& request) {
  return std::string(request.name, strnlen(request.name, sizeof(request.name)));
}

absl::Status NotAttached(const char* what) {
  return absl::FailedPreconditionError(
      absl::StrCat("attach first: only an endpoint may ", what, "."));
}

}  // namespace

std::shared_ptr<BrokerSession> BrokerSession::Accept(const BrokerContext& context, UniqueFd socket,
                                                     pid_t process, OverCallback on_over) {
  std::shared_ptr<BrokerSession> session(
      new BrokerSession(context, std::move(socket), std::move(on_over)));
  session->pid_ = process;
  if (!session->WatchSocket()) return nullptr;
  session->deadline_ = context.loop->After(context.handshake_deadline_ns,
                                           [raw = session.get()] { raw->SocketClosed(); });
  return session;
}

std::shared_ptr<BrokerSession> BrokerSession::Adopt(const BrokerContext& context,
                                                    const ServedEndpoint& endpoint, UniqueFd socket,
                                                    UniqueFd pidfd, OverCallback on_over) {
  std::shared_ptr<BrokerSession> session(
      new BrokerSession(context, std::move(socket), std::move(on_over)));
  session->pid_ = endpoint.pid;
  session->pidfd_ = std::move(pidfd);
  session->endpoint_ = endpoint;
  session->may_have_been_asked_ = true;
  if (!session->WatchSocket() || !session->WatchProcess()) return nullptr;
  return session;
}

BrokerSession::BrokerSession(const BrokerContext& context, UniqueFd socket, OverCallback on_over)
    : context_(context), socket_(std::move(socket)), on_over_(std::move(on_over)) {}

bool BrokerSession::WatchSocket() {
  auto watch = context_.loop->WatchReadable(socket_.Get(), [this] { Read(); });
  if (!watch.ok()) return false;
  socket_watch_ = *std::move(watch);
  return true;
}

bool BrokerSession::WatchProcess() {
  auto watch = context_.loop->WatchReadable(pidfd_.Get(), [this] { ProcessDied(); });
  if (!watch.ok()) return false;
  process_watch_ = *std::move(watch);
  return true;
}

void BrokerSession::Read() {
  const auto alive = shared_from_this();
  if (is_answered_) return Consume();
  BrokerRequest request;
  const ssize_t size = Peek(socket_.Get(), request);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) return SocketClosed();
  const absl::Status good = CheckRequest(request, static_cast<size_t>(size));
  const absl::Status status = good.ok() ? Serve(request) : good;
  is_answered_ = true;
  if (!status.ok()) ReplyError(MakeReply(request), status);
  // Nobody can become the same endpoint by another connection.
  const bool goes_on = status.ok() || (!good.ok() && IsAttached());
  goes_on ? Consume() : SocketClosed();
}

// Takes away the request that is answered, or the backend's; again, if it was not to be had.
void BrokerSession::Consume() {
  char start;
  if (!socket_.IsOpen()) return;
  const ssize_t size = recv(socket_.Get(), &start, sizeof(start), MSG_DONTWAIT);
  is_answered_ = size < 0 && (errno == EAGAIN || errno == EINTR);
}

// An error ends the connection; what the client may ask again is answered within.
absl::Status BrokerSession::Serve(const BrokerRequest& request) {
  const bool may_have_been_asked = std::exchange(may_have_been_asked_, false);
  switch (request.op) {
    case BrokerOp::kAttach:
      return may_have_been_asked ? GrantAgain() : Attach(request);
    case BrokerOp::kDoorbell:
      return GiveDoorbell(request);
    case BrokerOp::kOpenService:
      return OpenService(request);
    case BrokerOp::kCloseService:
      return CloseService(request);
    case BrokerOp::kDetach:
      return Detach();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("a broker knows no request ", static_cast<uint16_t>(request.op), "."));
}

absl::Status BrokerSession::Attach(const BrokerRequest& request) {
  if (attaching_ || IsAttached()) {
    return absl::FailedPreconditionError(
        "this connection has attached already; every endpoint needs a connection of its own.");
  }
  absl::StatusOr<PeerProcess> process = OpenPeerProcess(socket_.Get());
  if (!process.ok()) return process.status();
  pid_ = process->pid;
  pidfd_ = std::move(process->pidfd);
  attaching_ = true;
  deadline_.Reset();
  context_.backend->AttachEndpoint(
      NameIn(request), pid_,
      [weak = weak_from_this(), backend = context_.backend](const absl::StatusOr<Grant>& grant) {
        const std::shared_ptr<BrokerSession> session = weak.lock();
        // A client that went away meanwhile never got what it was granted.
        if (session == nullptr || !session->socket_.IsOpen()) {
          if (grant.ok()) backend->EndpointGone(grant->id);
          return;
        }
        const absl::Status status = session->FinishAttach(grant);
        if (status.ok()) return;
        session->ReplyError(MakeReply(BrokerRequest{}), status);
        session->SocketClosed();
      });
  return absl::OkStatus();
}

absl::Status BrokerSession::GrantAgain() {
  const absl::StatusOr<Grant> grant = context_.backend->GrantAgain(*endpoint_);
  if (!grant.ok()) return grant.status();
  const int fds[] = {grant->memory_fd, grant->wake_fd};
  return Reply(MakeReply(*grant), fds);
}

absl::Status BrokerSession::FinishAttach(const absl::StatusOr<Grant>& grant) {
  attaching_ = false;
  if (!grant.ok()) return grant.status();
  endpoint_ = ServedEndpoint{.id = grant->id, .vector = grant->vector, .pid = pid_};
  absl::Status status = Keep();
  const int fds[] = {grant->memory_fd, grant->wake_fd, grant->registers_fd};
  if (status.ok()) {
    status = Reply(MakeReply(*grant), std::span(fds).first(AttachDescriptors(grant->memory)));
  }
  // The region was not given away, so there is nothing to prove.
  if (!status.ok()) Forget();
  return status;
}

absl::Status BrokerSession::Keep() {
  if (auto status = context_.store->Store(KeptPidfdName(*endpoint_), pidfd_.Get()); !status.ok()) {
    return status;
  }
  if (auto status = context_.store->Store(KeptSocketName(*endpoint_), socket_.Get());
      !status.ok()) {
    return status;
  }
  if (WatchProcess()) return absl::OkStatus();
  return absl::ResourceExhaustedError("the broker cannot watch one process more.");
}

absl::Status BrokerSession::GiveDoorbell(const BrokerRequest& request) {
  if (!IsAttached()) return NotAttached("ring doorbells");
  const absl::StatusOr<int> eventfd = context_.backend->Doorbell(request.slot, request.vector);
  if (eventfd.ok()) return Reply(MakeReply(request), {&*eventfd, 1});
  // Asking for a doorbell that does not exist is no reason to lose the connection.
  ReplyError(MakeReply(request), eventfd.status());
  return absl::OkStatus();
}

absl::Status BrokerSession::OpenService(const BrokerRequest& request) {
  if (!IsAttached()) return NotAttached("open services");
  context_.backend->OpenService(
      NameIn(request), endpoint_->id,
      // A client that went away meanwhile is its writer until it is proven dead.
      [weak = weak_from_this(),
       reply = MakeServiceReply(request)](const absl::StatusOr<ServiceGrant>& service) mutable {
        const std::shared_ptr<BrokerSession> session = weak.lock();
        if (session == nullptr) return;
        if (service.ok()) {
          reply.service_index = static_cast<uint16_t>(service->index);
          reply.service_incarnation = service->incarnation;
        }
        session->Answer(reply, service.status());
      });
  return absl::OkStatus();
}

absl::Status BrokerSession::CloseService(const BrokerRequest& request) {
  if (!IsAttached()) return NotAttached("close services");
  context_.backend->CloseService(
      NameIn(request), endpoint_->id,
      [weak = weak_from_this(), reply = MakeServiceReply(request)](const absl::Status& status) {
        const std::shared_ptr<BrokerSession> session = weak.lock();
        if (session != nullptr) session->Answer(reply, status);
      });
  return absl::OkStatus();
}

absl::Status BrokerSession::KillClient() const {
  if (pidfd_.IsOpen()) return KillProcess(pidfd_, endpoint_->pid);
  return absl::FailedPreconditionError(absl::StrCat("the pidfd of process ", endpoint_->pid,
                                                    " was lost, so its number may be ",
                                                    "another's by now: end it yourself."));
}

// What may fail without ending the connection.
void BrokerSession::Answer(BrokerReply reply, const absl::Status& status) {
  if (!status.ok()) return ReplyError(reply, status);
  if (!socket_.IsOpen()) return;
  // A client that takes no answer has a full socket: it asked without listening.
  if (!Reply(reply, {}).ok()) SocketClosed();
}

absl::Status BrokerSession::Detach() {
  if (!IsAttached()) {
    return absl::FailedPreconditionError(
        "there is nothing to detach: this connection has not "
        "attached.");
  }
  // Socket and pidfd are kept until it is answered: a successor would serve the request again.
  const ServedEndpoint endpoint = Depart();
  BrokerReply reply;
  reply.op = BrokerOp::kDetach;
  const absl::Status status = Reply(reply, {});
  // As long as somebody has the socket: the end of the last one would cost the client our answer.
  Drain();
  DropKept(endpoint);
  Over();
  return status;
}

absl::Status BrokerSession::Reply(BrokerReply reply, std::span<const int> fds) {
  const int error = SendMessage(socket_.Get(), std::as_bytes(std::span(&reply, 1)), fds);
  if (error != 0) return ErrnoStatus(error, "answer a client of the broker");
  return absl::OkStatus();
}

void BrokerSession::ReplyError(BrokerReply reply, const absl::Status& status) {
  if (!socket_.IsOpen()) return;
  reply.code = static_cast<int32_t>(status.code());
  memset(reply.text, 0, sizeof(reply.text));
  status.message().copy(reply.text, sizeof(reply.text) - 1);
  // It is told, or it is gone.
  Reply(reply, {}).IgnoreError();
}

// SUBTLE: a client whose packets were left unread at our end of the socket would get ECONNRESET in
// place of our last reply.
void BrokerSession::Drain() {
  char start;
  for (int i = 0; i < kMostUnread; ++i) {
    if (recv(socket_.Get(), &start, sizeof(start), MSG_DONTWAIT) <= 0) break;
  }
}

void BrokerSession::CloseSocket() {
  socket_watch_.Reset();
  if (!socket_.IsOpen()) return;
  Drain();
  // The store's copy would keep the connection open.
  shutdown(socket_.Get(), SHUT_RDWR);
  socket_.Reset();
}

void BrokerSession::SocketClosed() {
  const auto alive = shared_from_this();
  deadline_.Reset();
  CloseSocket();
  // An attached process may still be using the region; its pidfd tells when it is over.
  if (!IsAttached()) Over();
}

void BrokerSession::ProcessDied() {
  const auto alive = shared_from_this();
  Forget();
  Over();
}

void BrokerSession::Forget() { DropKept(Depart()); }

// The endpoint is no more; gives what it was.
ServedEndpoint BrokerSession::Depart() {
  const ServedEndpoint endpoint = *std::exchange(endpoint_, std::nullopt);
  process_watch_.Reset();
  context_.backend->EndpointGone(endpoint.id);
  return endpoint;
}

void BrokerSession::DropKept(const ServedEndpoint& endpoint) {
  // If the holder is out of order, a successor finds a dead process and says so a second time.
  context_.store->Remove(KeptSocketName(endpoint)).IgnoreError();
  context_.store->Remove(KeptPidfdName(endpoint)).IgnoreError();
}

void BrokerSession::Over() {
  deadline_.Reset();
  process_watch_.Reset();
  CloseSocket();
  if (const OverCallback on_over = std::exchange(on_over_, nullptr)) on_over(*this);
}

}  // namespace tombolo::control

// BrokerSession: one connection to a broker's socket, which is one endpoint
// (transport/endpoint/broker_protocol.h).
//
//   UNATTACHED --kAttach--> ATTACHING --grant--> ATTACHED --socket closed--> DETACHING
//       |  bad packet, deadline  | error, closed      | kDetach, death           | death
//       +------------------------+------> over <------+--------------------------+
//
// Before the client hears of its endpoint, socket and pidfd are in the DescriptorStore, so that
// from its first access to the region on there is always somebody who can prove its death. A closed
// socket proves nothing: only the process's death (its pidfd) or its own word (kDetach) does.
//
// A request stays in the socket until it was answered (or handed to a backend that answers later).
// So one that a killed broker was serving is served again by its successor, and the client waits
// for an answer as if nothing had happened. It may then get two: it tells them from others by what
// they repeat of the request (op; slot and vector of a doorbell; name of a service), and a session
// that was taken over answers a second kAttach, if that is the first that it hears, with the same
// grant.
//
// What it assumes of the client: nothing. One packet is served per turn of the loop. A packet that
// makes no sense is answered with an error, and the connection closed unless it is an endpoint's,
// which has no other one. Thread safety: the loop's thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/broker/broker_backend.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/holder/descriptor_store.h"
#include "transport/base/unique_fd.h"
#include "transport/endpoint/broker_protocol.h"

namespace tombolo::control {

// What all sessions of a broker share. All of it must outlive them.
struct BrokerContext {
  EventLoop* loop = nullptr;
  DescriptorStore* store = nullptr;
  BrokerBackend* backend = nullptr;
  int64_t handshake_deadline_ns = 0;
};

class BrokerSession : public std::enable_shared_from_this<BrokerSession> {
 public:
  using OverCallback = std::function<void(BrokerSession& session)>;

  // A new connection of `process`. `on_over` is called at most once, when nothing is left to do for
  // it.
  static std::shared_ptr<BrokerSession> Accept(const BrokerContext& context, UniqueFd socket,
                                               pid_t process, OverCallback on_over);

  // Goes on with an attached client of a former broker.
  static std::shared_ptr<BrokerSession> Adopt(const BrokerContext& context,
                                              const ServedEndpoint& endpoint, UniqueFd socket,
                                              UniqueFd pidfd, OverCallback on_over);

  bool IsAttached() const { return endpoint_.has_value(); }

  // Whether `process` has connected it, and is no endpoint by it.
  bool IsUnattachedOf(pid_t process) const { return !IsAttached() && pid_ == process; }

  // Only when it is attached.
  const ServedEndpoint& Endpoint() const { return *endpoint_; }

  // Ends the attached process; its death is then noticed as any other. FailedPrecondition when its
  // pidfd was lost with a former broker, else as KillProcess().
  absl::Status KillClient() const;

 private:
  BrokerSession(const BrokerContext& context, UniqueFd socket, OverCallback on_over);

  bool WatchSocket();
  bool WatchProcess();

  void Read();
  absl::Status Serve(const BrokerRequest& request);
  void Consume();
  absl::Status Attach(const BrokerRequest& request);
  absl::Status GrantAgain();
  absl::Status FinishAttach(const absl::StatusOr<Grant>& grant);
  absl::Status Keep();
  absl::Status GiveDoorbell(const BrokerRequest& request);
  absl::Status OpenService(const BrokerRequest& request);
  absl::Status CloseService(const BrokerRequest& request);
  void Answer(BrokerReply reply, const absl::Status& status);
  absl::Status Detach();

  absl::Status Reply(BrokerReply reply, std::span<const int> fds);
  void ReplyError(BrokerReply reply, const absl::Status& status);

  void Drain();
  void CloseSocket();
  void SocketClosed();
  void ProcessDied();
  void Forget();
  ServedEndpoint Depart();
  void DropKept(const ServedEndpoint& endpoint);
  void Over();

  const BrokerContext context_;
  UniqueFd socket_;
  UniqueFd pidfd_;
  pid_t pid_ = 0;
  bool attaching_ = false;
  bool is_answered_ = false;          // The request at the front of the socket.
  bool may_have_been_asked_ = false;  // The next request may be one that a former broker served.
  std::optional<ServedEndpoint> endpoint_;
  OverCallback on_over_;
  Watch socket_watch_;
  Watch process_watch_;
  Watch deadline_;
};

}  // namespace tombolo::control

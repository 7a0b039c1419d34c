// ServiceSocket: a stream to a service of an agent, as a socket that a plain program reads and
// writes, waiting as long as it has to. A thread of its own serves the channel meanwhile, so that
// nobody in the region waits for that program's disk.
//
// Thread safety: none but what a socket has.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

class ServiceSocket {
 public:
  // Begins to connect to `service` of `agent`; whether that works is seen at the socket. Errors:
  // the region has no memory for a link, or the agent is gone. `endpoint` is used for this alone.
  static absl::StatusOr<std::unique_ptr<ServiceSocket>> Connect(std::unique_ptr<Endpoint> endpoint,
                                                                EndpointId agent,
                                                                const std::string& service);

  // Ends the stream, if it has not ended yet.
  ~ServiceSocket();
  ServiceSocket(const ServiceSocket&) = delete;
  ServiceSocket& operator=(const ServiceSocket&) = delete;

  // A connected stream socket that blocks.
  int Fd() const { return socket_.Get(); }

  // Why the stream ended early: refused by the agent, say; OK when it did not, or not yet. The
  // socket is of no use after this.
  absl::Status End();

 private:
  class Carrier;

  ServiceSocket(UniqueFd socket, std::unique_ptr<Carrier> carrier);

  UniqueFd socket_;
  std::unique_ptr<Carrier> carrier_;
};

}  // namespace tombolo::control

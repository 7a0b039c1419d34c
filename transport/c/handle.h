// What stands behind the C interface's handles, and how a Status becomes a negative errno value.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "transport/c/tombolo.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/stream/stream_mux.h"

struct tombolo_endpoint {
  tombolo::StreamMux& Streams();

  std::unique_ptr<tombolo::Endpoint> endpoint;
  std::unique_ptr<tombolo::Channel> channel;
  std::unique_ptr<tombolo::StreamAcceptor> acceptor;  // From the first listener on.
  std::unique_ptr<tombolo::StreamMux> streams;        // From the first use on.
};

namespace tombolo {

// Keeps the text for tombolo_error() and gives what the function returns.
int FailC(const absl::Status& status);
int FailC(int error, const std::string& text);

// 0 for tags that a program may send.
int RefuseTag(uint8_t tag);

inline EndpointId FromC(tombolo_id id) { return {id.index, id.incarnation}; }
inline tombolo_id ToC(EndpointId id) { return {id.index, id.incarnation}; }

}  // namespace tombolo

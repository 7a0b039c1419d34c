// BrokerBackend: what stands behind a broker's socket: on the host the registry itself
// (control/daemon), in a guest the control link to it (control/agent).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/endpoint/broker_protocol.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

// What a new endpoint gets. The descriptors are the backend's, and valid until the callback that
// received the grant returns.
struct Grant {
  tombolo::EndpointId id;
  uint16_t slot = 0;
  uint16_t vector = 0;
  BrokerMemory memory = BrokerMemory::kMemfd;
  uint64_t memory_bytes = 0;
  uint64_t memory_offset = 0;
  uint64_t registers_offset = 0;
  int memory_fd = -1;
  int wake_fd = -1;
  int registers_fd = -1;  // BrokerMemory::kSysfs.
};

// An endpoint that a broker serves.
struct ServedEndpoint {
  tombolo::EndpointId id;
  uint16_t vector = 0;
  pid_t pid = 0;

  friend bool operator==(const ServedEndpoint&, const ServedEndpoint&) = default;
};

// A service whose memory an endpoint may write now.
struct ServiceGrant {
  uint32_t index = 0;
  uint32_t incarnation = 0;
};

class BrokerBackend {
 public:
  using AttachDone = std::function<void(absl::StatusOr<Grant> grant)>;
  using OpenServiceDone = std::function<void(absl::StatusOr<ServiceGrant> service)>;
  using CloseServiceDone = std::function<void(absl::Status status)>;

  virtual ~BrokerBackend() = default;

  // Makes the process `pid` an endpoint and calls `done` once, at once or later from the event
  // loop; never after the broker has ended. `name` comes from the process, unchecked.
  virtual void AttachEndpoint(const std::string& name, pid_t pid, AttachDone done) = 0;

  // The same grant again, for an endpoint of a former broker of this backend: the answer may have
  // been lost with that broker.
  virtual absl::StatusOr<Grant> GrantAgain(const ServedEndpoint& endpoint) = 0;

  // The endpoint is proven dead, or has said that it holds nothing of the region any more, or never
  // got what it was granted. May be said twice.
  virtual void EndpointGone(tombolo::EndpointId id) = 0;

  // The eventfd of (slot, vector), both unchecked; it stays the backend's. An error where doorbells
  // are no eventfds.
  virtual absl::StatusOr<int> Doorbell(uint16_t slot, uint16_t vector) = 0;

  // Makes the endpoint the writer of the service `name`, which comes from the process, unchecked;
  // calls `done` as AttachEndpoint does.
  virtual void OpenService(const std::string& name, tombolo::EndpointId writer,
                           OpenServiceDone done) = 0;

  // Frees the service `name`, also unchecked, with all its memory, because the endpoint `asker`
  // wants that.
  virtual void CloseService(const std::string& name, tombolo::EndpointId asker,
                            CloseServiceDone done) = 0;
};

}  // namespace tombolo::control

// BrokerClient: a process's connection to its broker (transport/endpoint/broker_protocol.h).
//
// It owns the socket. Thread safety: FetchDoorbell() may be called from any thread; the rest from
// one.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/endpoint/broker_protocol.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/layout/service_record.h"

namespace tombolo {

// What the broker gives to a new endpoint.
struct Attachment {
  EndpointId id;
  uint16_t slot = 0;
  uint16_t vector = 0;
  BrokerMemory memory = BrokerMemory::kMemfd;
  uint64_t memory_bytes = 0;
  uint64_t memory_offset = 0;
  uint64_t registers_offset = 0;
  UniqueFd memory_fd;
  UniqueFd registers_fd;  // kSysfs.
  UniqueFd wake_fd;       // The eventfd of (slot, vector): never read, waited for edge-triggered.
};

// A service whose memory this endpoint may write.
struct ServiceId {
  uint32_t index = 0;
  uint32_t incarnation = 0;

  // As whom to claim and free extents for it.
  uint16_t Owner() const { return ServiceOwner(index); }

  friend constexpr bool operator==(const ServiceId&, const ServiceId&) = default;
};

class BrokerClient {
 public:
  // Unavailable or NotFound, with what to do, when no broker serves `socket_path`.
  static absl::StatusOr<std::unique_ptr<BrokerClient>> Connect(const std::string& socket_path);

  // Attaches this process as one endpoint, once per connection. `name`: for people, at most 31
  // bytes.
  absl::StatusOr<Attachment> Attach(std::string_view name);

  // The eventfd of (slot, vector). Host brokers only.
  absl::StatusOr<UniqueFd> FetchDoorbell(uint16_t slot, uint16_t vector);

  // Makes this endpoint the one writer of the service `name`, at most 31 bytes, which is made if
  // there is none. AlreadyExists while another living endpoint writes it.
  absl::StatusOr<ServiceId> OpenService(std::string_view name);

  // Frees the service with all its memory. NotFound; FailedPrecondition while somebody writes it.
  absl::Status CloseService(std::string_view name);

  // Tells the broker that this process holds nothing of the region any more.
  absl::Status Detach();

  // Readable or hung up when the broker has closed: the endpoint is on its own from then on.
  int Fd() const { return socket_.Get(); }

 private:
  explicit BrokerClient(UniqueFd socket) : socket_(std::move(socket)) {}

  struct Answer {
    BrokerReply reply;
    std::vector<UniqueFd> fds;
  };
  using ExpectedFds = size_t (*)(const BrokerReply& reply);
  absl::StatusOr<Answer> Ask(const BrokerRequest& request, ExpectedFds expected_fds);

  std::mutex mutex_;
  UniqueFd socket_;
};

}  // namespace tombolo

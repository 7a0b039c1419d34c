// Endpoint: this process's presence in the region: a device, the checked region, an identity and a
// wake-up.
//
// It sends nothing itself (transport/channel does). It owns the mapping and the connection to the
// broker, so it must outlive everything that points into the region. Thread safety: accessors from
// any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/device/device.h"
#include "transport/endpoint/broker_client.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/region/region.h"

namespace tombolo {

// Where brokers serve unless told otherwise.
inline constexpr char kDefaultBrokerSocket[] = "/run/tombolo/broker.sock";

class Endpoint {
 public:
  // Attaches through the broker that serves `broker_socket`. `name`: for people. Errors are those
  // of BrokerClient, of mapping the device, and of Region::Attach.
  static absl::StatusOr<std::unique_ptr<Endpoint>> Attach(const std::string& broker_socket,
                                                          std::string_view name);

  // An endpoint without a broker, for tests and for brokers themselves: the identity was settled
  // elsewhere. `wake_fd`: the eventfd of its doorbell.
  static absl::StatusOr<std::unique_ptr<Endpoint>> Adopt(std::unique_ptr<Device> device,
                                                         EndpointId id, uint16_t slot,
                                                         UniqueFd wake_fd);

  // Makes this endpoint the one writer of the service `name`, whose memory outlives it: extents
  // that are claimed for ServiceId::Owner(). They are there until they are freed, or the service is
  // closed; the next writer finds them in the extent map. Errors as BrokerClient;
  // FailedPrecondition without a broker.
  absl::StatusOr<ServiceId> OpenService(std::string_view name);
  absl::Status CloseService(std::string_view name);

  // Tells the broker that nothing of the region is held any more, then lets go of it. Without it
  // the broker learns of the end from the process's death.
  absl::Status Detach();

  EndpointId Id() const { return id_; }
  uint16_t Slot() const { return slot_; }
  const Region& SharedRegion() const { return *region_; }
  Device& Doorbells() const { return *device_; }
  int WakeFd() const { return wake_fd_.Get(); }

  // Readable when the broker is gone for good; -1 without a broker.
  int BrokerFd() const { return broker_ ? broker_->Fd() : -1; }

 private:
  Endpoint() = default;

  std::unique_ptr<BrokerClient> broker_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<Region> region_;
  UniqueFd wake_fd_;
  EndpointId id_;
  uint16_t slot_ = 0;
};

}  // namespace tombolo

#include "kvcache/server/owner_endpoint.h"

#include <chrono>
#include <thread>

#include "absl/status/status.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr char kEndpointName[] = "kvcache-owner";

// The owner before, if it was killed, is proven dead within a few milliseconds.
constexpr int64_t kPatienceNs = kNsPerSecond;
constexpr auto kRetryEvery = std::chrono::milliseconds(10);

absl::Status OpenService(Endpoint& endpoint, const std::string& service) {
  const int64_t until_ns = MonotonicNs() + kPatienceNs;
  for (;;) {
    absl::Status status = endpoint.OpenService(service).status();
    if (!absl::IsAlreadyExists(status) || MonotonicNs() > until_ns) return status;
    std::this_thread::sleep_for(kRetryEvery);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Endpoint>> AttachOwner(const std::string& broker_socket,
                                                      const std::string& service) {
  auto endpoint = Endpoint::Attach(broker_socket, kEndpointName);
  if (!endpoint.ok()) return endpoint.status();
  absl::Status status = OpenService(**endpoint, service);
  if (status.ok()) return endpoint;
  (*endpoint)->Detach().IgnoreError();
  return status;
}

}  // namespace tombolo::kvcache

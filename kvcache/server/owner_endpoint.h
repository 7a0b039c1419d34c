// How the owner of a cache takes part in the region: as the endpoint that writes a service, by
// whose name readers find it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "transport/endpoint/endpoint.h"

namespace tombolo::kvcache {

// Errors: those of Endpoint::Attach and Endpoint::OpenService; AlreadyExists: somebody else serves
// `service`, for a second at least. An owner that was just killed is not taken for one.
absl::StatusOr<std::unique_ptr<Endpoint>> AttachOwner(const std::string& broker_socket,
                                                      const std::string& service);

}  // namespace tombolo::kvcache

// What a host tells its cluster of itself.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "control/cluster/cluster_info.h"
#include "control/cluster/cluster_options.h"
#include "control/service/membership_view.h"

namespace tombolo::control {

// What the kernel calls this host; InvalidArgument when that is no name for a cluster.
absl::StatusOr<std::string> HostNameOfKernel();

// As `membership` has it now. The host itself is the one machine when the options name none.
ClusterHost OwnHost(const ClusterOptions& options, const MembershipView& membership);

}  // namespace tombolo::control

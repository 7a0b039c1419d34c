// Between the messages of membership.proto and services.proto and the values of control/registry.
//
// To*: what the daemon sends. From*: what a client received; a value it does not know (a newer
// daemon's) becomes the nearest that it does, never an error. Times before 1970 do not occur.
#pragma once

#include <optional>

#include "control/proto/membership.pb.h"
#include "control/proto/services.pb.h"
#include "control/registry/membership.h"
#include "control/registry/region_info.h"
#include "control/registry/service_info.h"

namespace tombolo::control {

v1::Peer ToPeer(const PeerInfo& peer);
PeerInfo FromPeer(const v1::Peer& message);

v1::Region ToRegion(const RegionInfo& region);
RegionInfo FromRegion(const v1::Region& message);

// The event as the one message of the stream that tells it.
v1::WatchPeersResponse ToWatchResponse(const MembershipEvent& event);

// A stream that starts from nothing begins with this.
v1::WatchPeersResponse ToWatchResponse(const MembershipSnapshot& snapshot,
                                       const std::string& region_uuid);

v1::ListPeersResponse ToListResponse(const MembershipSnapshot& snapshot,
                                     const std::string& region_uuid);
MembershipSnapshot FromListResponse(const v1::ListPeersResponse& response);

// As above, of the services.
v1::WatchServicesResponse ToWatchResponse(const ServiceEvent& event);
v1::WatchServicesResponse ToWatchResponse(const ServiceList& list);
std::optional<ServiceList> SnapshotFrom(const v1::WatchServicesResponse& response);
std::optional<ServiceEvent> EventFrom(const v1::WatchServicesResponse& response);

v1::ListServicesResponse ToListResponse(const ServiceList& list);
ServiceList FromListResponse(const v1::ListServicesResponse& response);

// Nothing unless the message carries a snapshot.
std::optional<MembershipSnapshot> SnapshotFrom(const v1::WatchPeersResponse& response);

// Nothing when the message carries no event that this version knows.
std::optional<MembershipEvent> EventFrom(const v1::WatchPeersResponse& response);

}  // namespace tombolo::control

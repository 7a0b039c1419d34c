#include "bench/transport/two_members.h"

#include "bench/transport/require.h"
#include "transport/base/units.h"
#include "transport/region/geometry.h"
#include "transport/region/region.h"

namespace tombolo::bench {

TwoMembers::TwoMembers()
    : members_(RegionLimits{.region_bytes = 64 * kMiB}, HostCacheSizes()),
      lead_(members_.Add("lead")),
      follow_(members_.Add("follow")) {}

void TwoMembers::Open(Side side) {
  peer_ = side == Side::kLead ? follow_ : lead_;
  endpoint_ = members_.AdoptMappedAnew(side == Side::kLead ? lead_ : follow_);
  channel_ = Require(Channel::Create(*endpoint_));
  Require(channel_->Open(peer_));
}

}  // namespace tombolo::bench

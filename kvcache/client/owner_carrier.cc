#include "kvcache/client/owner_carrier.h"

#include "kvcache/client/region_carrier.h"
#include "kvcache/client/socket_carrier.h"

namespace tombolo::kvcache {

std::unique_ptr<OwnerCarrier> MakeCarrier(const OwnerAddress& address) {
  if (address.IsInRegion()) {
    return std::make_unique<RegionCarrier>(address.Service(), address.BrokerSocket());
  }
  return std::make_unique<SocketCarrier>(address);
}

}  // namespace tombolo::kvcache

#include "kvcache/client/owner_carrier.h"

#include "kvcache/client/socket_carrier.h"

namespace tombolo::kvcache {

std::unique_ptr<OwnerCarrier> MakeCarrier(const OwnerAddress& address) {
  return std::make_unique<SocketCarrier>(address);
}

}  // namespace tombolo::kvcache

// NetEndpoint: this machine as a member of an IP network over the region: an endpoint whose name
// says so (member_name.h), an interface, and what carries packets between the two.
//
//   NetEndpoint::Create(loop, endpoint, options)  ->  Run() until Stop()
//
// All of it belongs to the thread that runs it, but for Stop().
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/channel_loop/broker_watch.h"
#include "control/channel_loop/channel_loop.h"
#include "control/event_loop/event_loop.h"
#include "control/net/member_name.h"
#include "control/net/members.h"
#include "control/net/packet_carrier.h"
#include "control/net/tun_device.h"
#include "transport/endpoint/endpoint.h"

namespace tombolo::control {

struct NetOptions {
  MemberName name;
  std::string interface;
  uint32_t mtu_bytes = 0;
  PacketCarrier::OnChange on_change;  // A member joined or left; for people.
};

class NetEndpoint {
 public:
  // `endpoint` is attached as options.name. InvalidArgument: the subnet has no room for this
  // region. AlreadyExists: the address is another member's. ResourceExhausted: the region has no
  // memory for packets. Others are those of TunDevice. `loop` must outlive it.
  static absl::StatusOr<std::unique_ptr<NetEndpoint>> Create(EventLoop& loop,
                                                             std::unique_ptr<Endpoint> endpoint,
                                                             const NetOptions& options);

  // Until Stop(): OK. Until the broker is gone: Unavailable. Until somebody removes the interface:
  // Aborted.
  absl::Status Run();

  // Any thread; not lost when it comes before Run().
  void Stop() { channel_loop_->Stop(); }

  uint32_t Address() const { return address_; }
  bool HasIpv6() const { return tun_->HasIpv6(); }
  const PacketCounters& Counters() const { return carrier_->Counters(); }

 private:
  NetEndpoint(std::unique_ptr<Endpoint> endpoint, const NetOptions& options, uint32_t address);

  absl::Status Begin(EventLoop& loop, const NetOptions& options);
  void ReadInterface();

  std::unique_ptr<Endpoint> endpoint_;
  const uint32_t address_;
  Members members_;
  std::unique_ptr<TunDevice> tun_;
  std::unique_ptr<ChannelLoop> channel_loop_;
  std::unique_ptr<PacketCarrier> carrier_;
  std::unique_ptr<BrokerWatch> broker_watch_;
  Watch interface_watch_;
};

}  // namespace tombolo::control

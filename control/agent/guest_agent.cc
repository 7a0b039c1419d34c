#include "control/agent/guest_agent.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr uint16_t kMembershipVector = 0;
constexpr unsigned kRootOnlyMode = 0600;
constexpr uint16_t kLinkVector = 1;
constexpr int64_t kTickNs = kNsPerSecond;
constexpr int64_t kPollNs = kNsPerMs;

absl::Status CheckFits(const AgentDevice& device, const RegionLimits& limits) {
  if (device.slot == 0 || device.slot >= limits.slot_count) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the device has ID ", device.slot, "; a virtual machine's slot in this region is 1 to ",
        limits.slot_count - 1, ". Is its chardev connected to a socket of tombolod?"));
  }
  if (device.eventfds.size() >= limits.vector_count) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the device has ", device.eventfds.size(), " vectors, the region's slots have ",
      limits.vector_count, ". Start QEMU with `-device ivshmem-doorbell,vectors=",
      limits.vector_count, ",...` (`tombolo vm-args` on the host prints all options)."));
}

}  // namespace

absl::StatusOr<std::unique_ptr<GuestAgent>> GuestAgent::Start(EventLoop& loop,
                                                              DescriptorStore& store,
                                                              NamedDescriptors& inherited,
                                                              const AgentDevice& device,
                                                              const GuestAgentOptions& options) {
  const absl::StatusOr<Region> region =
      Region::Attach(device.device->Memory(), device.device->Type());
  if (!region.ok()) return region.status();
  if (auto status = CheckFits(device, region->Limits()); !status.ok()) return status;
  std::unique_ptr<GuestAgent> agent(new GuestAgent(loop, device, *region, options));
  GuestAgent& self = *agent;
  auto status = self.WatchDoorbell(
      kMembershipVector, [] {}, self.membership_watch_);
  if (!status.ok()) return status;
  status = self.WatchDoorbell(
      kLinkVector, [&self] { self.backend_.Poll(); }, self.link_watch_);
  if (!status.ok()) return status;
  self.timer_ = loop.Every(kTickNs, [&self] { self.backend_.Tick(); });
  if (!device.interrupts) {
    if (status = self.PollDoorbells(); !status.ok()) return status;
  }
  auto broker = BrokerServer::Start(
      loop, store, self.backend_, inherited,
      {.socket_path = options.broker_socket,
       .socket_mode = device.for_root_only ? kRootOnlyMode : BrokerOptions{}.socket_mode,
       .max_clients = MaxClients(region->Limits())});
  if (!broker.ok()) return broker.status();
  self.broker_ = *std::move(broker);
  return agent;
}

GuestAgent::GuestAgent(EventLoop& loop, const AgentDevice& device, const Region& region,
                       const GuestAgentOptions& options)
    : loop_(loop),
      device_(device),
      region_(region),
      backend_(loop, device, region, {options.boot_id, options.attach_deadline_ns},
               [this] { return Living(); }),
      orphans_(loop, [this](EndpointId id) { backend_.EndpointGone(id); }) {}

// SUBTLE: the loop's own timers go by a clock that moves with the kernel's ticks, every 4 ms here.
absl::Status GuestAgent::PollDoorbells() {
  polled_.emplace(region_, device_.slot, device_.eventfds);
  poll_timer_ = UniqueFd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  const timespec period{.tv_sec = 0, .tv_nsec = kPollNs};
  const itimerspec every{.it_interval = period, .it_value = period};
  if (!poll_timer_.IsOpen() || timerfd_settime(poll_timer_.Get(), 0, &every, nullptr) != 0) {
    return ErrnoStatus(errno, "make a timer of a millisecond");
  }
  auto watch = loop_.WatchReadable(poll_timer_.Get(), [this] {
    uint64_t periods = 0;
    if (read(poll_timer_.Get(), &periods, sizeof(periods)) < 0) return;
    backend_.Poll();
    polled_->Look();
  });
  if (!watch.ok()) return watch.status();
  poll_watch_ = *std::move(watch);
  return absl::OkStatus();
}

absl::Status GuestAgent::WatchDoorbell(uint16_t vector, EventLoop::Callback callback,
                                       Watch& watch) {
  const int eventfd = device_.eventfds[vector];
  auto made = loop_.WatchReadable(eventfd, [eventfd, callback = std::move(callback)] {
    eventfd_t rings = 0;
    eventfd_read(eventfd, &rings);
    callback();
  });
  if (!made.ok()) return made.status();
  watch = *std::move(made);
  return absl::OkStatus();
}

std::vector<EndpointId> GuestAgent::Living() {
  const std::vector<ServedEndpoint> served = broker_->Endpoints();
  // Only once: what is granted later and not served is still on its way to a client.
  if (!std::exchange(looked_for_orphans_, true)) orphans_.Find(region_, device_.slot, served);
  std::vector<EndpointId> living = orphans_.Living();
  for (const ServedEndpoint& endpoint : served) living.push_back(endpoint.id);
  return living;
}

}  // namespace tombolo::control

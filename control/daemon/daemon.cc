#include "control/daemon/daemon.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/daemon/descriptor_limit.h"
#include "control/daemon/unix_time.h"
#include "control/link/boot_id.h"
#include "control/registry/region_info.h"
#include "spdlog/spdlog.h"
#include "transport/alloc/extent_map.h"
#include "transport/base/units.h"
#include "transport/layout/region_header.h"
#include "transport/region/geometry.h"

namespace tombolo::control {
namespace {

constexpr uint32_t kMembershipVector = 0;

// What Debian and libvirt give a QEMU, and roughly what it uses without our device.
constexpr uint64_t kUsualQemuDescriptors = 1024;
constexpr uint64_t kOtherQemuDescriptors = 128;

// How often to look whether everybody has let go of the dead: soon at first, rarely in the end.
constexpr int64_t kFirstReapDelayNs = kNsPerMs;
constexpr int64_t kLastReapDelayNs = kNsPerSecond;

RegistryLimits ToRegistryLimits(const RegionLimits& limits) {
  return {.slots = limits.slot_count,
          .vectors = limits.vector_count,
          .endpoints = limits.endpoint_count};
}

MembershipViewOptions ViewOptions(const HostRegion& region) {
  const RegionLimits& limits = region.View().Limits();
  return {.region = {.uuid = region.UuidText(),
                     .size_bytes = limits.region_bytes,
                     .slots = limits.slot_count,
                     .vectors = limits.vector_count,
                     .endpoints = limits.endpoint_count,
                     .layout_version = kLayoutVersion},
          .free_bytes = [view = region.View()] {
            return ExtentMap(view.ExtentMap()).CountFree() * kExtentBytes;
          }};
}

void WarnOfQemusLimit(const RegionLimits& limits) {
  const uint64_t doorbells = uint64_t{limits.slot_count} * limits.vector_count;
  if (doorbells + kOtherQemuDescriptors <= kUsualQemuDescriptors) return;
  spdlog::warn(
      "each QEMU will hold {} eventfds (slots times vectors), and its limit of open files is "
      "usually {}: raise it (`ulimit -n`, or max_files in libvirt's qemu.conf).",
      doorbells, kUsualQemuDescriptors);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(EventLoop& loop,
                                                      const DaemonOptions& options) {
  const RegionLimits& limits = options.limits;
  // Bad flags are told before anything is touched.
  if (auto geometry = ComputeGeometry(limits); !geometry.ok()) return geometry.status();
  absl::StatusOr<RuntimeDir> runtime_dir = RuntimeDir::Claim(options.runtime_dir);
  if (!runtime_dir.ok()) return runtime_dir.status();
  if (auto status = RaiseDescriptorLimit(NeededDescriptors(limits)); !status.ok()) return status;
  absl::StatusOr<DoorbellTable> doorbells =
      DoorbellTable::Create(limits.slot_count, limits.vector_count);
  if (!doorbells.ok()) return doorbells.status();
  WarnOfQemusLimit(limits);
  absl::StatusOr<HostRegion> region =
      HostRegion::Create(limits, options.huge_pages ? PageSize::kHuge : PageSize::kNormal);
  if (!region.ok()) return region.status();
  std::unique_ptr<Daemon> daemon(
      new Daemon(loop, *std::move(runtime_dir), *std::move(region), *std::move(doorbells)));
  if (auto status = daemon->OccupyHostSlot(); !status.ok()) return status;
  if (auto status = daemon->Serve(); !status.ok()) return status;
  return daemon;
}

Daemon::Daemon(EventLoop& loop, RuntimeDir runtime_dir, HostRegion region, DoorbellTable doorbells)
    : loop_(loop),
      runtime_dir_(std::move(runtime_dir)),
      region_(std::move(region)),
      doorbells_(std::move(doorbells)),
      registry_(ToRegistryLimits(region_.View().Limits())),
      mirror_(region_.View()),
      reaper_(region_.View(), registry_, mirror_,
              [this](uint32_t slot, uint32_t vector) { doorbells_.Ring(slot, vector); }),
      services_(region_.View(), registry_, mirror_, [this] { ReapAfter(kFirstReapDelayNs); }),
      view_(ViewOptions(region_)),
      host_broker_(registry_, region_, doorbells_, services_, NowUnixNs) {
  registry_.AddObserver([this](const MembershipEvent& event) { OnEvent(event); });
}

Daemon::~Daemon() {
  if (broker_server_) broker_server_->RemoveSocketFile();
  if (ivshmem_server_) ivshmem_server_->RemoveSocketFiles();
}

std::string Daemon::Describe() const {
  const RegionLimits& limits = region_.View().Limits();
  return absl::StrCat("region ", region_.UuidText(), ": ", limits.region_bytes / kMiB, " MiB, ",
                      limits.slot_count, " slots, ", limits.vector_count, " vectors, ",
                      limits.endpoint_count, " endpoints, sockets in ", runtime_dir_.Path());
}

absl::Status Daemon::OccupyHostSlot() {
  auto incarnation = registry_.OccupySlot(kHostSlot, PeerKind::kHost, NowUnixNs());
  if (!incarnation.ok()) return incarnation.status();
  const absl::StatusOr<BootId> boot_id = ReadBootId();
  if (!boot_id.ok()) return boot_id.status();
  return registry_.BrokerReady(kHostSlot, FormatBootId(*boot_id)).status();
}

// gRPC comes last: whoever finds its health good finds all the other sockets.
absl::Status Daemon::Serve() {
  if (auto status = ServeAgents(); !status.ok()) return status;
  if (auto status = ServeMachines(); !status.ok()) return status;
  if (auto status = ServeProcesses(); !status.ok()) return status;
  return ServeControl();
}

absl::Status Daemon::ServeMachines() {
  NamedDescriptors nothing;
  auto server = IvshmemServer::Start(loop_, store_, nothing,
                                     {.folder = runtime_dir_.Path(),
                                      .memory_fd = region_.MemoryFd(),
                                      .doorbells = &doorbells_,
                                      .on_join = [this](uint32_t slot) { OnVmJoined(slot); },
                                      .on_leave = [this](uint32_t slot) { OnVmLeft(slot); }});
  if (!server.ok()) return server.status();
  ivshmem_server_ = *std::move(server);
  return absl::OkStatus();
}

absl::Status Daemon::ServeProcesses() {
  NamedDescriptors inherited = store_.Take();
  auto server = BrokerServer::Start(loop_, store_, host_broker_, inherited,
                                    {.socket_path = runtime_dir_.Path() + "/broker.sock",
                                     .max_clients = MaxClients(region_.View().Limits())});
  if (!server.ok()) return server.status();
  broker_server_ = *std::move(server);
  return absl::OkStatus();
}

absl::Status Daemon::ServeAgents() {
  auto links = GuestLinks::Start(loop_, region_.View(), doorbells_, registry_, services_);
  if (!links.ok()) return links.status();
  guest_links_ = *std::move(links);
  return absl::OkStatus();
}

absl::Status Daemon::ServeControl() {
  const std::string& folder = runtime_dir_.Path();
  auto server = ControlServer::Start(view_, {{folder + "/control.sock", Audience::kOperators},
                                             {folder + "/guest.sock", Audience::kGuests}});
  if (!server.ok()) return server.status();
  control_server_ = *std::move(server);
  return absl::OkStatus();
}

void Daemon::OnVmJoined(uint32_t slot) {
  const auto incarnation = registry_.OccupySlot(slot, PeerKind::kVm, NowUnixNs());
  if (!incarnation.ok()) spdlog::error("slot {}: {}", slot, incarnation.status().ToString());
}

void Daemon::OnVmLeft(uint32_t slot) {
  const auto dead = registry_.VacateSlot(slot);
  if (!dead.ok()) spdlog::error("slot {}: {}", slot, dead.status().ToString());
  guest_links_->SlotVacated(slot);
}

void Daemon::OnEvent(const MembershipEvent& event) {
  mirror_.Write(event);
  mirror_.WriteServices(registry_.Services());
  reaper_.Note(event);
  RingMembership();
  view_.Publish(event);
  if (event.kind != EventKind::kEndpointAttached && !event.endpoints.empty()) {
    ReapAfter(kFirstReapDelayNs);
  }
}

void Daemon::RingMembership() {
  for (uint32_t slot = 0; slot < doorbells_.SlotCount(); ++slot) {
    if (registry_.FindPeer(slot)) doorbells_.Ring(slot, kMembershipVector);
  }
}

void Daemon::ReapAfter(int64_t delay_ns) {
  reap_delay_ns_ = delay_ns;
  reap_timer_ = loop_.After(delay_ns, [this] { Reap(); });
}

void Daemon::Reap() {
  reap_timer_.Reset();
  if (!reaper_.Sweep()) return;
  const bool at_once = reaper_.HasMoreToScrub();
  ReapAfter(at_once ? kFirstReapDelayNs : std::min(2 * reap_delay_ns_, kLastReapDelayNs));
}

}  // namespace tombolo::control

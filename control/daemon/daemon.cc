#include "control/daemon/daemon.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/broker/kept_name.h"
#include "control/daemon/kept_state.h"
#include "control/daemon/unix_time.h"
#include "control/link/boot_id.h"
#include "control/region_source/uuid_file.h"
#include "control/registry/region_info.h"
#include "spdlog/spdlog.h"
#include "transport/alloc/extent_map.h"
#include "transport/base/errno_status.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"
#include "transport/fsck/check_region.h"
#include "transport/fsck/region_report.h"
#include "transport/layout/region_header.h"
#include "transport/region/geometry.h"

namespace tombolo::control {
namespace {

constexpr uint32_t kMembershipVector = 0;

constexpr char kDrainingName[] = "daemon/draining";

// What Debian and libvirt give a QEMU, and roughly what it uses without our device.
constexpr uint64_t kUsualQemuDescriptors = 1024;
constexpr uint64_t kOtherQemuDescriptors = 128;

// How often to look whether everybody has let go of the dead: soon at first, rarely in the end.
constexpr int64_t kFirstReapDelayNs = kNsPerMs;
constexpr int64_t kLastReapDelayNs = kNsPerSecond;

MembershipViewOptions ViewOptions(const HostRegion& region, MembershipSnapshot start) {
  const RegionLimits& limits = region.View().Limits();
  return {
      .region = {.uuid = region.UuidText(),
                 .size_bytes = limits.region_bytes,
                 .slots = limits.slot_count,
                 .vectors = limits.vector_count,
                 .endpoints = limits.endpoint_count,
                 .layout_version = kLayoutVersion},
      .free_bytes =
          [view = region.View()] { return ExtentMap(view.ExtentMap()).CountFree() * kExtentBytes; },
      // Its clock goes back only when somebody sets it; even then nobody asks for the same number.
      .first_service_revision = static_cast<uint64_t>(NowUnixNs() / kNsPerUs),
      .start = std::move(start)};
}

// Memory is given to others by proof of death only, so what is lost is never given away.
void WarnOfLoss(const std::string& what, const char* taken) {
  spdlog::error(
      "the {} was lost with the tombolod before this one: the {} stays taken until this one is "
      "stopped. Under systemd, raise FileDescriptorStoreMax=.",
      what, taken);
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

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(EventLoop& loop, DescriptorStore& store,
                                                      const DaemonOptions& options,
                                                      RegionActions* regions,
                                                      const RegionBoard* further) {
  NamedDescriptors inherited = store.Take();
  const bool is_first = !HasParts(inherited);
  // What a predecessor left that did not come as far as serving anybody.
  for (; is_first && !inherited.empty(); inherited.erase(inherited.begin())) {
    store.Remove(inherited.begin()->first).IgnoreError();
  }
  absl::StatusOr<DaemonParts> parts =
      is_first ? MakeParts(options, store) : TakeParts(options, inherited);
  if (!parts.ok()) return parts.status();
  const RegistryState state = std::move(parts->state);
  std::unique_ptr<Daemon> daemon(new Daemon(loop, store, *std::move(parts), state, regions));
  daemon->monitor_.ShowRegions(further);
  absl::Status begun = daemon->BeginCluster(options.cluster, is_first);
  if (begun.ok()) begun = daemon->Begin(state, inherited);
  if (begun.ok() && !options.http.empty()) begun = daemon->BeginStatus(options.http, is_first);
  if (begun.ok() && !options.listen_tls.empty()) begun = daemon->BeginTls(options, is_first);
  if (begun.ok()) return daemon;
  if (is_first) {
    daemon->RemoveSocketFiles();
    GiveUpParts(store);
  }
  return begun;
}

Daemon::Daemon(EventLoop& loop, DescriptorStore& store, DaemonParts parts,
               const RegistryState& state, RegionActions* regions)
    : loop_(loop),
      store_(store),
      runtime_dir_(std::move(parts.runtime_dir)),
      region_(std::move(parts.region)),
      doorbells_(std::move(parts.doorbells)),
      state_memory_(std::move(parts.state_memory)),
      registry_(RegistryLimitsFor(region_.View().Limits()), state),
      mirror_(region_.View()),
      reaper_(region_.View(), registry_, mirror_,
              [this](uint32_t slot, uint32_t vector) { doorbells_.Ring(slot, vector); }),
      services_(region_.View(), registry_, mirror_, [this] { ReapAfter(kFirstReapDelayNs); }),
      view_(ViewOptions(region_, registry_.Snapshot())),
      monitor_(region_.View(), view_),
      host_broker_(registry_, region_, doorbells_, services_, NowUnixNs),
      admin_desk_(loop_, registry_, MakeAdminTools(regions)) {
  view_.SetServices(registry_.Services());
  registry_.SetKeeper([this] { Keep(); });
  registry_.AddObserver([this](const MembershipEvent& event) { OnEvent(event); });
}

void Daemon::Keep() {
  const Region& region = region_.View();
  state_memory_.Save(ToBytes({region.Limits(), region.Uuid(), registry_.State()}));
  view_.SetServices(registry_.Services());
}

void Daemon::RemoveSocketFiles() const {
  if (broker_server_) broker_server_->RemoveSocketFile();
  if (ivshmem_server_) ivshmem_server_->RemoveSocketFiles();
  RemoveUuidFile(runtime_dir_.Path());
  runtime_dir_.Release();
}

std::string Daemon::Describe() const {
  const RegionLimits& limits = region_.View().Limits();
  return absl::StrCat("region ", region_.UuidText(), ": ", limits.region_bytes / kMiB, " MiB, ",
                      limits.slot_count, " slots, ", limits.vector_count, " vectors, ",
                      limits.endpoint_count, " endpoints, sockets in ", runtime_dir_.Path());
}

ServedRegion Daemon::Look(bool with_check) const {
  const std::string& folder = runtime_dir_.Path();
  ServedRegion region{.name = {},
                      .info = view_.Region(),
                      .group = {},
                      .folder = folder,
                      .sockets = {IvshmemServer::AnySlotPath(folder), folder + "/broker.sock",
                                  folder + "/control.sock", folder + "/guest.sock"},
                      .memory_path = absl::StrCat("/proc/", getpid(), "/fd/", region_.MemoryFd()),
                      .present = admin_desk_.Present(),
                      .joining = ivshmem_server_->HandshakingCount(),
                      .dead_endpoints = static_cast<uint32_t>(registry_.DyingEndpoints().size()),
                      .services = static_cast<uint32_t>(registry_.Services().size()),
                      .draining = registry_.IsDraining(),
                      .check = {}};
  if (with_check) {
    const RegionReport report = CheckRegion(region_.View());
    region.check = {.extents = report.extent_count,
                    .free_extents = report.free_extents,
                    .violations = report.violations.size() + report.violations_left_out};
  }
  return region;
}

absl::Status Daemon::Begin(const RegistryState& state, NamedDescriptors& inherited) {
  WarnOfQemusLimit(region_.View().Limits());
  if (state.revision != 0) {
    spdlog::info("goes on where a tombolod stopped, at revision {}", state.revision);
  }
  Restore(state);
  if (TakeOut(inherited, kDrainingName).IsOpen()) {
    registry_.SetDraining(true);
    spdlog::warn("newcomers are kept out until `tombolo admin undrain`");
  }
  // First of all that changes anything: it looks at what changed last.
  DropWhoNeverKnew(state, inherited);
  if (auto status = OccupyHostSlot(); !status.ok()) return status;
  return Serve(inherited);
}

// What the predecessor had saved and may not have told.
void Daemon::Restore(const RegistryState& state) {
  mirror_.Restore(state);
  reaper_.Restore(state);
  RingMembership();
  ReapAfter(kFirstReapDelayNs);
}

// SUBTLE: an endpoint of the host is saved, its socket kept, its process told, in one go. So one
// whose attach is the last change and whose socket is not kept was never told: nobody has its
// identity or anything of the region. Any other without a socket lives, as far as we can know.
void Daemon::DropWhoNeverKnew(const RegistryState& state, const NamedDescriptors& kept) {
  std::set<EndpointId> known;
  for (const auto& [name, fd] : kept) {
    if (const auto endpoint = ParseKeptSocketName(name)) known.insert(endpoint->id);
  }
  for (const EndpointEntry& entry : state.endpoints) {
    const EndpointInfo& info = entry.info;
    if (entry.life != EndpointLife::kLive || info.slot != kHostSlot || known.contains(info.id)) {
      continue;
    }
    if (entry.changed_revision == state.revision) {
      registry_.EndpointGone(info.id).IgnoreError();
    } else {
      WarnOfLoss(absl::StrCat("socket of endpoint ", info.id.index), "endpoint");
    }
  }
}

absl::Status Daemon::OccupyHostSlot() {
  if (!registry_.FindPeer(kHostSlot)) {
    auto incarnation = registry_.OccupySlot(kHostSlot, PeerKind::kHost, NowUnixNs());
    if (!incarnation.ok()) return incarnation.status();
  }
  const absl::StatusOr<BootId> boot_id = ReadBootId();
  if (!boot_id.ok()) return boot_id.status();
  return registry_.BrokerReady(kHostSlot, FormatBootId(*boot_id)).status();
}

// gRPC comes last: whoever finds its health good finds all the other sockets.
absl::Status Daemon::Serve(NamedDescriptors& inherited) {
  if (auto status = WriteUuidFile(runtime_dir_.Path(), region_.UuidText()); !status.ok()) {
    return status;
  }
  if (auto status = ServeAgents(); !status.ok()) return status;
  if (auto status = ServeMachines(inherited); !status.ok()) return status;
  if (auto status = ServeProcesses(inherited); !status.ok()) return status;
  return ServeControl();
}

absl::Status Daemon::ServeMachines(NamedDescriptors& inherited) {
  auto server = IvshmemServer::Start(
      loop_, store_, inherited,
      {.folder = runtime_dir_.Path(),
       .memory_fd = region_.MemoryFd(),
       .doorbells = &doorbells_,
       .is_draining = [this] { return registry_.IsDraining(); },
       .had_joined = [this](uint32_t slot) { return registry_.FindPeer(slot).has_value(); },
       .on_join = [this](uint32_t slot) { OnVmJoined(slot); },
       .on_leave = [this](uint32_t slot) { OnVmLeft(slot); }});
  if (!server.ok()) return server.status();
  ivshmem_server_ = *std::move(server);
  CloseVacantLinks();
  return absl::OkStatus();
}

// A predecessor may have been killed when it had vacated a slot and not closed its link.
void Daemon::CloseVacantLinks() {
  for (uint32_t slot = kHostSlot + 1; slot < doorbells_.SlotCount(); ++slot) {
    if (!registry_.FindPeer(slot)) {
      guest_links_->SlotVacated(slot);
    } else if (!ivshmem_server_->IsJoined(slot)) {
      WarnOfLoss(absl::StrCat("socket of the machine in slot ", slot), "slot");
    }
  }
}

absl::Status Daemon::ServeProcesses(NamedDescriptors& inherited) {
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
  auto server = ControlServer::Start(view_, admin_desk_,
                                     {.sockets = {{folder + "/control.sock", Audience::kOperators},
                                                  {folder + "/guest.sock", Audience::kGuests}},
                                      .ask_cluster = MakeAskCluster()});
  if (!server.ok()) return server.status();
  control_server_ = *std::move(server);
  return absl::OkStatus();
}

AdminTools Daemon::MakeAdminTools(RegionActions* regions) {
  return {.kill_machine = [this](uint32_t slot) { return ivshmem_server_->Kill(slot); },
          .kill_process = [this](EndpointId id) { return broker_server_->Kill(id); },
          .keep_draining = [this](bool draining) { return KeepDraining(draining); },
          .check_region = [view = region_.View()] { return CheckRegion(view); },
          .look = [this] { return monitor_.Look(); },
          .regions = regions};
}

// As a descriptor of that name, whatever it is: the saved state has no room for it.
absl::Status Daemon::KeepDraining(bool draining) {
  if (!draining) return store_.Remove(kDrainingName);
  const UniqueFd mark(eventfd(0, EFD_CLOEXEC));
  return mark.IsOpen() ? store_.Store(kDrainingName, mark.Get())
                       : ErrnoStatus(errno, "make an eventfd");
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
  monitor_.OnEvent(event);
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

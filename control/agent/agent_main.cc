// tombolo-agent: in a guest, the broker of its processes; on the host (--host), the far end of
// tunnels. Runs under a holder (control/holder), so that killing it costs nobody anything.
#include <signal.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/agent/agent_copies.h"
#include "control/agent/agent_device.h"
#include "control/agent/agent_flags.h"
#include "control/agent/agent_offers.h"
#include "control/agent/device_choice.h"
#include "control/agent/guest_agent.h"
#include "control/agent/kept_device.h"
#include "control/config/read_flags.h"
#include "control/copy/copy_server.h"
#include "control/doctor/read_speed.h"
#include "control/event_loop/event_loop.h"
#include "control/holder/holder.h"
#include "control/link/boot_id.h"
#include "control/log/start_log.h"
#include "control/tunnel/agent_tunnels.h"
#include "control/tunnel/tunnel_endpoint.h"
#include "control/tunnel/tunnel_thread.h"
#include "spdlog/spdlog.h"
#include "transport/device/device.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo::control {
namespace {

enum ExitCode { kExitGood = 0, kExitFailed = 1, kExitUsage = 2, kExitNoDaemon = 3 };

int Fail(const absl::Status& status, ExitCode code = kExitFailed) {
  std::cerr << "error: " << status.message() << std::endl;
  return absl::IsInvalidArgument(status) ? kExitUsage : code;
}

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "cannot make the folder ", path, ": ", error.message(), ". Choose another --runtime-dir."));
}

// Calls `stop` on SIGTERM and SIGINT.
class StopSignals {
 public:
  static absl::StatusOr<StopSignals> Watch(EventLoop& loop, const EventLoop::Callback& stop) {
    StopSignals signals;
    for (const int signal_number : {SIGTERM, SIGINT}) {
      auto watch = loop.WatchSignal(signal_number, stop);
      if (!watch.ok()) return watch.status();
      signals.watches_.push_back(*std::move(watch));
    }
    return signals;
  }

 private:
  std::vector<control::Watch> watches_;
};

void Ready(DescriptorStore& store) {
  store.MarkReady();
  sd_notify(0, "READY=1");
}

// What a guest's agent is made of besides its device and its loop.
struct GuestSetup {
  GuestAgentOptions agent;
  TunnelOptions tunnels;
};

absl::StatusOr<GuestSetup> PrepareGuest(const AgentFlags& flags) {
  const absl::StatusOr<BootId> boot_id = ReadBootId();
  if (!boot_id.ok()) return boot_id.status();
  absl::StatusOr<TunnelOptions> tunnels =
      GuestTunnels(flags.runtime_dir, flags.forwards, AllowedServices(flags));
  if (!tunnels.ok()) return tunnels.status();
  if (auto status = MakeFolder(flags.runtime_dir); !status.ok()) return status;
  GuestSetup setup;
  setup.agent.boot_id = *boot_id;
  setup.agent.broker_socket = tunnels->broker_socket;
  setup.tunnels = *std::move(tunnels);
  setup.tunnels.offers = OffersOf(flags);
  return setup;
}

// How the region is read decides how fast messages are, and only a measurement tells.
void TellReadSpeed(Device& device) {
  const double ns = NsPerLine(device.Memory());
  if (ns < kCachedNsPerLine) {
    spdlog::info("the region is read at {:.1f} ns a cache line, as cached memory is", ns);
  } else {
    spdlog::warn(
        "the region is read at {:.0f} ns a cache line; cached memory takes less than {:.0f}. "
        "Messages will be slow: docs/devices.md has the ways to a device that is mapped cached.",
        ns, kCachedNsPerLine);
  }
}

int ServeGuest(EventLoop& loop, DescriptorStore& store, const AgentDevice& device,
               NamedDescriptors& inherited, const GuestSetup& setup) {
  auto agent = GuestAgent::Start(loop, store, inherited, device, setup.agent);
  if (!agent.ok()) return Fail(agent.status());
  absl::Status tunnel_failure;
  const auto tunnels = TunnelThread::Start(setup.tunnels, [&](const absl::Status& why) {
    loop.Post([&loop, &tunnel_failure, why] {
      tunnel_failure = why;
      loop.Stop();
    });
  });
  if (!tunnels.ok()) return Fail(tunnels.status());
  spdlog::info("slot {}, {} vectors{}; processes attach at {}", device.slot, device.eventfds.size(),
               device.interrupts ? "" : " looked at every millisecond", setup.agent.broker_socket);
  Ready(store);
  loop.Run();
  (*agent)->RemoveSocketFile();
  // Before the tunnels: their thread may be waiting for an answer that nobody gives now.
  agent->reset();
  return tunnel_failure.ok() ? kExitGood : Fail(tunnel_failure);
}

int RunGuest(DescriptorStore& store, const AgentFlags& flags) {
  const absl::StatusOr<GuestSetup> setup = PrepareGuest(flags);
  if (!setup.ok()) return Fail(setup.status());
  const absl::StatusOr<std::unique_ptr<CopyServer>> copies = StartCopies(flags);
  if (!copies.ok()) return Fail(copies.status());
  auto loop = EventLoop::Create();
  if (!loop.ok()) return Fail(loop.status());
  const auto signals = StopSignals::Watch(**loop, [&loop] { (*loop)->Stop(); });
  if (!signals.ok()) return Fail(signals.status());
  NamedDescriptors inherited = store.Take();
  const auto device =
      OpenKeptDevice(SystemPaths{}, ParseDeviceChoice(flags.device), store, inherited);
  if (!device.ok()) return Fail(device.status());
  TellReadSpeed(*device->device);
  return ServeGuest(**loop, store, device->described, inherited, *setup);
}

int RunHost(DescriptorStore& store, const AgentFlags& flags) {
  absl::StatusOr<TunnelOptions> options = HostTunnels(flags.runtime_dir, AllowedServices(flags));
  if (!options.ok()) return Fail(options.status());
  options->offers = OffersOf(flags);
  auto loop = EventLoop::Create();
  if (!loop.ok()) return Fail(loop.status());
  const auto endpoint = TunnelEndpoint::Create(**loop, *options);
  if (!endpoint.ok()) {
    const bool no_daemon =
        absl::IsUnavailable(endpoint.status()) || absl::IsNotFound(endpoint.status());
    return Fail(endpoint.status(), no_daemon ? kExitNoDaemon : kExitFailed);
  }
  const absl::StatusOr<std::unique_ptr<CopyServer>> copies = StartCopies(flags);
  if (!copies.ok()) return Fail(copies.status());
  const auto signals = StopSignals::Watch(**loop, [&endpoint] { (*endpoint)->Stop(); });
  if (!signals.ok()) return Fail(signals.status());
  Ready(store);
  const absl::Status why = (*endpoint)->Run();
  return why.ok() ? kExitGood : Fail(why, kExitNoDaemon);
}

// When the region of the host's agent has ended it waits for the next one; but where a service
// manager is there to start it again, that does.
RestartLimits Restarts() {
  RestartLimits limits;
  if (getenv("NOTIFY_SOCKET") != nullptr) limits.final_code = kExitNoDaemon;
  return limits;
}

int Main(int argc, char** argv) {
  const auto flags = std::make_shared<AgentFlags>();
  const std::optional<int> exit_code = ReadFlags(DeclareAgentFlags(flags), argc, argv);
  if (exit_code) return *exit_code;
  signal(SIGPIPE, SIG_IGN);
  return RunUnderHolder(
      [&flags](DescriptorStore& store) {
        StartLog("tombolo-agent", flags->log_level);
        return flags->host ? RunHost(store, *flags) : RunGuest(store, *flags);
      },
      Restarts());
}

}  // namespace
}  // namespace tombolo::control

int main(int argc, char** argv) { return tombolo::control::Main(argc, argv); }

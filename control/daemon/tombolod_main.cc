// tombolod: the host daemon of one region, and of those that are made beside it. See `tombolod
// --help`.
//
// It runs under a holder (control/holder), or with the descriptor store of systemd, so that killing
// it costs nobody anything.

#include <signal.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/config/read_flags.h"
#include "control/daemon/daemon_flags.h"
#include "control/daemon/daemon_options.h"
#include "control/daemon/region_desk.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/holder/descriptor_store.h"
#include "control/holder/holder.h"
#include "control/holder/systemd_store.h"
#include "control/log/start_log.h"
#include "spdlog/spdlog.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr int kExitGood = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

// Machines and processes that join wait for a successor: it comes soon, also if it has died again
// and again, as long as that does not keep a processor busy.
constexpr RestartLimits kRestarts{
    .first_delay_ns = 20 * kNsPerMs, .longest_delay_ns = 100 * kNsPerMs, .stable_ns = kNsPerSecond};

int Fail(const absl::Status& status) {
  std::cerr << "error: " << status.message() << std::endl;
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed;
}

// Says to systemd that the loop turns, twice as often as it asks to be told (WatchdogSec=).
Watch FeedWatchdog(EventLoop& loop) {
  uint64_t patience_us = 0;
  if (sd_watchdog_enabled(0, &patience_us) <= 0) return {};
  return loop.Every(static_cast<int64_t>(patience_us / 2) * kNsPerUs,
                    [] { sd_notify(0, "WATCHDOG=1"); });
}

// What is done with the socket files at an orderly end: under systemd it may be the end of this
// version of the program only.
enum class SocketFiles { kRemove, kLeave };

int Run(const DaemonOptions& options, DescriptorStore& store, SocketFiles files) {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return Fail(loop.status());
  const auto stop = [loop = loop->get()] { loop->Stop(); };
  absl::StatusOr<Watch> terminate = (*loop)->WatchSignal(SIGTERM, stop);
  absl::StatusOr<Watch> interrupt = (*loop)->WatchSignal(SIGINT, stop);
  if (!terminate.ok()) return Fail(terminate.status());
  if (!interrupt.ok()) return Fail(interrupt.status());
  absl::StatusOr<std::unique_ptr<RegionDesk>> desk = RegionDesk::Start(**loop, store, options);
  if (!desk.ok()) return Fail(desk.status());
  const absl::StatusOr<Watch> reload =
      (*loop)->WatchSignal(SIGHUP, [desk = desk->get()] { desk->RenewTls(); });
  if (!reload.ok()) return Fail(reload.status());
  spdlog::info("{}", (*desk)->Describe());
  store.MarkReady();
  sd_notify(0, "READY=1");
  const Watch watchdog = FeedWatchdog(**loop);
  (*loop)->Run();
  sd_notify(0, "STOPPING=1");
  spdlog::info("stopping");
  if (files == SocketFiles::kRemove) (*desk)->End();
  return kExitGood;
}

int Serve(const DaemonFlags& flags, DescriptorStore& store, SocketFiles files) {
  StartLog("tombolod", flags.log_level);
  // The standard library's way to say that there is no thread to be had.
  try {
    return Run(flags.options, store, files);
  } catch (const std::system_error& error) {
    return Fail(absl::ResourceExhaustedError(absl::StrCat(
        "cannot start a thread: ", error.what(), ". Raise `ulimit -u`, or free some memory.")));
  }
}

int ServeUnderSystemd(const DaemonFlags& flags) {
  const absl::StatusOr<std::unique_ptr<SystemdStore>> store = SystemdStore::Open();
  return store.ok() ? Serve(flags, **store, SocketFiles::kLeave) : Fail(store.status());
}

int ServeUnderHolder(const DaemonFlags& flags) {
  return RunUnderHolder(
      [&flags](DescriptorStore& store) { return Serve(flags, store, SocketFiles::kRemove); },
      kRestarts);
}

int ServeAlone(const DaemonFlags& flags) {
  NullStore store;
  return Serve(flags, store, SocketFiles::kRemove);
}

// systemd tells its services of a store since version 254.
bool SystemdHasStore() {
  return getenv("NOTIFY_SOCKET") != nullptr && getenv("FDSTORE") != nullptr;
}

int Main(int argc, char** argv) {
  const auto flags = std::make_shared<DaemonFlags>();
  const std::optional<int> exit_code = ReadFlags(DeclareDaemonFlags(flags), argc, argv);
  if (exit_code) return *exit_code;
  // A peer that closes its socket is an answer, not a reason to die.
  signal(SIGPIPE, SIG_IGN);
  // Until it is watched: it asks for nothing that a daemon which starts does not do.
  signal(SIGHUP, SIG_IGN);
  if (flags->store == "none") return ServeAlone(*flags);
  const bool is_systemd =
      flags->store == "systemd" || (flags->store == "auto" && SystemdHasStore());
  return is_systemd ? ServeUnderSystemd(*flags) : ServeUnderHolder(*flags);
}

}  // namespace
}  // namespace tombolo::control

int main(int argc, char** argv) { return tombolo::control::Main(argc, argv); }

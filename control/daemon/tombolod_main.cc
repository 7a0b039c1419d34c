// tombolod: the host daemon of one region. See `tombolod --help`.

#include <signal.h>
#include <systemd/sd-daemon.h>

#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/daemon/daemon.h"
#include "control/daemon/daemon_options.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"

namespace tombolo::control {
namespace {

constexpr int kExitGood = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

constexpr char kDescription[] =
    "Serves one region of shared memory to the virtual machines and processes of this host.\n"
    "In the runtime folder: ivshmem.sock and slot-N.sock for QEMU, broker.sock for processes,\n"
    "control.sock for operators and guest.sock for guests (both gRPC).";

struct Flags {
  DaemonOptions options;
  std::string log_level = "info";
};

void Describe(CLI::App& app, Flags& flags) {
  RegionLimits& limits = flags.options.limits;
  app.set_version_flag("-V,--version", "tombolod 0.1.0");
  app.add_option("--runtime-dir", flags.options.runtime_dir, "folder of the sockets")
      ->capture_default_str();
  app.add_option("--size", limits.region_bytes, "bytes of the region, a power of two: 256M, 1G")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  app.add_option("--slots", limits.slot_count, "slots, the host's included")->capture_default_str();
  app.add_option("--vectors", limits.vector_count, "doorbells of each slot")->capture_default_str();
  app.add_option("--endpoints", limits.endpoint_count, "processes attached at once, in all slots")
      ->capture_default_str();
  app.add_flag("--huge-pages", flags.options.huge_pages,
               "take huge pages for the region, if enough are free");
  app.add_option("--log-level", flags.log_level, "how much to tell")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
}

void StartLog(const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("tombolod"));
  spdlog::set_level(spdlog::level::from_str(level));
}

int Fail(const absl::Status& status) {
  std::cerr << "error: " << status.message() << std::endl;
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed;
}

int Run(const DaemonOptions& options) {
  // A peer that closes its socket is an answer, not a reason to die.
  signal(SIGPIPE, SIG_IGN);
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return Fail(loop.status());
  const auto stop = [loop = loop->get()] { loop->Stop(); };
  absl::StatusOr<Watch> terminate = (*loop)->WatchSignal(SIGTERM, stop);
  absl::StatusOr<Watch> interrupt = (*loop)->WatchSignal(SIGINT, stop);
  if (!terminate.ok()) return Fail(terminate.status());
  if (!interrupt.ok()) return Fail(interrupt.status());
  absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(**loop, options);
  if (!daemon.ok()) return Fail(daemon.status());
  spdlog::info("{}", (*daemon)->Describe());
  sd_notify(0, "READY=1");
  (*loop)->Run();
  sd_notify(0, "STOPPING=1");
  spdlog::info("stopping");
  return kExitGood;
}

int Main(int argc, char** argv) {
  CLI::App app(kDescription, "tombolod");
  Flags flags;
  Describe(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitGood : kExitUsage;
  }
  StartLog(flags.log_level);
  // The standard library's way to say that there is no thread to be had.
  try {
    return Run(flags.options);
  } catch (const std::system_error& error) {
    return Fail(absl::ResourceExhaustedError(absl::StrCat(
        "cannot start a thread: ", error.what(), ". Raise `ulimit -u`, or free some memory.")));
  }
}

}  // namespace
}  // namespace tombolo::control

int main(int argc, char** argv) { return tombolo::control::Main(argc, argv); }

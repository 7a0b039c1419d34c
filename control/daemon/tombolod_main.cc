// tombolod: the host daemon of one region. See `tombolod --help`.

#include <signal.h>
#include <systemd/sd-daemon.h>

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
#include "control/daemon/daemon.h"
#include "control/daemon/daemon_flags.h"
#include "control/daemon/daemon_options.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/holder/descriptor_store.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"

namespace tombolo::control {
namespace {

constexpr int kExitGood = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

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
  NullStore store;
  absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(**loop, store, options);
  if (!daemon.ok()) return Fail(daemon.status());
  spdlog::info("{}", (*daemon)->Describe());
  sd_notify(0, "READY=1");
  (*loop)->Run();
  sd_notify(0, "STOPPING=1");
  spdlog::info("stopping");
  (*daemon)->RemoveSocketFiles();
  return kExitGood;
}

int Main(int argc, char** argv) {
  const auto flags = std::make_shared<DaemonFlags>();
  const std::optional<int> exit_code = ReadFlags(DeclareDaemonFlags(flags), argc, argv);
  if (exit_code) return *exit_code;
  StartLog(flags->log_level);
  // The standard library's way to say that there is no thread to be had.
  try {
    return Run(flags->options);
  } catch (const std::system_error& error) {
    return Fail(absl::ResourceExhaustedError(absl::StrCat(
        "cannot start a thread: ", error.what(), ". Raise `ulimit -u`, or free some memory.")));
  }
}

}  // namespace
}  // namespace tombolo::control

int main(int argc, char** argv) { return tombolo::control::Main(argc, argv); }

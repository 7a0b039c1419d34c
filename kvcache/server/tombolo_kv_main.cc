// tombolo-kv: a memcached whose items other processes read in place. See `tombolo-kv --help`.
#include <signal.h>
#include <systemd/sd-daemon.h>

#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "kvcache/client/file_reader.h"
#include "kvcache/server/guest_server.h"
#include "kvcache/server/kv_server.h"
#include "kvcache/server/process_setup.h"
#include "kvcache/server/server_flags.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"

namespace tombolo::kvcache {
namespace {

constexpr int kExitGood = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

// Of each worker, its connection to an owner among them, and of the whole: loops, log, memory file,
// sockets that listen.
constexpr uint64_t kDescriptorsOfWorker = 10;
constexpr uint64_t kOtherDescriptors = 64;

constexpr char kDescription[] =
    "Serves a cache by memcached's protocols: text with the meta commands, and binary, over TCP "
    "and "
    "a Unix socket.\nIts items lie in a file in memory, which other processes may map to read them "
    "in place, and from which the\nnext one goes on after a restart, an upgrade or kill -9. With "
    "--guest it serves what another one owns, in a virtual\nmachine too. Flags are memcached's "
    "where "
    "they mean the same.";

int Fail(const absl::Status& status) {
  std::cerr << "error: " << status.message() << std::endl;
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed;
}

void StartLog(uint32_t verbosity) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("tombolo-kv"));
  spdlog::set_level(verbosity == 0   ? spdlog::level::info
                    : verbosity == 1 ? spdlog::level::debug
                                     : spdlog::level::trace);
}

absl::Status PrepareProcess(const ServerFlags& flags, const ServerOptions& options) {
  // A client that closes its socket is an answer, not a reason to die; a terminal that goes away
  // neither.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  const uint64_t of_socket = options.owner_socket.empty() ? 0 : options.max_readers;
  // A doorbell of each.
  const uint64_t of_region = options.region_service.empty() ? 0 : options.max_readers;
  absl::Status status =
      RaiseDescriptorLimit(options.max_connections + of_socket + of_region +
                           options.threads * kDescriptorsOfWorker + kOtherDescriptors);
  status.Update(BecomeUser(flags.User()));
  if (status.ok() && flags.LocksMemory()) status = LockMemory();
  return status;
}

template <typename ServerType>
int Serve(const ServerFlags& flags, absl::StatusOr<std::unique_ptr<ServerType>> server) {
  if (!server.ok()) return Fail(server.status());
  PidFile pid_file;
  if (!flags.PidFilePath().empty()) {
    if (auto status = pid_file.Write(flags.PidFilePath()); !status.ok()) return Fail(status);
  }
  spdlog::info("{}", (*server)->Describe());
  sd_notify(0, "READY=1");
  (*server)->Run();
  sd_notify(0, "STOPPING=1");
  spdlog::info("stopping");
  return kExitGood;
}

int RunGuest(const ServerFlags& flags, const ServerOptions& options) {
  // Before root becomes somebody who may not open a device.
  const absl::StatusOr<FileReader> window = OpenWindow(*options.guest);
  if (!window.ok()) return Fail(window.status());
  if (absl::Status status = PrepareProcess(flags, options); !status.ok()) return Fail(status);
  return Serve(flags, GuestServer::Start(options, *window));
}

int Run(const ServerFlags& flags, const ServerOptions& options) {
  if (options.guest) return RunGuest(flags, options);
  if (absl::Status status = PrepareProcess(flags, options); !status.ok()) return Fail(status);
  return Serve(flags, KvServer::Start(options));
}

int Main(int argc, char** argv) {
  CLI::App app(kDescription, "tombolo-kv");
  ServerFlags flags;
  flags.Describe(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitGood : kExitUsage;
  }
  std::vector<std::string> warnings;
  const absl::StatusOr<ServerOptions> options = flags.Options(app, warnings);
  if (!options.ok()) return Fail(options.status());
  StartLog(options->verbosity);
  for (const std::string& warning : warnings) spdlog::warn("{}", warning);
  // The standard library's way to say that there is no thread to be had.
  try {
    return Run(flags, *options);
  } catch (const std::system_error& error) {
    return Fail(absl::ResourceExhaustedError(
        absl::StrCat("cannot start a thread: ", error.what(),
                     ". Raise `ulimit -u`, or ask for fewer with -t.")));
  }
}

}  // namespace
}  // namespace tombolo::kvcache

int main(int argc, char** argv) { return tombolo::kvcache::Main(argc, argv); }

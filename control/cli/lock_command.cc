#include "control/cli/lock_command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cli/own_endpoint.h"
#include "transport/base/clock.h"
#include "transport/base/errno_status.h"
#include "transport/base/units.h"
#include "transport/endpoint/endpoint.h"
#include "transport/layout/service_record.h"

namespace tombolo::control {
namespace {

constexpr char kOwnName[] = "tombolo-lock";
constexpr char kPlaceVariable[] = "TOMBOLO_PLACE";
// Nobody tells who waits that a place is free.
constexpr int kTryAgainMs = 50;

struct LockFlags {
  std::string name;
  uint32_t places = 1;
  double timeout_s = -1;
  std::vector<std::string> command;
};

// A place is a service that has one writer: the daemon gives it to one endpoint of all machines,
// and takes it away when that one is proven dead.
std::string ServiceOf(const LockFlags& flags, uint32_t place) {
  return flags.places == 1 ? absl::StrCat("lock/", flags.name)
                           : absl::StrCat("lock/", flags.name, "/", place);
}

// The place that was free; nothing: none is.
absl::StatusOr<std::optional<uint32_t>> TryTake(Endpoint& endpoint, const LockFlags& flags) {
  for (uint32_t place = 0; place < flags.places; ++place) {
    const absl::Status opened = endpoint.OpenService(ServiceOf(flags, place)).status();
    if (opened.ok()) return std::optional(place);
    if (!absl::IsAlreadyExists(opened)) return opened;
  }
  return std::optional<uint32_t>();
}

absl::StatusOr<uint32_t> Take(Endpoint& endpoint, const LockFlags& flags) {
  const int64_t begin_ns = MonotonicNs();
  const auto limit_ns = static_cast<int64_t>(flags.timeout_s * static_cast<double>(kNsPerSecond));
  for (;;) {
    const auto place = TryTake(endpoint, flags);
    if (!place.ok()) return place.status();
    if (*place) return **place;
    if (limit_ns >= 0 && MonotonicNs() - begin_ns >= limit_ns) {
      return absl::AbortedError(absl::StrCat(
          "others hold all ", flags.places, " places of '", flags.name, "' for ", flags.timeout_s,
          " s; `tombolo services` tells which endpoints, `tombolo peers` where they are."));
    }
    pollfd broker{.fd = endpoint.BrokerFd(), .events = POLLIN, .revents = 0};
    if (poll(&broker, 1, kTryAgainMs) > 0) {
      return absl::UnavailableError("the broker has gone while we waited; start again.");
    }
  }
}

absl::Status Run(const CliContext& context, const LockFlags& flags) {
  const size_t name_bytes = ServiceOf(flags, flags.places - 1).size();
  if (name_bytes >= kServiceNameBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the name '", flags.name, "' is ",
                                                   name_bytes - kServiceNameBytes + 1,
                                                   " characters too long."));
  }
  absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, kOwnName);
  if (!endpoint.ok()) return endpoint.status();
  const absl::StatusOr<uint32_t> place = Take(**endpoint, flags);
  if (!place.ok()) return place.status();
  // The endpoint is this process, and lives on in the command: as long as that runs, and not longer
  // whatever it dies of.
  if (fcntl((*endpoint)->BrokerFd(), F_SETFD, 0) != 0) return ErrnoStatus(errno, "fcntl");
  setenv(kPlaceVariable, std::to_string(*place).c_str(), 1);
  std::vector<char*> arguments;
  for (const std::string& word : flags.command) arguments.push_back(const_cast<char*>(word.data()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  return absl::FailedPreconditionError(
      ErrnoStatus(errno, absl::StrCat("start '", flags.command[0], "'")).message());
}

}  // namespace

void AddLockCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand(
      "lock",
      "Run a command while it holds a lock that all machines of the region share, or one of "
      "several "
      "places. The lock is the command's process: it is free when that has ended, however.");
  command->footer(
      "  tombolo lock backup -- rsync a b          one at a time, on all machines\n"
      "  tombolo lock --places 4 license -- solve  four at a time; TOMBOLO_PLACE is 0 to 3\n"
      "  tombolo lock --timeout 0 nightly -- job   exit code 1 if somebody has it\n"
      "  tombolo services --close lock/backup      forget the name, once nobody holds it");
  const auto flags = std::make_shared<LockFlags>();
  command->add_option("NAME", flags->name, "Of the lock")->required()->option_text(" ");
  command->add_option("COMMAND", flags->command, "What to run, and its arguments, behind --")
      ->required()
      ->option_text(" ");
  command->add_option("--places", flags->places, "How many may hold it at once (default 1)")
      ->option_text("N")
      ->check(CLI::Range(1u, kServiceCount));
  command->add_option("--timeout", flags->timeout_s, "Seconds to wait for it (default: for ever)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.0, 1e6));
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control

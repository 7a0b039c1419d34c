#include "control/cli/daemon_status.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

constexpr std::chrono::milliseconds kPatience{1'000};

// proc(5), /proc/PID/stat: the number is that of the field, counted from 1; the second is a name in
// brackets that may hold anything.
constexpr int kFirstFieldAfterName = 3;
constexpr int kStartTimeField = 22;

std::string ReadLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// In ticks since this machine booted.
std::optional<double> StartTicks(const std::string& stat) {
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int field = kFirstFieldAfterName; field < kStartTimeField; ++field) fields >> skipped;
  double ticks = 0;
  if (!(fields >> ticks)) return std::nullopt;
  return ticks;
}

std::optional<double> UptimeOf(const std::string& proc, pid_t pid) {
  const std::optional<double> start_ticks =
      StartTicks(ReadLine(absl::StrCat(proc, "/", pid, "/stat")));
  std::istringstream since_boot(ReadLine(proc + "/uptime"));
  double now_s = 0;
  if (!start_ticks || !(since_boot >> now_s)) return std::nullopt;
  return now_s - *start_ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

const char* Word(DaemonState state) {
  switch (state) {
    case DaemonState::kAnswers:
      return "answers";
    case DaemonState::kSilent:
      return "silent";
    case DaemonState::kAbsent:
      return "absent";
  }
  return "unknown";
}

DaemonStatus AskDaemon(const std::string& control_socket, const std::string& proc) {
  DaemonStatus status;
  const absl::StatusOr<UniqueFd> connection =
      ConnectUnix(control_socket, SOCK_STREAM | SOCK_NONBLOCK);
  if (!connection.ok()) {
    status.region = connection.status();
    return status;
  }
  const absl::StatusOr<ucred> server = PeerCredentials(connection->Get());
  if (server.ok()) {
    status.pid = server->pid;
    status.program = ReadLine(absl::StrCat(proc, "/", server->pid, "/comm"));
    status.uptime_s = UptimeOf(proc, server->pid);
  }
  status.region = ControlClient(control_socket, kPatience).GetRegion();
  status.state = status.region.ok() ? DaemonState::kAnswers : DaemonState::kSilent;
  return status;
}

DaemonStatus AskServer(ControlClient& client) {
  DaemonStatus status;
  status.region = client.GetRegion();
  status.state = status.region.ok() ? DaemonState::kAnswers : DaemonState::kAbsent;
  return status;
}

}  // namespace tombolo::control

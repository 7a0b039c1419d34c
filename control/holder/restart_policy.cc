#include "control/holder/restart_policy.h"

#include <sys/wait.h>

#include <algorithm>

namespace tombolo::control {
namespace {

constexpr int kSignalExitBase = 128;

}  // namespace

std::optional<int> RestartPolicy::Judge(const ChildEnd& end) {
  const int code = ExitCode(end.wait_status);
  const bool exited = WIFEXITED(end.wait_status);
  const bool is_final = code == 0 || code == limits_.final_code;
  if (end_asked_ || (exited && (is_final || !ever_ready_))) return code;
  const bool fresh = delay_ns_ == 0 || end.lived_ns >= limits_.stable_ns;
  delay_ns_ = fresh ? limits_.first_delay_ns : std::min(2 * delay_ns_, limits_.longest_delay_ns);
  return std::nullopt;
}

int RestartPolicy::ExitCode(int wait_status) {
  if (WIFEXITED(wait_status)) return WEXITSTATUS(wait_status);
  return kSignalExitBase + WTERMSIG(wait_status);
}

}  // namespace tombolo::control

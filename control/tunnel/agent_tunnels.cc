#include "control/tunnel/agent_tunnels.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tombolo::control {
namespace {

TunnelOptions NoTunnels(const std::string& runtime_dir) {
  TunnelOptions options;
  options.broker_socket = absl::StrCat(runtime_dir, "/broker.sock");
  return options;
}

absl::Status AddAllowed(const std::vector<std::string>& allowed, TunnelOptions& options) {
  for (const std::string& text : allowed) {
    absl::StatusOr<AllowRule> rule = ParseAllowRule(text);
    if (!rule.ok()) return rule.status();
    options.allowed.push_back(*std::move(rule));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TunnelOptions> GuestTunnels(const std::string& runtime_dir,
                                           const std::vector<std::string>& forwards,
                                           const std::vector<std::string>& allowed) {
  TunnelOptions options = NoTunnels(runtime_dir);
  std::vector<std::string> all = forwards;
  all.push_back(absl::StrCat("unix:", runtime_dir, "/control.sock=", kControlService));
  for (const std::string& text : all) {
    absl::StatusOr<ForwardRule> rule = ParseForwardRule(text);
    if (!rule.ok()) return rule.status();
    options.forwards.push_back(*std::move(rule));
  }
  if (absl::Status status = AddAllowed(allowed, options); !status.ok()) return status;
  return options;
}

absl::StatusOr<TunnelOptions> HostTunnels(const std::string& runtime_dir,
                                          const std::vector<std::string>& allowed) {
  TunnelOptions options = NoTunnels(runtime_dir);
  std::vector<std::string> all = allowed;
  all.push_back(absl::StrCat(kControlService, "=unix:", runtime_dir, "/guest.sock"));
  if (absl::Status status = AddAllowed(all, options); !status.ok()) return status;
  return options;
}

}  // namespace tombolo::control

// What the commands of `tombolo` share.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "control/client/control_client.h"
#include "control/client/remote_daemon.h"
#include "control/tls/tls_files.h"

namespace tombolo::control {

struct CliContext {
  std::string runtime_dir = "/run/tombolo";

  // The chosen command, set while the command line is read and run afterwards.
  std::function<absl::Status()> run;

  // Whether what the command line leaves open is to be found before: not for a command that looks
  // at the configuration itself.
  bool needs_config = true;

  // Of a daemon on another machine, and our own; empty: the one at the runtime folder.
  std::string server;
  TlsFiles tls;

  // Whether the chosen command goes without the machine itself, so that there may be a `server`.
  bool reaches_servers = false;

  std::string ControlSocket() const { return runtime_dir + "/control.sock"; }

  // Of the daemon that is asked, for commands that reach servers.
  ControlClient Client() const {
    return server.empty() ? ControlClient(ControlSocket())
                          : ControlClient(RemoteDaemon{server, tls});
  }
};

}  // namespace tombolo::control

// RemoteDaemon: a tombolod on another machine, and what proves to it who asks.
#pragma once

#include <string>

#include "control/tls/tls_files.h"

namespace tombolo::control {

struct RemoteDaemon {
  std::string address;  // HOST:PORT, where its certificate names HOST.
  TlsFiles tls;
};

}  // namespace tombolo::control

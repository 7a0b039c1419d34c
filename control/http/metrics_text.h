// What Prometheus reads. docs/monitoring.md lists the metrics.
//
// Names and units follow Prometheus' rules: a prefix, base units, `_total` for what only grows.
// Labels have few values: at most 256 slots and the words of fixed lists. What guests choose, as
// the names of their processes, is no label.
#pragma once

#include <string>

#include "control/http/daemon_status.h"

namespace tombolo::control {

// In Prometheus' text format.
std::string MetricsText(const DaemonStatus& status);

}  // namespace tombolo::control

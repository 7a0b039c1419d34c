// Holder: a tiny parent process without logic that keeps the descriptors of a broker, so that the
// broker can be killed, or crash, and come back with region, device, listeners and clients as they
// were.
//
// RunUnderHolder() forks. The child runs the broker and deposits descriptors through its
// DescriptorStore; when it dies unasked, the next child is forked and finds them open. A fork and
// not an exec, so that there is nothing to hand over and nothing that could fail on the way.
//
// SIGTERM and SIGINT end it: they are forwarded to the child, which is awaited. SIGHUP is forwarded
// only. When restart_policy.h says so, the child's exit code becomes the holder's.
//
// When the holder itself dies, the child lives on, and says so: to end would cost every virtual
// machine its device and every endpoint its broker for nothing. When both are dead, sockets close,
// and endpoints know by that. Both are in one process group (and in one control group under
// systemd), so killing the group kills both.
//
// It must be called before the process has started any thread.
#pragma once

#include <functional>

#include "control/holder/descriptor_store.h"
#include "control/holder/restart_policy.h"

namespace tombolo::control {

using ChildMain = std::function<int(DescriptorStore& store)>;

// Runs `child_main` under a holder. Returns in both processes, and in each what it is to exit with.
int RunUnderHolder(const ChildMain& child_main, const RestartLimits& limits = {});

}  // namespace tombolo::control

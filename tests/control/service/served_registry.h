// A registry, its view and a real ControlServer in a folder of their own, as in the daemon. The
// test's thread plays the event loop. No gRPC in this header.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "control/registry/registry.h"
#include "control/service/control_server.h"
#include "control/service/membership_view.h"
#include "tests/support/temp_dir.h"

namespace tombolo::control {

inline constexpr char kTestRegionUuid[] = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";
inline constexpr uint64_t kTestFreeBytes = 123 << 20;

class ServedRegistry {
 public:
  // The host is in slot 0 and ready: revision 2. Nothing is served yet.
  explicit ServedRegistry(const RegistryLimits& limits = {});

  // Serves operators at control.sock and guests at guest.sock.
  absl::Status Serve();

  // Plugs a device into `slot` and says hello there.
  void PlugReady(uint32_t slot, const std::string& boot_id = "boot");

  Registry& Members() { return registry_; }
  MembershipView& View() { return view_; }
  ControlServer& Server() { return *server_; }
  std::string Folder() const { return folder_; }
  std::string OperatorPath() const { return folder_ + "/control.sock"; }
  std::string GuestPath() const { return folder_ + "/guest.sock"; }

 private:
  const TempDir temp_;  // Outlives the server, whose sockets are there.
  const std::string folder_ = temp_.File("run");
  Registry registry_;
  MembershipView view_;
  std::unique_ptr<ControlServer> server_;
};

}  // namespace tombolo::control

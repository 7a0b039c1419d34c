// SystemdStore: the descriptor store of systemd's service manager (sd_pid_notify_with_fds(3)), for
// a program that is the main process of a unit with
//
//   Type=notify, NotifyAccess=main, FileDescriptorStoreMax= as many as it stores, Restart=always
//
// It survives the process and also `systemctl restart`, so that a new version of the program can
// take over; `systemctl stop` empties it. A deposit is a datagram to the manager, which reads all
// of them before it looks at who has died.
//
// The manager says nothing back: a store that is too small (FileDescriptorStoreMax=) loses what
// does not fit, which is seen here only where it tells its size ($FDSTORE, since systemd 254).
// Thread safety: none.
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/holder/descriptor_store.h"

namespace tombolo::control {

class SystemdStore final : public DescriptorStore {
 public:
  // Takes what the manager has passed on ($LISTEN_FDS), and clears its variables. Once in a
  // process. FailedPrecondition: there is no such manager.
  static absl::StatusOr<std::unique_ptr<SystemdStore>> Open();

  // ResourceExhausted: one more could not be passed on. The names of all are one variable of the
  // environment, which Linux limits to 128 KiB.
  absl::Status Store(std::string_view name, int fd) override;
  absl::Status Remove(std::string_view name) override;
  NamedDescriptors Take() override { return std::exchange(inherited_, {}); }

  // The manager restarts whatever fails: it has its own limits (StartLimitBurst=).
  void MarkReady() override {}

 private:
  explicit SystemdStore(size_t most_descriptors) : most_descriptors_(most_descriptors) {}

  void TakePassed();
  absl::Status CheckRoom(std::string_view name) const;

  const size_t most_descriptors_;
  NamedDescriptors inherited_;
  std::set<std::string, std::less<>> names_;  // Of all that are stored.
  size_t names_bytes_ = 0;
};

}  // namespace tombolo::control

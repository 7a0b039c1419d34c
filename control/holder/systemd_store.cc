#include "control/holder/systemd_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include <charconv>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

// MAX_ARG_STRLEN of Linux is 128 KiB; the variable has a name too.
constexpr size_t kMostNamesBytes = 127 * 1024;

// FDPOLL=0: a socket whose other end has closed is to be found by the successor, not dropped.
constexpr char kStoreMessage[] = "FDSTORE=1\nFDPOLL=0\nFDNAME=";
constexpr char kRemoveMessage[] = "FDSTOREREMOVE=1\nFDNAME=";

// $FDSTORE; as many as one likes where the manager does not say.
size_t MostDescriptors() {
  const char* text = getenv("FDSTORE");
  size_t most = 0;
  if (text == nullptr) return SIZE_MAX;
  const auto [end, error] = std::from_chars(text, text + strlen(text), most);
  return error == std::errc() && *end == '\0' ? most : SIZE_MAX;
}

absl::Status Notify(const std::string& message, const int* fd) {
  const int sent = sd_pid_notify_with_fds(0, 0, message.c_str(), fd, fd == nullptr ? 0 : 1);
  if (sent > 0) return absl::OkStatus();
  // 0: the variable with the address of the manager was taken away meanwhile.
  return ErrnoStatus(sent == 0 ? ENOTCONN : -sent, "talk to systemd's descriptor store");
}

}  // namespace

absl::StatusOr<std::unique_ptr<SystemdStore>> SystemdStore::Open() {
  if (getenv("NOTIFY_SOCKET") == nullptr) {
    return absl::FailedPreconditionError(
        "there is no descriptor store of systemd here ($NOTIFY_SOCKET is not set): start this "
        "program by a unit with Type=notify and FileDescriptorStoreMax=, or choose "
        "--store holder.");
  }
  std::unique_ptr<SystemdStore> store(new SystemdStore(MostDescriptors()));
  store->TakePassed();
  return store;
}

void SystemdStore::TakePassed() {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  for (int i = 0; i < count; ++i) {
    UniqueFd fd(SD_LISTEN_FDS_START + i);
    const std::string name = names[i];
    free(names[i]);
    if (names_.insert(name).second) names_bytes_ += name.size() + 1;
    inherited_.insert_or_assign(name, std::move(fd));
  }
  free(names);
}

absl::Status SystemdStore::CheckRoom(std::string_view name) const {
  if (names_.size() >= most_descriptors_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("systemd's store is full with ", names_.size(),
                     " descriptors; raise FileDescriptorStoreMax= in the unit, or ask for fewer "
                     "--slots or --vectors."));
  }
  if (names_bytes_ + name.size() + 1 <= kMostNamesBytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("systemd can pass on no more than the ", names_.size(),
                   " descriptors that are stored; ask for fewer --slots, --vectors or --endpoints, "
                   "or choose --store holder."));
}

absl::Status SystemdStore::Store(std::string_view name, int fd) {
  if (name.empty() || name.size() > kMaxDescriptorNameBytes || fd < 0) {
    return absl::InvalidArgumentError(absl::StrCat("descriptor ", fd, " with a name of ",
                                                   name.size(), " bytes cannot be stored; at most ",
                                                   kMaxDescriptorNameBytes, " are kept."));
  }
  // The manager keeps several of one name.
  if (auto status = Remove(name); !status.ok()) return status;
  if (auto status = CheckRoom(name); !status.ok()) return status;
  if (auto status = Notify(kStoreMessage + std::string(name), &fd); !status.ok()) return status;
  names_.emplace(name);
  names_bytes_ += name.size() + 1;
  return absl::OkStatus();
}

absl::Status SystemdStore::Remove(std::string_view name) {
  const auto found = names_.find(name);
  if (found == names_.end()) return absl::OkStatus();
  if (auto status = Notify(kRemoveMessage + *found, nullptr); !status.ok()) return status;
  names_bytes_ -= found->size() + 1;
  names_.erase(found);
  return absl::OkStatus();
}

}  // namespace tombolo::control

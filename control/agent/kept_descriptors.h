// How the descriptors of an agent's device are named in its holder's store.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "control/holder/descriptor_store.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

// Stored last: when it is there, all of the device is.
inline constexpr char kKeptComplete[] = "device/complete";

inline std::string KeptVectorName(size_t vector) { return absl::StrCat("device/vector/", vector); }

inline std::vector<UniqueFd> TakeVectors(NamedDescriptors& inherited) {
  std::vector<UniqueFd> eventfds;
  while (true) {
    UniqueFd eventfd = TakeOut(inherited, KeptVectorName(eventfds.size()));
    if (!eventfd.IsOpen()) return eventfds;
    eventfds.push_back(std::move(eventfd));
  }
}

inline absl::Status KeepVectors(const std::vector<UniqueFd>& eventfds, DescriptorStore& store) {
  for (size_t i = 0; i < eventfds.size(); ++i) {
    if (auto status = store.Store(KeptVectorName(i), eventfds[i].Get()); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

inline std::vector<int> Raw(const std::vector<UniqueFd>& fds) {
  std::vector<int> raw;
  for (const UniqueFd& fd : fds) raw.push_back(fd.Get());
  return raw;
}

}  // namespace tombolo::control

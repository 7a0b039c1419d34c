// DescriptorStore: where a broker leaves descriptors that must outlive it, by name: the region, the
// device, eventfds, listeners, its clients' sockets and pidfds. Its successor finds them with
// Take().
//
// In spirit the descriptor store of systemd, and implemented by that (systemd_store.h), by the
// holder (holder.h), by LocalStore and by NullStore below. systemd keeps an open file under one
// name only: who may run under it does not store it under a second one.
//
// Thread safety: none, unless an implementation says so.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

inline constexpr size_t kMaxDescriptorNameBytes = 119;

using NamedDescriptors = std::map<std::string, UniqueFd, std::less<>>;

// Moves what is called `name` out of `from`; a descriptor that is not open, if there is none.
inline UniqueFd TakeOut(NamedDescriptors& from, std::string_view name) {
  const auto found = from.find(name);
  if (found == from.end()) return UniqueFd();
  UniqueFd fd = std::move(found->second);
  from.erase(found);
  return fd;
}

class DescriptorStore {
 public:
  virtual ~DescriptorStore() = default;

  // Keeps a copy of `fd` under `name`, in place of what was kept there. Once it has returned good,
  // the copy survives this process, whenever it dies. `name`: 1 to kMaxDescriptorNameBytes bytes,
  // else InvalidArgument. `fd` stays the caller's.
  virtual absl::Status Store(std::string_view name, int fd) = 0;

  // Drops what is kept under `name`; good when there is nothing.
  virtual absl::Status Remove(std::string_view name) = 0;

  // What the predecessor of this process had stored and not removed; each call after the first
  // gives nothing. The store goes on keeping its own copies.
  virtual NamedDescriptors Take() = 0;

  // Says that this process serves. Until the first of its kind has said so, an exit with an error
  // is a failed start and not repeated.
  virtual void MarkReady() = 0;
};

// Keeps nothing.
class NullStore final : public DescriptorStore {
 public:
  absl::Status Store(std::string_view, int) override { return absl::OkStatus(); }
  absl::Status Remove(std::string_view) override { return absl::OkStatus(); }
  NamedDescriptors Take() override { return {}; }
  void MarkReady() override {}
};

}  // namespace tombolo::control

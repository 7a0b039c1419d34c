// HolderStore: the child's side of its holder.
//
// When the holder is gone, Store and Remove succeed without effect, and say so once on stderr: the
// child goes on serving, only the next death will be felt (holder.h tells why).
#pragma once

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "control/holder/descriptor_store.h"
#include "control/holder/holder_protocol.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

class HolderStore final : public DescriptorStore {
 public:
  // `socket`: the child's end of the pair. `inherited`: what the former child had stored.
  HolderStore(UniqueFd socket, NamedDescriptors inherited)
      : socket_(std::move(socket)), inherited_(std::move(inherited)) {}

  absl::Status Store(std::string_view name, int fd) override;
  absl::Status Remove(std::string_view name) override;
  NamedDescriptors Take() override { return std::exchange(inherited_, {}); }
  void MarkReady() override;

 private:
  absl::Status Send(HolderOp op, std::string_view name, int fd);

  const UniqueFd socket_;
  NamedDescriptors inherited_;
  bool orphaned_ = false;
};

}  // namespace tombolo::control

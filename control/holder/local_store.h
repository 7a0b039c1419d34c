// LocalStore: a DescriptorStore within one process, so that a test can end a broker and begin its
// successor without forking.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "control/holder/descriptor_store.h"

namespace tombolo::control {

class LocalStore final : public DescriptorStore {
 public:
  absl::Status Store(std::string_view name, int fd) override;
  absl::Status Remove(std::string_view name) override;

  // Copies of what is kept now, in every call: each caller is the next successor.
  NamedDescriptors Take() override;
  void MarkReady() override { ready_ = true; }

  bool IsReady() const { return ready_; }
  const NamedDescriptors& Kept() const { return kept_; }

 private:
  NamedDescriptors kept_;
  bool ready_ = false;
};

}  // namespace tombolo::control

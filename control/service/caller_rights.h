// CallerRights: what those may do who are served by one gRPC server. Who they are was looked at
// when they connected (control_server.h), never in a call.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "control/service/admin_actions.h"

namespace tombolo::control {

class CallerRights {
 public:
  static CallerRights OfAdministrators(AdminActions& actions) { return {&actions, ""}; }

  // `refusal`: what they are told when they ask for what administrators may.
  static CallerRights OfReaders(std::string refusal) { return {nullptr, std::move(refusal)}; }

  bool MayAdminister() const { return actions_ != nullptr; }

  // Only for administrators.
  AdminActions& Actions() const { return *actions_; }

  // PermissionDenied unless they are administrators.
  absl::Status Check() const {
    return MayAdminister() ? absl::OkStatus() : absl::PermissionDeniedError(refusal_);
  }

 private:
  CallerRights(AdminActions* actions, std::string refusal)
      : actions_(actions), refusal_(std::move(refusal)) {}

  AdminActions* actions_;
  std::string refusal_;
};

}  // namespace tombolo::control

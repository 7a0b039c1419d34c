#include "control/agent/agent_copies.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "control/copy/folders.h"
#include "control/copy/frames.h"

namespace tombolo::control {

std::vector<std::string> AllowedServices(const AgentFlags& flags) {
  std::vector<std::string> allowed = flags.allows;
  if (!flags.copy_folders.empty()) {
    allowed.push_back(absl::StrCat(kCopyService, "=unix:", CopySocket(flags.runtime_dir)));
  }
  return allowed;
}

absl::StatusOr<std::unique_ptr<CopyServer>> StartCopies(const AgentFlags& flags) {
  if (flags.copy_folders.empty()) return nullptr;
  std::vector<FolderRule> rules;
  for (const std::string& text : flags.copy_folders) {
    absl::StatusOr<FolderRule> rule = ParseFolderRule(text);
    if (!rule.ok()) return rule.status();
    rules.push_back(*std::move(rule));
  }
  return CopyServer::Start(CopySocket(flags.runtime_dir), rules);
}

}  // namespace tombolo::control

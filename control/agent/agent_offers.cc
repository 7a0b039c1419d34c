#include "control/agent/agent_offers.h"

#include "absl/strings/str_cat.h"
#include "control/offers/offer_messages.h"

namespace tombolo::control {

std::vector<std::string> OffersOf(const AgentFlags& flags) {
  std::vector<std::string> offers;
  for (const std::string& rule : flags.allows) {
    offers.push_back(absl::StrCat(kTunnelOffer, " ", rule.substr(0, rule.find('='))));
  }
  for (const std::string& folder : flags.copy_folders) {
    const bool has_mode = folder.ends_with(":ro") || folder.ends_with(":rw");
    offers.push_back(absl::StrCat(kFilesOffer, " ", folder, has_mode ? "" : ":ro"));
  }
  return offers;
}

}  // namespace tombolo::control

// What an agent tells others that it offers, from its command line.
#pragma once

#include <string>
#include <vector>

#include "control/agent/agent_flags.h"

namespace tombolo::control {

// As control/offers/offer_messages.h has it: the services of --allow, without where they lead, and
// the folders of --allow-copy.
std::vector<std::string> OffersOf(const AgentFlags& flags);

}  // namespace tombolo::control

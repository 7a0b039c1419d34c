// `tombolo net status`: what the member table says of networks over the region.
#pragma once

#include <string>

#include "transport/region/region.h"

namespace tombolo::control {

std::string NetTable(const Region& region);
std::string NetJson(const Region& region);

}  // namespace tombolo::control

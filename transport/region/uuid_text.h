// A region's uuid as people read it.
#pragma once

#include <string>

#include "transport/region/region.h"

namespace tombolo {

// As in "1b4e28ba-2fa1-41d2-883f-0016d3cca427".
std::string UuidText(const RegionUuid& uuid);

}  // namespace tombolo

// One pass over what endpoints tell strangers: their lines, link directories and links.
#pragma once

#include "transport/fsck/findings.h"
#include "transport/fsck/owner_table.h"
#include "transport/region/region.h"

namespace tombolo {

// Steps: at most one per pair of endpoints.
void ScanLinks(const Region& region, const OwnerTable& owners, Findings& findings);

}  // namespace tombolo

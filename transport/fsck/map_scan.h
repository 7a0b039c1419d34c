// One pass over the extent map: which class each extent is of, and whether runs are whole.
#pragma once

#include <span>

#include "transport/fsck/findings.h"
#include "transport/fsck/owner_table.h"
#include "transport/fsck/region_report.h"
#include "transport/layout/shared_word.h"

namespace tombolo {

// Fills in the classes of `report` and what each of `owners` holds. Steps: one per word.
void ScanMap(std::span<const SharedU64> words, OwnerTable& owners, RegionReport& report,
             Findings& findings);

}  // namespace tombolo

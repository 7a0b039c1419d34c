// The counters of the region as metrics, by slot.
#pragma once

#include "control/http/ledger.h"
#include "control/http/metric_families.h"

namespace tombolo::control {

// Appends a family for each counter; those of peers whose words made no sense share one.
void AddSlotMetrics(const Totals& totals, MetricFamilies& families);

}  // namespace tombolo::control

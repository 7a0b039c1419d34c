#include "control/cli/ping_summary.h"

#include <stdio.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tombolo::control {

std::string Microseconds(int64_t ns) {
  char text[32];
  snprintf(text, sizeof(text), "%.1f us", static_cast<double>(ns) / 1000);
  return text;
}

std::string PingSummary(uint32_t asked, std::vector<int64_t> round_trips_ns) {
  std::string summary = absl::StrCat(asked, " asked, ", round_trips_ns.size(), " answered");
  if (round_trips_ns.empty()) return summary;
  std::sort(round_trips_ns.begin(), round_trips_ns.end());
  absl::StrAppend(&summary, "; round trip min ", Microseconds(round_trips_ns.front()), ", median ",
                  Microseconds(round_trips_ns[round_trips_ns.size() / 2]), ", max ",
                  Microseconds(round_trips_ns.back()));
  return summary;
}

std::string PingJson(uint32_t slot, uint32_t asked, const std::vector<int64_t>& round_trips_ns) {
  return absl::StrCat("{\"schema\":1,\"slot\":", slot, ",\"asked\":", asked,
                      ",\"answered\":", round_trips_ns.size(), ",\"round_trips_ns\":[",
                      absl::StrJoin(round_trips_ns, ","), "]}");
}

}  // namespace tombolo::control

#include "control/http/region_board.h"

#include "control/registry/membership.h"

namespace tombolo::control {

RegionSummary Summarise(const std::string& name, const MembershipView& view) {
  RegionSummary summary{.name = name, .info = view.Region()};
  for (const PeerInfo& peer : view.Snapshot().peers) {
    if (peer.kind == PeerKind::kVm) ++summary.virtual_machines;
    summary.endpoints += static_cast<uint32_t>(peer.endpoints.size());
  }
  summary.services = static_cast<uint32_t>(view.Services().services.size());
  return summary;
}

void RegionBoard::Put(const std::string& name, const MembershipView& view) {
  const std::lock_guard<std::mutex> lock(mutex_);
  entries_[name] = {.view = &view, .problem = {}};
}

void RegionBoard::PutProblem(const std::string& name, const std::string& problem) {
  const std::lock_guard<std::mutex> lock(mutex_);
  entries_[name] = {.view = nullptr, .problem = problem};
}

void RegionBoard::Remove(const std::string& name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  entries_.erase(name);
}

std::vector<RegionSummary> RegionBoard::Read() const {
  std::vector<RegionSummary> regions;
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [name, entry] : entries_) {
    regions.push_back(entry.view == nullptr ? RegionSummary{.name = name, .problem = entry.problem}
                                            : Summarise(name, *entry.view));
  }
  return regions;
}

}  // namespace tombolo::control

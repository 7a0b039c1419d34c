// RegionBoard: what all regions of one program are like, for who tells of it in another thread.
//
// Whoever serves a region puts its view here and takes it away before the view ends. A region that
// is kept but cannot be served is here with the reason.
//
// Thread safety: any thread. Read() copies under the lock that Remove() takes, so that nobody looks
// at a view that has ended; it counts what is free, well below a millisecond for each GiB.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "control/registry/region_info.h"
#include "control/service/membership_view.h"

namespace tombolo::control {

struct RegionSummary {
  std::string name;
  std::string problem = {};  // Why it is not served; empty: it is. All below only where it is.
  RegionInfo info = {};
  uint32_t virtual_machines = 0;
  uint32_t endpoints = 0;
  uint32_t services = 0;
};

RegionSummary Summarise(const std::string& name, const MembershipView& view);

class RegionBoard {
 public:
  // It is served; `view` is there until Remove().
  void Put(const std::string& name, const MembershipView& view);

  // It is not served, for that reason.
  void PutProblem(const std::string& name, const std::string& problem);

  void Remove(const std::string& name);

  // By name.
  std::vector<RegionSummary> Read() const;

 private:
  struct Entry {
    const MembershipView* view = nullptr;
    std::string problem;
  };

  mutable std::mutex mutex_;  // Guards entries_.
  std::map<std::string, Entry> entries_;
};

}  // namespace tombolo::control

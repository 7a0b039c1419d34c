// What admin.proto tells, in plain values, for those who know no protobuf. admin.proto says what
// each means.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "control/registry/region_info.h"

namespace tombolo::control {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError, kOff };

struct Remaining {
  uint32_t virtual_machines = 0;
  uint32_t endpoints = 0;

  friend bool operator==(const Remaining&, const Remaining&) = default;
};

struct FsckViolation {
  std::string kind;
  uint32_t index = 0;
  uint64_t extents = 0;
  std::string text;

  friend bool operator==(const FsckViolation&, const FsckViolation&) = default;
};

struct FsckSummary {
  uint64_t membership_epoch = 0;
  uint64_t extent_bytes = 0;
  uint64_t extents = 0;  // The sum of the six below.
  uint64_t free_extents = 0;
  uint64_t owned_extents = 0;
  uint64_t quarantine_extents = 0;
  uint64_t service_extents = 0;
  uint64_t lost_extents = 0;
  uint64_t changing_extents = 0;
  std::vector<FsckViolation> violations;
  uint64_t violations_left_out = 0;

  friend bool operator==(const FsckSummary&, const FsckSummary&) = default;
};

struct EventCounts {
  uint64_t joined = 0;
  uint64_t ready = 0;
  uint64_t rebooted = 0;
  uint64_t left = 0;
  uint64_t attached = 0;
  uint64_t gone = 0;

  friend bool operator==(const EventCounts&, const EventCounts&) = default;
};

struct DaemonStatistics {
  std::string version;
  int64_t started_unix_ns = 0;
  LogLevel log_level = LogLevel::kInfo;
  bool draining = false;
  RegionInfo region;
  Remaining present;
  uint32_t dead_endpoints = 0;
  uint32_t services = 0;
  EventCounts events;
  std::map<uint32_t, std::map<std::string, uint64_t>> slots;  // Counters by slot and name.
  double cpu_seconds = 0;
  uint64_t resident_bytes = 0;
  uint64_t open_descriptors = 0;
  uint64_t max_descriptors = 0;

  friend bool operator==(const DaemonStatistics&, const DaemonStatistics&) = default;
};

}  // namespace tombolo::control

// Measurement: one thing that two pinned processes do together, and the number that it yields.
//
// Made before the processes part (pair.h), so that both have it with the same parameters and share
// the descriptors and SharedBlocks that its constructor made. Mappings of a region are not
// inherited: Prepare() makes those.
#pragma once

#include <string>
#include <utility>

namespace tombolo::bench {

enum class Side { kLead, kFollow };

class Measurement {
 public:
  // `name`: unique in a run, parts separated by '/'. `unit`: of what Lead() gives.
  Measurement(std::string name, std::string unit)
      : name_(std::move(name)), unit_(std::move(unit)) {}
  virtual ~Measurement() = default;
  Measurement(const Measurement&) = delete;
  Measurement& operator=(const Measurement&) = delete;

  const std::string& Name() const { return name_; }
  const std::string& Unit() const { return unit_; }

  // Once in each process, one side after the other, before the first round.
  virtual void Prepare(Side) {}

  // One short repetition; both sides enter at the same time. A millisecond or so, well below a time
  // slice: most repetitions are then undisturbed even on a machine with other work, and the median
  // does not see the rest.
  virtual double Lead() = 0;
  virtual void Follow() {}

 private:
  std::string name_;
  std::string unit_;
};

}  // namespace tombolo::bench

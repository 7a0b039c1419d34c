// Findings: the violations that one look at a region has found, in the order of looking.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "transport/fsck/region_report.h"

namespace tombolo {

// A hash of words: the evidence of a violation.
class Evidence {
 public:
  Evidence& Add(uint64_t word) {
    // A multiplicative hash: enough to tell two looks at the same words apart.
    hash_ = (hash_ ^ word) * 0x9e3779b97f4a7c15;
    hash_ ^= hash_ >> 29;
    return *this;
  }
  uint64_t Hash() const { return hash_; }

 private:
  uint64_t hash_ = 0;
};

class Findings {
 public:
  void Add(ViolationKind kind, uint32_t index, const Evidence& evidence, std::string text,
           uint64_t extents = 0) {
    if (violations_.size() == kMaxViolations) {
      ++left_out_;
      return;
    }
    violations_.push_back({kind, index, extents, evidence.Hash(), std::move(text)});
  }

  const std::vector<Violation>& All() const { return violations_; }
  uint64_t LeftOut() const { return left_out_; }

 private:
  std::vector<Violation> violations_;
  uint64_t left_out_ = 0;
};

}  // namespace tombolo

// HostileLoads: while one lives, every load of a shared word gives what the fuzzer likes; its input
// says after how many loads it lies again, and how. At the end of the input all loads tell the
// truth, so whatever loops until a peer has changed its mind comes to an end.
//
// Unless a fuzz target was started with --hostile it does nothing, and takes nothing from the
// input.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/input.h"
#include "transport/layout/hostile_source.h"

namespace tombolo::fuzz {

// Set once, before the first input.
inline bool loads_are_hostile = false;

#ifdef TOMBOLO_HOSTILE_LOADS

class HostileLoads final : public HostileSource {
 public:
  explicit HostileLoads(Input& input) : input_(input), before_(hostile_source) {
    if (loads_are_hostile) hostile_source = this;
  }
  ~HostileLoads() override { hostile_source = before_; }
  HostileLoads(const HostileLoads&) = delete;
  HostileLoads& operator=(const HostileLoads&) = delete;

  uint64_t Load(uint64_t truth, size_t) override {
    if (input_.IsEmpty()) return truth;
    if (truths_left_ != 0) {
      --truths_left_;
      return truth;
    }
    truths_left_ = input_.Below(kMostTruths);
    return last_lie_ = Lie(truth);
  }

 private:
  static constexpr uint32_t kMostTruths = 64;

  uint64_t Lie(uint64_t truth) {
    switch (input_.Below(8)) {
      case 0:
        return input_.Number<uint64_t>();
      case 1:
        return truth ^ uint64_t { 1 } << input_.Below(64);
      case 2:
        return truth + input_.Byte();
      case 3:
        return truth - input_.Byte();
      case 4:
        return 0;
      case 5:
        return ~uint64_t{0};
      case 6:
        return last_lie_;
      default:
        return input_.Byte();
    }
  }

  Input& input_;
  HostileSource* before_;
  uint32_t truths_left_ = 0;
  uint64_t last_lie_ = 0;
};

#else

class HostileLoads {
 public:
  explicit HostileLoads(Input&) {}
  ~HostileLoads() {}  // Not trivial, so that a variable of this type counts as used.
};

#endif

}  // namespace tombolo::fuzz

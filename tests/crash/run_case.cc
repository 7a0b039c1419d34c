#include "tests/crash/run_case.h"

#include <string.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/crash/aftermath.h"
#include "tests/crash/stepper.h"

namespace tombolo::crash {
namespace {

// With a stride the points of a long operation lie further and further apart, but not more than
// this part of what came before.
constexpr uint64_t kLeastPoints = 32;

// Tells whether the region has changed since it was last asked.
class ChangeDetector {
 public:
  explicit ChangeDetector(std::span<const std::byte> memory)
      : memory_(memory), before_(memory.begin(), memory.end()) {}

  bool Changed() {
    if (memcmp(memory_.data(), before_.data(), memory_.size()) == 0) return false;
    memcpy(before_.data(), memory_.data(), memory_.size());
    return true;
  }

 private:
  const std::span<const std::byte> memory_;
  std::vector<std::byte> before_;
};

class CaseRun {
 public:
  CaseRun(const Case& which, uint64_t stride) : which_(which), stride_(stride) {
    which_.prepare(scene_);
    changes_ = std::make_unique<ChangeDetector>(scene_.world.Memory());
    victim_ = std::make_unique<Stepper>([this] { which_.operate(scene_); });
  }

  Tally Run() {
    bool is_edge = true;  // Something happened just before, or happens just now.
    bool running = true;
    while (running) {
      const bool calls = victim_->IsAtSystemCall();
      if (is_edge || calls || IsOnStride()) Kill(false);
      running = victim_->Step();
      ++tally_.instructions;
      is_edge = calls || Changed();
    }
    Kill(true);
    return tally_;
  }

 private:
  bool IsOnStride() {
    if (which_.stores_only || tally_.instructions < next_point_) return false;
    const uint64_t longest = std::max(stride_, tally_.instructions / kLeastPoints);
    next_point_ = tally_.instructions + (stride_ == 1 ? 1 : longest);
    return true;
  }

  bool Changed() {
    if (!changes_->Changed()) return false;
    if (which_.interfere && !interfered_) {
      interfered_ = true;
      which_.interfere(scene_);
      changes_->Changed();
    }
    return true;
  }

  void Kill(bool finished) {
    ++tally_.points;
    victim_->KillHere();
    Verdict verdict = PlayAftermath(scene_, which_, finished);
    if (verdict.torn.empty() && verdict.delivered < delivered_) {
      verdict.torn = absl::StrCat("messages delivered: ", verdict.delivered,
                                  ", but one instruction before ", delivered_);
    }
    delivered_ = verdict.delivered;
    if (!verdict.Good()) Note(verdict);
  }

  void Note(const Verdict& verdict) {
    tally_.torn += verdict.torn.empty() ? 0 : 1;
    tally_.leaks += verdict.leak.empty() ? 0 : 1;
    tally_.blocked += verdict.blocked.empty() ? 0 : 1;
    if (!tally_.first_failure.empty()) return;
    tally_.first_failure = absl::StrCat("killed after ", tally_.instructions, " instructions, in ",
                                        victim_->Where(), ":");
    for (const std::string* what : {&verdict.torn, &verdict.leak, &verdict.blocked}) {
      if (!what->empty()) absl::StrAppend(&tally_.first_failure, " ", *what, ".");
    }
  }

  const Case& which_;
  const uint64_t stride_;
  Scene scene_;
  std::unique_ptr<ChangeDetector> changes_;
  std::unique_ptr<Stepper> victim_;
  Tally tally_;
  uint64_t next_point_ = 0;
  uint64_t delivered_ = 0;
  bool interfered_ = false;
};

}  // namespace

Tally RunCase(const Case& which, uint64_t stride) { return CaseRun(which, stride).Run(); }

}  // namespace tombolo::crash

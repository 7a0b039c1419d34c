#include "tests/crash/run_case.h"

#include <string.h>

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/crash/aftermath.h"
#include "tests/crash/stepper.h"
#include "transport/base/units.h"
#include "transport/layout/extent_word.h"
#include "transport/region/region.h"

namespace tombolo::crash {
namespace {

// With a stride the points of a long operation lie further and further apart, but not more than
// this part of what came before.
constexpr uint64_t kLeastPoints = 32;

// Tells whether the region has changed since it was last asked: its tables, and the extents that
// are somebody's.
class ChangeDetector {
 public:
  ChangeDetector(const Region& region, std::span<const std::byte> memory)
      : region_(region), memory_(memory), before_(memory.begin(), memory.end()) {}

  bool Changed() {
    bool changed = Update(0, region_.Parts().extents.bytes);
    const std::span<const SharedU64> map = region_.ExtentMap();
    for (uint32_t i = 0; i < map.size(); ++i) {
      const ExtentWord word = UnpackExtentWord(map[i].load(std::memory_order_relaxed));
      if (word.state == ExtentState::kFree) continue;
      changed |= Update(region_.ExtentOffset(i).bytes, kExtentBytes);
    }
    return changed;
  }

 private:
  bool Update(uint64_t offset, uint64_t bytes) {
    if (memcmp(memory_.data() + offset, before_.data() + offset, bytes) == 0) return false;
    memcpy(before_.data() + offset, memory_.data() + offset, bytes);
    return true;
  }

  const Region region_;
  const std::span<const std::byte> memory_;
  std::vector<std::byte> before_;
};

class CaseRun {
 public:
  CaseRun(const Case& which, uint64_t stride) : which_(which), stride_(stride) {
    which_.prepare(scene_);
    changes_ = std::make_unique<ChangeDetector>(scene_.world.SharedRegion(), scene_.world.Memory());
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

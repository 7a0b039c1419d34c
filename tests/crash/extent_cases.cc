#include "tests/crash/extent_cases.h"

#include <stdlib.h>

#include <optional>

#include "transport/layout/extent_word.h"

namespace tombolo::crash {
namespace {

constexpr uint32_t kRun = 5;

// All is taken but for a hole at the beginning, and the victim's search starts near the end.
void Wrap(Scene& scene) {
  constexpr uint32_t kHole = 2 * kRun;
  constexpr uint32_t kLeftAtEnd = 8;
  const std::optional<uint32_t> run = scene.victim_extents.Claim(
      scene.victim_extents.CountFree() - kLeftAtEnd, Owner(scene.victim), ExtentKind::kMemory);
  if (!run || !scene.victim_extents.Free(*run, Owner(scene.victim))) abort();
  FillMap(scene);
  for (uint32_t i = 0; i < kHole; ++i) {
    scene.bystander_extents.Free(scene.filler[i], Owner(scene.bystander));
  }
  scene.filler.erase(scene.filler.begin(), scene.filler.begin() + kHole);
}

struct State {
  const char* name;
  void (*prepare)(Scene& scene);
  void (*interfere)(Scene& scene);
};

void Nothing(Scene&) {}

// After the victim has changed its first word somebody else takes an extent: for a claim, the one
// that it would have taken last; for a free, the one that has just become free.
void Interfere(Scene& scene) { TakeAsBystander(scene, 1); }

constexpr State kStates[] = {{"empty", Nothing, nullptr},
                             {"full", FillMap, nullptr},
                             {"wrapped", Wrap, nullptr},
                             {"contended", Nothing, Interfere}};

void Claim(Scene& scene, uint32_t count) {
  scene.victim_extents.Claim(count, Owner(scene.victim), ExtentKind::kMemory);
}

Case MakeClaim(const char* operation, uint32_t count, const State& state) {
  Case made{.operation = operation, .state = state.name};
  made.prepare = [state](Scene& scene) {
    Introduce(scene);
    state.prepare(scene);
  };
  made.operate = [count](Scene& scene) { Claim(scene, count); };
  made.settle = GiveFillerBack;
  made.interfere = state.interfere;
  return made;
}

Case MakeFree(const char* operation, uint32_t count, const State& state) {
  Case made = MakeClaim(operation, count, state);
  made.prepare = [count, state](Scene& scene) {
    Introduce(scene);
    const std::optional<uint32_t> extent =
        scene.victim_extents.Claim(count, Owner(scene.victim), ExtentKind::kMemory);
    if (!extent) abort();
    scene.extent = *extent;
    state.prepare(scene);
  };
  made.operate = [](Scene& scene) { scene.victim_extents.Free(scene.extent, Owner(scene.victim)); };
  return made;
}

}  // namespace

std::vector<Case> ExtentCases() {
  std::vector<Case> cases;
  for (const State& state : kStates) {
    cases.push_back(MakeClaim("claim 1 extent", 1, state));
    cases.push_back(MakeClaim("claim 5 extents", kRun, state));
    cases.push_back(MakeFree("free 1 extent", 1, state));
    cases.push_back(MakeFree("free 5 extents", kRun, state));
  }
  return cases;
}

}  // namespace tombolo::crash

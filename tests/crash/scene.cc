#include "tests/crash/scene.h"

#include <stdlib.h>

#include <optional>
#include <utility>

#include "transport/layout/extent_word.h"

namespace tombolo::crash {

namespace {

constexpr size_t kBytes = 40;  // One cell.
constexpr int kMessages = 3;
constexpr int kPolls = 16;

void Talk(Member& one, Member& other) {
  for (int i = 0; i < kMessages; ++i) {
    if (!one.TrySend(other.Id(), kBytes) || !other.TrySend(one.Id(), kBytes)) abort();
  }
  // So often that the inbox is looked at; and a poll that finds nothing gives the credits back.
  for (int i = 0; i < kPolls; ++i) {
    one.Poll();
    other.Poll();
  }
}

}  // namespace

void IntroduceOthers(Scene& scene) { Talk(scene.survivor, scene.bystander); }

Case LongCase(const char* operation, const char* state, std::function<void(Scene&)> prepare,
              std::function<void(Scene&)> operate, std::function<void(Scene&)> settle) {
  return {.operation = operation,
          .state = state,
          .prepare = std::move(prepare),
          .operate = std::move(operate),
          .settle = std::move(settle),
          .stores_only = true};
}

void Introduce(Scene& scene) {
  Talk(scene.survivor, scene.victim);
  IntroduceOthers(scene);
  scene.visible = kMessages;
}

void TakeAsBystander(Scene& scene, uint32_t count) {
  const std::optional<uint32_t> extent =
      scene.bystander_extents.Claim(count, Owner(scene.bystander), ExtentKind::kMemory);
  if (extent) scene.filler.push_back(*extent);
}

void FillMap(Scene& scene) {
  while (scene.bystander_extents.CountFree() != 0) TakeAsBystander(scene, 1);
}

void GiveFillerBack(Scene& scene) {
  for (uint32_t extent : scene.filler) scene.bystander_extents.Free(extent, Owner(scene.bystander));
}

void Fill(Member& from, EndpointId to, size_t bytes) {
  while (from.TrySend(to, bytes)) continue;
}

}  // namespace tombolo::crash

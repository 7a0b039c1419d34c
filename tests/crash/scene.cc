#include "tests/crash/scene.h"

#include <stdlib.h>

namespace tombolo::crash {

void Introduce(Scene& scene) {
  constexpr size_t kBytes = 40;  // One cell.
  constexpr int kMessages = 3;
  const EndpointId survivor = scene.survivor.Id();
  for (int i = 0; i < kMessages; ++i) {
    if (!scene.victim.TrySend(survivor, kBytes) || !scene.bystander.TrySend(survivor, kBytes) ||
        !scene.survivor.TrySend(scene.victim.Id(), kBytes) ||
        !scene.survivor.TrySend(scene.bystander.Id(), kBytes)) {
      abort();
    }
  }
  // Twice: the second poll, which finds nothing, gives the credits back.
  for (int i = 0; i < 2; ++i) {
    for (Member* member : {&scene.survivor, &scene.victim, &scene.bystander}) member->Poll();
  }
  scene.visible = kMessages;
}

void Fill(Member& from, EndpointId to, size_t bytes) {
  while (from.TrySend(to, bytes)) continue;
}

}  // namespace tombolo::crash

// A victim that goes to sleep and wakes up again, with the system calls of both.

#include <stdlib.h>

#include "tests/crash/message_cases.h"

namespace tombolo::crash {
namespace {

void SleepAndWake(Scene& scene) {
  if (scene.victim.channel->PrepareToSleep()) scene.victim.channel->WakeUp();
}

void FillUp(Scene& scene) {
  Introduce(scene);
  Fill(scene.victim, scene.survivor.Id(), 500);
  scene.visible = scene.victim.sent[scene.survivor.Id()];
}

// The victim has stalled, and just now there is room again.
void Refill(Scene& scene) {
  FillUp(scene);
  while (scene.survivor.Poll() != 0) continue;
}

// The survivor sleeps until the victim gives credits back, which it does before it sleeps itself.
void Contend(Scene& scene) {
  Introduce(scene);
  Fill(scene.survivor, scene.victim.Id(), 500);
  if (!scene.survivor.channel->PrepareToSleep()) abort();
  // Once only: some credits are still to be given back.
  scene.victim.Poll();
}

}  // namespace

std::vector<Case> SleepCases() {
  return {
      {.operation = "sleep", .state = "empty", .prepare = Introduce, .operate = SleepAndWake},
      {.operation = "sleep", .state = "full", .prepare = FillUp, .operate = SleepAndWake},
      {.operation = "sleep", .state = "refilled", .prepare = Refill, .operate = SleepAndWake},
      {.operation = "sleep", .state = "contended", .prepare = Contend, .operate = SleepAndWake},
  };
}

}  // namespace tombolo::crash

// Here it is the daemon that is killed: while it tells of a death, or while its reaper reclaims.
// Another one begins with what the registry knew before, and has to finish the work.

#include <stdlib.h>

#include "tests/crash/membership_cases.h"

namespace tombolo::crash {
namespace {

constexpr size_t kBytes = 500;
constexpr size_t kBulkBytes = 5000;

void DeclareDead(Scene& scene) { scene.world.DeclareDead(scene.victim.Id()); }

void Sweep(Scene& scene) { scene.world.Sweep(); }

// Links, chunks and memory of the dead one's; one message is unread.
void MuchToReclaim(Scene& scene) {
  Introduce(scene);
  const EndpointId survivor = scene.survivor.Id();
  if (!scene.victim.TrySend(survivor, kBulkBytes) || !scene.victim.TrySend(survivor, kBytes) ||
      !scene.victim.channel->Allocate(3 * kExtentBytes).ok()) {
    abort();
  }
  scene.visible += 2;
}

void Asleep(Scene& scene) {
  Introduce(scene);
  if (!scene.survivor.channel->PrepareToSleep()) abort();
}

// The survivor has not acknowledged.
void Waiting(Scene& scene) {
  MuchToReclaim(scene);
  DeclareDead(scene);
}

void Acknowledged(Scene& scene) {
  Waiting(scene);
  scene.survivor.Poll();
}

// The victim never had a link to anybody.
void Stranger(Scene& scene) {
  IntroduceOthers(scene);
  if (!scene.victim.channel->Allocate(3 * kExtentBytes).ok()) abort();
  DeclareDead(scene);
}

// Two at once, of whom one still is waited for.
void TwoDead(Scene& scene) {
  Acknowledged(scene);
  scene.world.DeclareDead(scene.bystander.Id());
  scene.bystander.channel.reset();
}

}  // namespace

std::vector<Case> DaemonCases() {
  return {
      LongCase("tell of a death", "awake", MuchToReclaim, DeclareDead),
      LongCase("tell of a death", "asleep", Asleep, DeclareDead),
      LongCase("reap", "a stranger", Stranger, Sweep),
      LongCase("reap", "waiting", Waiting, Sweep),
      LongCase("reap", "acknowledged", Acknowledged, Sweep),
      LongCase("reap", "two dead", TwoDead, Sweep),
  };
}

}  // namespace tombolo::crash

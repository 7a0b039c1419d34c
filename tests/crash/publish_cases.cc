// A victim that claims, fills and publishes one message to the survivor.

#include <stdlib.h>
#include <string.h>

#include "tests/crash/message_cases.h"
#include "tests/crash/numbered_message.h"
#include "transport/layout/link.h"

namespace tombolo::crash {
namespace {

struct Size {
  const char* operation;
  size_t bytes;
};

// Inline in one cell, in several, in as many as there can be; and through the bulk pool.
constexpr Size kSizes[] = {{"publish 40 B", 40},
                           {"publish 500 B", 500},
                           {"publish 1912 B", kMaxInlineBytes},
                           {"publish 2000 B", 2000}};

struct State {
  const char* name;
  // Makes the start state for a message of `bytes`.
  void (*prepare)(Scene& scene, size_t bytes);
  // Whether the survivor gets the message once it is published.
  bool arrives;
  void (*settle)(Scene& scene);
};

void Nothing(Scene&, size_t) {}
void NothingLeft(Scene&) {}

void Park(Scene& scene, size_t) {
  if (!scene.survivor.channel->PrepareToSleep()) abort();
  scene.survivor.channel->WakeUp();
}

void Arm(Scene& scene, size_t) {
  if (!scene.survivor.channel->PrepareToSleep()) abort();
}

void FillUp(Scene& scene, size_t bytes) {
  Fill(scene.victim, scene.survivor.Id(), bytes);
  scene.visible = scene.victim.sent[scene.survivor.Id()];
}

// The victim has not yet seen that there is room again.
void Refill(Scene& scene, size_t bytes) {
  FillUp(scene, bytes);
  while (scene.survivor.Poll() != 0) continue;
}

// One cell is left of the lap: what is longer has to skip it.
void Wrap(Scene& scene, size_t) {
  constexpr size_t kOneCellBytes = 16;
  uint64_t& sent = scene.victim.sent[scene.survivor.Id()];
  // So far each message was one cell.
  while (sent % kLinkCells != kLinkCells - 1) {
    if (!scene.victim.TrySend(scene.survivor.Id(), kOneCellBytes)) abort();
    scene.survivor.Poll();
  }
  while (scene.survivor.Poll() != 0) continue;
  scene.visible = sent;
}

// The victim holds a claim that it will never publish; so what it publishes behind it does not
// arrive. The survivor holds one to the victim, and sleeps because it has no room for another.
void Contend(Scene& scene, size_t) {
  const EndpointId survivor = scene.survivor.Id(), victim = scene.victim.Id();
  if (!scene.victim.channel->TryClaim(survivor, 40, scene.victim_claim)) abort();
  if (!scene.survivor.channel->TryClaim(victim, 40, scene.survivor_claim)) abort();
  Fill(scene.survivor, victim, 500);
  if (!scene.survivor.channel->PrepareToSleep()) abort();
}

void EndClaim(Scene& scene) { scene.survivor.channel->Publish(scene.survivor_claim, 1, 40); }

constexpr State kStates[] = {
    {"empty", Nothing, true, NothingLeft},   {"parked", Park, true, NothingLeft},
    {"armed", Arm, true, NothingLeft},       {"full", FillUp, false, NothingLeft},
    {"refilled", Refill, true, NothingLeft}, {"wrapped", Wrap, true, NothingLeft},
    {"contended", Contend, false, EndClaim}};

// The bulk pool is there already when the case begins.
void WarmUp(Scene& scene, size_t bytes) {
  if (bytes <= kMaxInlineBytes) return;
  if (!scene.victim.TrySend(scene.survivor.Id(), bytes)) abort();
  while (scene.survivor.Poll() != 0) continue;
  ++scene.visible;
}

void Draft(Scene& scene, size_t bytes) {
  scene.draft.resize(bytes);
  WriteNumbered(scene.draft, scene.victim.Id(), scene.victim.sent[scene.survivor.Id()]);
}

void PublishDraft(Scene& scene) {
  Claim claim;
  if (!scene.victim.channel->TryClaim(scene.survivor.Id(), scene.draft.size(), claim)) return;
  memcpy(claim.payload.data(), scene.draft.data(), scene.draft.size());
  scene.victim.channel->Publish(claim, 1, scene.draft.size());
}

Case MakeCase(const Size& size, const State& state) {
  Case made{.operation = size.operation, .state = state.name};
  made.prepare = [bytes = size.bytes, state](Scene& scene) {
    Introduce(scene);
    WarmUp(scene, bytes);
    state.prepare(scene, bytes);
    Draft(scene, bytes);
    scene.adds = state.arrives ? 1 : 0;
  };
  made.operate = PublishDraft;
  made.settle = state.settle;
  return made;
}

}  // namespace

std::vector<Case> PublishCases() {
  std::vector<Case> cases;
  for (const Size& size : kSizes) {
    for (const State& state : kStates) cases.push_back(MakeCase(size, state));
  }
  return cases;
}

}  // namespace tombolo::crash

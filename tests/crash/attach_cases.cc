// A victim that arrives or leaves: makes its channel, opens its first or another link and announces
// itself, lets go of everything.

#include <stdlib.h>
#include <string.h>

#include "tests/crash/membership_cases.h"
#include "tests/crash/numbered_message.h"

namespace tombolo::crash {
namespace {

constexpr size_t kBytes = 40;

// The victim has attached, and has no channel yet.
void BeforeChannel(Scene& scene) {
  IntroduceOthers(scene);
  scene.victim.channel.reset();
}

void CreateChannel(Scene& scene) {
  auto channel = Channel::Create(*scene.victim.endpoint);
  if (channel.ok()) scene.victim.channel = *std::move(channel);
}

// Opens a link and sends the first message, which announces it.
void OpenAndSend(Scene& scene) {
  Claim claim;
  if (!scene.victim.channel->Open(scene.survivor.Id()).ok() ||
      !scene.victim.channel->TryClaim(scene.survivor.Id(), kBytes, claim)) {
    return;
  }
  memcpy(claim.payload.data(), scene.draft.data(), kBytes);
  scene.victim.channel->Publish(claim, kOrdinaryTag, kBytes);
}

void Draft(Scene& scene) {
  scene.draft.resize(kBytes);
  WriteNumbered(scene.draft, scene.victim.Id(), 0);
}

void BeforeFirstLink(Scene& scene) {
  IntroduceOthers(scene);
  Draft(scene);
  scene.adds = 1;
}

void BeforeAnotherLink(Scene& scene) {
  BeforeFirstLink(scene);
  if (!scene.victim.TrySend(scene.bystander.Id(), kBytes)) abort();
}

// The survivor sleeps, and has sent something in the other direction.
void Contend(Scene& scene) {
  BeforeFirstLink(scene);
  if (!scene.survivor.TrySend(scene.victim.Id(), kBytes)) abort();
  if (!scene.survivor.channel->PrepareToSleep()) abort();
}

void WithoutMemory(Scene& scene) {
  BeforeFirstLink(scene);
  FillMap(scene);
  scene.adds = 0;
}

// There is room for the directory, and not for the link.
void WithoutMemoryForLink(Scene& scene) {
  WithoutMemory(scene);
  scene.bystander_extents.Free(scene.filler.back(), Owner(scene.bystander));
  scene.filler.pop_back();
}

void Detach(Scene& scene) {
  scene.victim.channel.reset();
  (void)scene.victim.endpoint->Detach();
}

// With messages on the way in both directions, and a survivor that sleeps.
void FillAndArm(Scene& scene) {
  Introduce(scene);
  Fill(scene.survivor, scene.victim.Id(), kBytes);
  if (!scene.survivor.channel->PrepareToSleep()) abort();
  Fill(scene.victim, scene.survivor.Id(), kBytes);
  scene.visible = scene.victim.sent[scene.survivor.Id()];
}

}  // namespace

std::vector<Case> AttachCases() {
  return {
      LongCase("create channel", "attached", BeforeChannel, CreateChannel),
      LongCase("open link", "first", BeforeFirstLink, OpenAndSend),
      LongCase("open link", "another", BeforeAnotherLink, OpenAndSend),
      LongCase("open link", "contended", Contend, OpenAndSend),
      LongCase("open link", "no memory", WithoutMemory, OpenAndSend, GiveFillerBack),
      LongCase("open link", "little memory", WithoutMemoryForLink, OpenAndSend, GiveFillerBack),
      LongCase("detach", "idle", Introduce, Detach),
      LongCase("detach", "full", FillAndArm, Detach),
  };
}

}  // namespace tombolo::crash

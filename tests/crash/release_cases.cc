// A victim that polls: takes what the survivor has sent, gives cells, chunks and credits back, and
// parks.

#include <stdlib.h>

#include "tests/crash/message_cases.h"
#include "transport/layout/link.h"

namespace tombolo::crash {
namespace {

struct Size {
  const char* operation;
  size_t bytes;
};

constexpr Size kSizes[] = {
    {"release 40 B", 40}, {"release 1000 B", 1000}, {"release 2000 B", 2000}};

struct State {
  const char* name;
  void (*prepare)(Scene& scene, size_t bytes);
};

// What is delivered is looked at elsewhere; here it is the giving back that counts.
class Ignore final : public ChannelHandler {
 public:
  void OnMessage(EndpointId, uint8_t, std::span<const std::byte>) override {}
  void OnDeparted(EndpointId) override {}
};

// Twice: the second poll, which finds little or nothing, gives the last credits back.
void Poll(Scene& scene) {
  Ignore ignore;
  scene.victim.channel->Poll(ignore);
  scene.victim.channel->Poll(ignore);
}

void Nothing(Scene&, size_t) {}

void SendOne(Scene& scene, size_t bytes) {
  if (!scene.survivor.TrySend(scene.victim.Id(), bytes)) abort();
}

void ParkAndSend(Scene& scene, size_t bytes) {
  if (!scene.victim.channel->PrepareToSleep()) abort();
  scene.victim.channel->WakeUp();
  SendOne(scene, bytes);
}

void FillUp(Scene& scene, size_t bytes) { Fill(scene.survivor, scene.victim.Id(), bytes); }

// Two messages, and one cell that is left of the lap when the first begins.
void Wrap(Scene& scene, size_t bytes) {
  constexpr size_t kOneCellBytes = 16;
  // So far each message was one cell.
  while (scene.survivor.sent[scene.victim.Id()] % kLinkCells != kLinkCells - 1) {
    SendOne(scene, kOneCellBytes);
    scene.victim.Poll();
  }
  while (scene.victim.Poll() != 0) continue;
  SendOne(scene, bytes);
  SendOne(scene, bytes);
}

// The survivor holds a claim in the middle, and sleeps until there is room again.
void Contend(Scene& scene, size_t bytes) {
  SendOne(scene, bytes);
  if (!scene.survivor.channel->TryClaim(scene.victim.Id(), 40, scene.survivor_claim)) abort();
  FillUp(scene, bytes);
  if (!scene.survivor.channel->PrepareToSleep()) abort();
}

void EndClaim(Scene& scene) {
  if (scene.survivor_claim.link != nullptr) {
    scene.survivor.channel->Publish(scene.survivor_claim, 1, 40);
  }
}

constexpr State kStates[] = {{"empty", Nothing}, {"one", SendOne},  {"parked", ParkAndSend},
                             {"full", FillUp},   {"wrapped", Wrap}, {"contended", Contend}};

Case MakeCase(const Size& size, const State& state) {
  Case made{.operation = size.operation, .state = state.name};
  made.prepare = [bytes = size.bytes, state](Scene& scene) {
    Introduce(scene);
    if (bytes > kMaxInlineBytes) SendOne(scene, bytes);
    while (scene.victim.Poll() != 0) continue;
    state.prepare(scene, bytes);
  };
  made.operate = Poll;
  made.settle = EndClaim;
  return made;
}

// A victim in the middle of its own farewell to somebody who died before it.
void LoseBystander(Scene& scene) {
  Introduce(scene);
  for (int i = 0; i < 3; ++i) {
    if (!scene.bystander.TrySend(scene.victim.Id(), 500)) abort();
    if (!scene.victim.TrySend(scene.bystander.Id(), 500)) abort();
  }
  scene.world.DeclareDead(scene.bystander.Id());
  scene.bystander.channel.reset();
}

}  // namespace

std::vector<Case> ReleaseCases() {
  std::vector<Case> cases;
  for (const Size& size : kSizes) {
    for (const State& state : kStates) cases.push_back(MakeCase(size, state));
  }
  cases.push_back({.operation = "departure",
                   .state = "two messages",
                   .prepare = LoseBystander,
                   .operate = Poll});
  return cases;
}

}  // namespace tombolo::crash

// A victim that lends memory, or frees what it has lent, or gives back what it has borrowed.

#include <stdlib.h>

#include "tests/crash/message_cases.h"
#include "tests/crash/numbered_message.h"
#include "transport/base/units.h"
#include "transport/layout/link.h"

namespace tombolo::crash {
namespace {

constexpr uint64_t kBufferBytes = 2 * kExtentBytes;
constexpr size_t kLoanBytes = 256;
// Nearly as many as there are slots, and cells.
constexpr uint64_t kManyLoans = 60;

// The victim's buffer, which holds the message that it is about to lend.
void DraftInBuffer(Scene& scene) {
  scene.buffer = *scene.victim.channel->Allocate(kBufferBytes);
  const uint64_t number = scene.victim.sent[scene.survivor.Id()];
  WriteNumbered(scene.buffer.bytes.first(kLoanBytes), scene.victim.Id(), number);
}

void Lend(Scene& scene) {
  (void)scene.victim.channel->TryLend(scene.survivor.Id(), scene.buffer, 0, kLoanBytes, 1, 0);
}

void MustLend(Member& from, EndpointId to, const RegionBuffer& buffer, uint64_t cookie) {
  const auto result = from.channel->TryLend(to, buffer, 0, kLoanBytes, 1, cookie);
  if (!result.ok() || *result != LendResult::kLent) abort();
}

struct State {
  const char* name;
  void (*prepare)(Scene& scene);
  bool arrives;
};

void Nothing(Scene&) {}

void Arm(Scene& scene) {
  if (!scene.survivor.channel->PrepareToSleep()) abort();
}

void FillUp(Scene& scene) {
  Fill(scene.victim, scene.survivor.Id(), 40);
  scene.visible = scene.victim.sent[scene.survivor.Id()];
}

void Wrap(Scene& scene) {
  // So far each message was one cell; the loan gets the last one of the lap.
  while (scene.victim.sent[scene.survivor.Id()] % kLinkCells != kLinkCells - 1) {
    if (!scene.victim.TrySend(scene.survivor.Id(), 40)) abort();
    scene.survivor.Poll();
  }
  scene.visible = scene.victim.sent[scene.survivor.Id()];
}

// The survivor keeps what it is lent until the victim is long dead.
void Hold(Scene& scene) { scene.survivor.mailbox.KeepLoans(); }

// The victim holds a claim that it will never publish.
void Contend(Scene& scene) {
  if (!scene.victim.channel->TryClaim(scene.survivor.Id(), 40, scene.victim_claim)) abort();
}

constexpr State kStates[] = {{"empty", Nothing, true}, {"armed", Arm, true},
                             {"full", FillUp, false},  {"wrapped", Wrap, true},
                             {"held", Hold, true},     {"contended", Contend, false}};

Case MakeLend(const State& state) {
  Case made{.operation = "lend", .state = state.name};
  made.prepare = [state](Scene& scene) {
    Introduce(scene);
    state.prepare(scene);
    DraftInBuffer(scene);
    scene.adds = state.arrives ? 1 : 0;
  };
  made.operate = Lend;
  return made;
}

void FreeBuffer(Scene& scene) { (void)scene.victim.channel->Free(scene.buffer); }

void AllocateBuffer(Scene& scene) { (void)scene.victim.channel->Allocate(kBufferBytes); }

void PrepareFree(Scene& scene) {
  Introduce(scene);
  DraftInBuffer(scene);
}

// Lent, and held by the survivor until after the victim's death.
void PrepareFreeOfHeld(Scene& scene) {
  PrepareFree(scene);
  Hold(scene);
  MustLend(scene.victim, scene.survivor.Id(), scene.buffer, 0);
  scene.survivor.Poll();
  ++scene.visible;
}

// The victim takes back what the survivor has returned just now, and frees it.
void PrepareCollect(Scene& scene) {
  PrepareFree(scene);
  MustLend(scene.victim, scene.survivor.Id(), scene.buffer, 0);
  if (!scene.victim.channel->Free(scene.buffer).ok()) abort();
  scene.survivor.Poll();
  ++scene.visible;
}

void PollOnce(Scene& scene) { scene.victim.Poll(); }

// The survivor's buffer, lent to the victim `loans` times.
void Borrow(Scene& scene, uint64_t loans) {
  Introduce(scene);
  scene.victim.mailbox.KeepLoans();
  scene.buffer = *scene.survivor.channel->Allocate(kBufferBytes);
  const EndpointId victim = scene.victim.Id();
  WriteNumbered(scene.buffer.bytes.first(kLoanBytes), scene.survivor.Id(),
                scene.survivor.sent[victim]);
  for (uint64_t i = 0; i < loans; ++i) MustLend(scene.survivor, victim, scene.buffer, i);
  while (scene.victim.Poll() != 0) continue;
  scene.lent = loans;
}

// Freed while it is lent: it waits in quarantine until everything is back.
void BorrowFreed(Scene& scene) {
  Borrow(scene, 2);
  if (!scene.survivor.channel->Free(scene.buffer).ok()) abort();
}

void Return(Scene& scene) { scene.victim.mailbox.DropLoans(); }

void FreeLent(Scene& scene) { (void)scene.survivor.channel->Free(scene.buffer); }
}  // namespace

std::vector<Case> LoanCases() {
  std::vector<Case> cases;
  for (const State& state : kStates) cases.push_back(MakeLend(state));
  const auto add = [&cases](const char* operation, const char* state, auto prepare, auto operate,
                            void (*settle)(Scene&) = nullptr) {
    cases.push_back({.operation = operation,
                     .state = state,
                     .prepare = prepare,
                     .operate = operate,
                     .settle = settle});
  };
  add("allocate", "empty", Introduce, AllocateBuffer);
  add("free", "not lent", PrepareFree, FreeBuffer);
  add("free", "held", PrepareFreeOfHeld, FreeBuffer);
  add("take back", "freed before", PrepareCollect, PollOnce);
  add(
      "return", "empty", [](Scene& scene) { Borrow(scene, 1); }, Return, FreeLent);
  add(
      "return", "full", [](Scene& scene) { Borrow(scene, kManyLoans); }, Return, FreeLent);
  add("return", "freed", BorrowFreed, Return);
  add(
      "return", "armed",
      [](Scene& scene) {
        Borrow(scene, 2);
        if (!scene.survivor.channel->PrepareToSleep()) abort();
      },
      Return, FreeLent);
  return cases;
}

}  // namespace tombolo::crash

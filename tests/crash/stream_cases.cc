// A victim that opens a byte stream to the survivor, writes, reads and closes.

#include <stdlib.h>

#include "tests/crash/message_cases.h"

namespace tombolo::crash {
namespace {

constexpr size_t kShort = 100;
constexpr size_t kLong = 1500;  // Many cells.

void Turn(Member& member) {
  member.Poll();
  member.streams.Flush();
}

void TurnBoth(Scene& scene) {
  constexpr int kTurns = 8;
  for (int i = 0; i < kTurns; ++i) {
    Turn(scene.victim);
    Turn(scene.survivor);
  }
}

void BeforeConnect(Scene& scene) {
  Introduce(scene);
  for (Member* member : {&scene.victim, &scene.survivor}) member->streams.Open(*member->channel);
}

void Connected(Scene& scene) {
  BeforeConnect(scene);
  scene.victim.streams.Connect(scene.survivor.Id());
  TurnBoth(scene);
}

// The link has no room: what is written waits.
void Full(Scene& scene) {
  Connected(scene);
  Fill(scene.victim, scene.survivor.Id(), kShort);
  scene.visible = scene.victim.sent[scene.survivor.Id()];
}

// The survivor sleeps.
void Armed(Scene& scene) {
  Connected(scene);
  if (!scene.survivor.channel->PrepareToSleep()) abort();
}

// Both directions are in use, and the survivor has written something that is unread.
void Contended(Scene& scene) {
  Connected(scene);
  scene.victim.streams.BeSlow();
  scene.victim.streams.Write(kLong);
  scene.survivor.streams.Write(kLong);
  scene.survivor.streams.Flush();
}

// So much lies unread with the victim that reading it is worth a credit.
void Unread(Scene& scene) {
  constexpr int kWrites = 8;
  Connected(scene);
  scene.victim.streams.BeSlow();
  for (int i = 0; i < kWrites; ++i) {
    scene.survivor.streams.Write(kLong);
    TurnBoth(scene);
  }
}

void Connect(Scene& scene) {
  scene.victim.streams.Connect(scene.survivor.Id());
  Turn(scene.victim);
}

void Write(Scene& scene) {
  scene.victim.streams.Write(scene.draft.size());
  Turn(scene.victim);
}

Case WriteCase(const char* operation, const char* state, void (*prepare)(Scene&), size_t bytes) {
  const auto draft = [prepare, bytes](Scene& scene) {
    prepare(scene);
    scene.draft.resize(bytes);
    scene.victim.streams.Draft(bytes);
  };
  return LongCase(operation, state, draft, Write);
}

void Close(Scene& scene) {
  scene.victim.streams.CloseWrite();
  Turn(scene.victim);
}

void Read(Scene& scene) {
  scene.victim.streams.Discard();
  Turn(scene.victim);
}

}  // namespace

std::vector<Case> StreamCases() {
  return {
      LongCase("connect stream", "empty", BeforeConnect, Connect),
      WriteCase("write 100 B", "empty", Connected, kShort),
      WriteCase("write 100 B", "full", Full, kShort),
      WriteCase("write 100 B", "armed", Armed, kShort),
      WriteCase("write 1500 B", "empty", Connected, kLong),
      WriteCase("write 1500 B", "contended", Contended, kLong),
      LongCase("read stream", "unread", Unread, Read),
      LongCase("close stream", "empty", Connected, Close),
      LongCase("close stream", "contended", Contended, Close),
  };
}

}  // namespace tombolo::crash

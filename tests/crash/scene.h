// Scene: a world with the three who play in it. The victim will be killed in the middle of one
// operation; the survivor is linked with it; the bystander is linked with the survivor only.
//
// Whoever sets a scene says in `visible` and `adds` what the survivor may receive of the victim.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tests/crash/member.h"
#include "tests/crash/world.h"
#include "transport/alloc/extent_map.h"
#include "transport/channel/channel.h"

namespace tombolo::crash {

struct Scene {
  World world;
  Member survivor = world.Join("survivor");
  Member victim = world.Join("victim");
  Member bystander = world.Join("bystander");

  // The maps as two other threads of the victim and the bystander see them.
  ExtentMap victim_extents{world.SharedRegion().ExtentMap()};
  ExtentMap bystander_extents{world.SharedRegion().ExtentMap()};

  // Messages of the victim that the survivor receives whatever happens, those that it has received
  // already included; and how many more once the operation has ended.
  uint64_t visible = 0;
  uint64_t adds = 0;

  uint64_t lent = 0;  // Loans that the survivor gave the victim, and that have to come back.

  RegionBuffer buffer;           // Of the one who lends.
  std::vector<std::byte> draft;  // What the victim is about to send.
  uint32_t extent = 0;           // A run that the victim owns.
  Claim victim_claim;            // Open, and never to be published.
  Claim survivor_claim;          // Open, to the victim; ended after its death.
  std::vector<uint32_t> filler;  // Extents of the bystander's that are in the way.
};

// One operation from one start state.
struct Case {
  const char* operation = "";
  const char* state = "";

  // All three have attached; makes the start state.
  std::function<void(Scene&)> prepare = {};

  // What the victim does, instruction by instruction.
  std::function<void(Scene&)> operate = {};

  // What the others were in the middle of, and end once the victim is dead. May be empty.
  std::function<void(Scene&)> settle = {};

  // Somebody else's act in the moment that the operation has first changed the region. May be
  // empty.
  std::function<void(Scene&)> interfere = {};

  // Only at instructions after which the region looks different, and around system calls: for
  // operations of many thousand instructions. What lies between looks the same from outside.
  bool stores_only = false;
};

// A case of the kind that stores_only is for.
Case LongCase(const char* operation, const char* state, std::function<void(Scene&)> prepare,
              std::function<void(Scene&)> operate, std::function<void(Scene&)> settle = {});

// Links survivor and victim, and survivor and bystander, in both directions, and lets everybody
// consume what has come.
void Introduce(Scene& scene);

// The same without the victim.
void IntroduceOthers(Scene& scene);

inline uint16_t Owner(const Member& member) { return static_cast<uint16_t>(member.Id().index); }

// The bystander claims so many extents, all that are free, or gives back all that it has claimed
// so.
void TakeAsBystander(Scene& scene, uint32_t count);
void FillMap(Scene& scene);
void GiveFillerBack(Scene& scene);

// Sends until there is no more room.
void Fill(Member& from, EndpointId to, size_t bytes);

}  // namespace tombolo::crash

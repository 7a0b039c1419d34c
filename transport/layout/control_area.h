// ControlArea: the talk between the daemon and the broker of one slot, before there are endpoints.
// One per slot, formatted by the daemon.
//
//   offset     writer   what
//        0     broker   hello: a nonce (stored last), its boot_id
//       64     daemon   welcome: the nonce it has answered, the slot's incarnation
//     4096     -        link broker -> daemon (a small lane)
//     8192     -        link daemon -> broker (a small lane)
//
// A broker that starts writes a new nonce and rings (slot 0, vector 1). The daemon zeroes both
// links, starts its own positions anew and answers with the same nonce; only then may the broker
// touch the links. So a restarted agent and a rebooted guest both begin on a clean slate, and a new
// boot_id proves that all earlier endpoints of the slot are dead.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/base/units.h"
#include "transport/layout/link.h"
#include "transport/layout/shared_word.h"

namespace tombolo {

struct ControlArea {
  SharedU64 hello_nonce;  // 0: nobody has said hello.
  SharedU64 hello_boot_id[2];
  uint64_t reserved0[5];

  alignas(kCacheLineBytes) SharedU64 welcome_nonce;
  SharedU64 welcome_slot_incarnation;

  alignas(kExtentBytes) Link to_daemon;
  Link to_broker;
};

static_assert(offsetof(ControlArea, hello_nonce) == 0);
static_assert(offsetof(ControlArea, hello_boot_id) == 8);
static_assert(offsetof(ControlArea, welcome_nonce) == 64);
static_assert(offsetof(ControlArea, welcome_slot_incarnation) == 72);
static_assert(offsetof(ControlArea, to_daemon) == 4096);
static_assert(offsetof(ControlArea, to_broker) == 8192);
static_assert(sizeof(ControlArea) == 12288);

}  // namespace tombolo

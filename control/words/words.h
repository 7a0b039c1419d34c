// The words in which `tombolo` and the status page tell people and scripts of peers and events.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/registry/membership.h"

namespace tombolo::control {

const char* Word(PeerKind kind);    // host, vm
const char* Word(PeerState state);  // connected, ready
const char* Word(EventKind kind);   // joined, ready, rebooted, left, attached, gone

// As in 2026-11-21T05:48:06Z.
std::string UtcTime(int64_t unix_ns);

// The first of the boot id's parts, which tells boots apart well enough; "-" when there is none.
std::string ShortBoot(const std::string& boot_id);

// What guests may have written: bytes that are not printable ASCII become '?', so that none of them
// is an order to the terminal.
std::string Printable(std::string text);

// Names with how often each occurs: "agent, rank x4"; "-" when there are none.
std::string NamesOf(const std::vector<EndpointInfo>& endpoints);

// One line, without its end: what happened to whom.
std::string Sentence(const MembershipEvent& event);
std::string Sentence(const MembershipSnapshot& snapshot);

}  // namespace tombolo::control

// What an endpoint keeps of each other one: finding them, their links, their departure. For the
// sources of this folder.
#ifndef TOMBOLO_GUEST_FLAT_PEERS_H
#define TOMBOLO_GUEST_FLAT_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "guest/flat/endpoint.h"

// Adds to one of our counters, by its offset in EndpointCounters.
void flat_count(struct flat_endpoint *endpoint, uint32_t counter, uint32_t more);

// Rings endpoint `index` if it is armed.
void flat_ring_if_armed(struct flat_endpoint *endpoint, uint32_t index);

struct flat_peer *flat_find_peer(struct flat_endpoint *endpoint, uint32_t index);

// The link to `to`, made if need be.
enum flat_status flat_open_out(struct flat_endpoint *endpoint, struct flat_id to,
                               struct flat_peer **peer);

// Tells the receiver that there is something, if it does not poll our link.
void flat_announce_if_parked(struct flat_endpoint *endpoint, struct flat_peer *peer);

// Looks whether endpoint `index` has made a link to us, and opens it. True if it did.
bool flat_adopt(struct flat_endpoint *endpoint, uint32_t index);

// What the peer wrote made no sense: counts it under `counter` and hears it no more.
void flat_drop(struct flat_endpoint *endpoint, struct flat_peer *peer, uint32_t counter);

// Takes up to `budget` messages out of the link of `peer`; gives how many.
uint32_t flat_drain(struct flat_endpoint *endpoint, struct flat_peer *peer, uint32_t budget);

// Lets go of those that are dead and acknowledges `epoch`; gives how many messages were delivered.
uint32_t flat_depart_dead(struct flat_endpoint *endpoint, uint64_t epoch);

#endif

/* The life of links, when the one at the other end may die at any instruction and its index goes to a next
 * incarnation: inbox, directory, admission, membership epoch, departure, acknowledgement, reaper.
 *
 * A survivor and a peer that comes twice, both times with the same index, and with three extents for all, so
 * that the next one gets the memory of the last. The peer makes a directory and a link, publishes two
 * messages in any order, and looks at the survivor's link to it; it is killed between any two accesses to
 * shared words. The survivor begins at any time, opens a link, claims and publishes. The daemon writes the
 * death down, moves the epoch, waits until the survivor has let go, frees, and lets the next one in. The
 * names in the margin are functions of transport/channel and control/daemon.
 *
 * Claimed: a message whose Publish() returned, with all before it, is delivered before its sender's memory is
 * freed; nothing is delivered of another incarnation than the one it is ascribed to; nobody touches an extent
 * after it went to somebody else; all memory of the dead comes back.
 *
 * Left out: sleeping (wakeup.pml): the survivor looks when there is something to see. Peers that were dropped
 * alive. A survivor that began when the peer was dead already need not deliver what it had sent.
 *
 * RUN one_way: -DBOTH_WAYS=0
 * RUN both_ways: -DBOTH_WAYS=1
 * BUG 1 one_way: the reaper does not wait for acknowledgements
 * BUG 2 one_way: the epoch is acknowledged when it is seen, before the dead one's links are closed
 * BUG 3 one_way: the epoch is loaded after the inbox was scanned
 * BUG 4 one_way: a link is admitted whatever incarnation of its sender made it
 * BUG 5 one_way: a link is admitted of one whose death was acknowledged
 * BUG 6 both_ways: the inbox is not scanned again once it is known who has departed
 * BUG 7 both_ways: a link to the dead is freed while a claim of it is open
 * BUG 8 one_way: the daemon moves the epoch before it writes the death into the record
 * BUG 9 one_way: a departure is handled without draining the link once more
 * BUG 10 one_way: the dead one's index is given on before its memory is freed
 * BUG 11 one_way: the dead one's line goes on naming its directory
 * BUG 12 both_ways: whoever makes a link does not look again whether its receiver is alive
 */

#ifndef BUG
#define BUG 0
#endif

#define INCARNATIONS 2
#define EXTENTS 3
#define NONE 255

/* Owners of extents, and states of a record. */
#define FREE 0
#define PEER 1
#define SURVIVOR 2
#define LIVE 1
#define DEAD 2

/* Member table: the peer's record. */
byte epoch;
byte state;
byte incarnation;
byte changed_epoch;

/* What the two tell each other outside of extents. */
byte peer_directory; /* link_directory of the peer's line: 1 + extent. */
byte survivor_entry; /* The survivor's directory entry for the peer: 1 + extent. */
byte inbox;          /* The peer's byte in the survivor's row. */
byte acked_epoch;    /* Of the survivor. */

/* Extents: who owns them, how often they were freed, and what lies in them. */
byte owner[EXTENTS];
byte generation[EXTENTS];
byte entry[EXTENTS];   /* Of a directory. */
byte made_by[EXTENTS]; /* Of a link: the peer's incarnation, on either end. */
byte headers[EXTENTS]; /* A bit per message. */
bit parked[EXTENTS];

/* For the proof only. */
byte killed; /* The incarnation that was killed last. */
byte returned;  /* A bit per message of this incarnation: its Publish() has returned. */
byte delivered; /* Messages of this incarnation. */
byte began = NONE; /* The epoch that the survivor began with. */

inline ClaimExtent(who, extent) {
  if
  :: owner[0] == FREE -> extent = 0
  :: else ->
    if
    :: owner[1] == FREE -> extent = 1
    :: else ->
      if
      :: owner[2] == FREE -> extent = 2
      :: else
      fi
    fi
  fi;
  if
  :: extent != NONE -> owner[extent] = who
  :: else
  fi
}

inline FreeExtent(extent) {
  owner[extent] = FREE;
  generation[extent]++
}

/* OutLink::Create */
inline Format(extent, peer) {
  made_by[extent] = peer;
  headers[extent] = 0;
  parked[extent] = 1
}

/* Channel::Publish: the header, `parked`, and the inbox if need be */
inline PeerPublishes(bits) {
  headers[link] = headers[link] | bits;
  if
  :: parked[link] -> d_step { inbox = (inbox + 1) % 4; returned = returned | bits }
  :: d_step { !parked[link] -> returned = returned | bits }
  fi
}

proctype Peer(byte me) {
  byte directory = NONE;
  byte link = NONE;
  byte from = NONE;
  byte from_generation;
  {
    d_step {
      peer_directory = 0; /* Channel::Channel */
      ClaimExtent(PEER, directory);
      ClaimExtent(PEER, link);
      if
      :: directory != NONE -> entry[directory] = 0
      :: else
      fi;
      if
      :: link != NONE -> Format(link, me)
      :: else
      fi
    };
    d_step { directory != NONE -> peer_directory = directory + 1 }; /* Channel::EnsureDirectory */
    d_step { link != NONE -> entry[directory] = link + 1 }; /* Channel::Open */
#if BOTH_WAYS
    PeerPublishes(1);
#else
    if
    :: PeerPublishes(1); PeerPublishes(2)
    :: PeerPublishes(2); PeerPublishes(1)
    fi
#endif
#if BOTH_WAYS
    /* The other way: InLink::Find, and a look at the lane. */
    if
    :: d_step {
        survivor_entry != 0 && made_by[survivor_entry - 1] == me ->
        from = survivor_entry - 1;
        from_generation = generation[from]
      };
      assert(generation[from] == from_generation)
    :: true
    fi
#endif
  } unless { killed >= me }
}

#include "link_life_survivor.pml"

/* Reaper::IsLinked, either way. */
#define IsLinked \
  ((peer_directory != 0 && entry[peer_directory - 1] != 0) || survivor_entry != 0)

inline FreeIfPeers(extent) {
  if
  :: owner[extent] == PEER -> FreeExtent(extent)
  :: else
  fi
}

#define Prefix ((returned & 1) + (returned == 3))

init {
  byte death;
  byte me = 1;
#if BOTH_WAYS
  began != NONE;
#endif
  do
  :: me <= INCARNATIONS ->
    /* MemberTableMirror::Write: attached */
    d_step { incarnation = me; state = LIVE };
    epoch++;
    run Peer(me);
    d_step { killed = me; death = epoch + 1 };
    /* MemberTableMirror::Write: dead */
#if BUG == 8
    epoch++;
    d_step { changed_epoch = death; state = DEAD };
#else
    d_step { changed_epoch = death; state = DEAD };
    epoch++;
#endif
    /* Reaper::Sweep */
#if BUG != 1
    !IsLinked || acked_epoch >= death;
#endif
    d_step {
      assert(began >= death || delivered >= Prefix);
#if BUG != 11
      peer_directory = 0 /* Reaper::EmptyLine */
#endif
    };
#if BUG != 10
    d_step { FreeIfPeers(0); FreeIfPeers(1); FreeIfPeers(2) };
#endif
    d_step { state = FREE; returned = 0; delivered = 0; me++ }
  :: else -> break
  od;
  timeout;
  assert(owner[0] != PEER && owner[1] != PEER && owner[2] != PEER);
  assert(owner[0] + owner[1] + owner[2] == 0)
}

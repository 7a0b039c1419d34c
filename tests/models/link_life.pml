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

/* Channel::ScanInbox and Channel::Admit */
inline Scan() {
  d_step {
    look = inbox != seen || !scanned;
    seen = inbox;
    scanned = 1
  };
  if
  :: look && in != NONE -> Unpark()
  :: look && in == NONE -> Admit()
  :: else
  fi
}

inline Unpark() {
  d_step {
    assert(generation[in] == in_generation);
    parked[in] = 0;
    polled = 1
  }
}

inline Admit() {
  /* ReadEndpoint */
  d_step {
    who = incarnation;
#if BUG == 5
    look = state != FREE && who != dropped;
#else
    look = state == LIVE || (state == DEAD && changed_epoch > handled);
    look = look && who != dropped;
#endif
    if
    :: !look -> who = 0
    :: else
    fi
  };
  if
  :: look ->
    /* FindLinkExtent */
    where = peer_directory;
    d_step {
      if
      :: where != 0 -> where = entry[where - 1]
      :: else
      fi
    };
    /* InLink::Find */
    d_step {
      if
#if BUG == 4
      :: where != 0 ->
#else
      :: where != 0 && made_by[where - 1] == who ->
#endif
        in = where - 1;
        assert(owner[in] == PEER);
        in_generation = generation[in];
        in_incarnation = who;
        next = 1;
        parked[in] = 0;
        polled = 1
      :: else
      fi;
      where = 0;
      who = 0;
      look = 0
    }
  :: else
  fi
}

/* One message of Channel::Drain */
inline Deliver() {
  d_step {
    assert(generation[in] == in_generation);
    if
    :: headers[in] & next ->
      assert(made_by[in] == in_incarnation && incarnation == in_incarnation);
      next = next * 2;
      delivered++;
      look = 1
    :: else -> look = 0
    fi
  }
}

/* Channel::PollActive */
inline PollActive() {
  if
  :: in != NONE && polled ->
    Deliver();
#if !BOTH_WAYS
    if
    :: !look -> TryPark()
    :: look
    fi
#else
    d_step { /* The same in one step; the other run has it in two. */
      if
      :: !(headers[in] & next) -> parked[in] = 1; polled = 0
      :: else
      fi
    }
#endif
  :: else
  fi
}

/* InLink::TryPark */
inline TryPark() {
  d_step {
    assert(generation[in] == in_generation);
    parked[in] = 1
  };
  d_step {
    if
    :: headers[in] & next -> parked[in] = 0
    :: else -> polled = 0
    fi
  }
}

#define IsLive(who) (state == LIVE && incarnation == (who))

/* Channel::HandleDepartures, Channel::FindDeparted */
inline HandleDepartures() {
#if BUG == 2
  acked_epoch = now;
#endif
  look = (out != NONE && !IsLive(out_incarnation)) || (in != NONE && !IsLive(in_incarnation));
  if
  :: look ->
#if BUG != 6
    Scan();
#endif
#if BUG != 9
    look = 1;
    do
    :: in != NONE && look -> Deliver()
    :: else -> break
    od;
#endif
    Drop()
  :: else
  fi;
  d_step { handled = now; acked_epoch = handled } /* Channel::Acknowledge */
}

/* Channel::Drop, Channel::CloseOut, Channel::Bury */
inline Drop() {
  d_step {
    if
    :: in != NONE ->
      assert(out == NONE || in_incarnation == out_incarnation);
      dropped = in_incarnation
    :: else -> dropped = out_incarnation
    fi;
    in = NONE; in_generation = 0; in_incarnation = 0; next = 0; polled = 0;
    survivor_entry = 0
  };
  if
  :: out != NONE ->
#if BUG == 7
    d_step { FreeExtent(out); closing = (claim_open -> out : NONE); out = NONE; out_incarnation = 0 }
#else
    d_step {
      if
      :: claim_open -> closing = out
      :: else -> FreeExtent(out)
      fi;
      out = NONE;
      out_incarnation = 0;
      out_generation = (closing == NONE -> 0 : out_generation)
    }
#endif
  :: else
  fi
}

#define SomethingToSee \
  (inbox != seen || !scanned || epoch != handled || (in != NONE && polled))

active proctype Survivor() {
  byte handled; /* epoch_ */
  byte now;
  byte seen;
  byte dropped;
  byte next;
  byte in = NONE;
  byte in_generation;
  byte in_incarnation;
  byte out = NONE;
  byte out_generation;
  byte out_incarnation;
  byte closing = NONE;
  byte who;
  byte where;
  bit opened; /* Once is enough. */
  bit claim_open;
  bit polled;
  bit scanned;
  bit look;

  /* Channel::Channel */
  d_step { handled = epoch; began = handled };
  acked_epoch = handled;
end:
  do
  /* Channel::Poll */
  :: SomethingToSee ->
#if BUG == 3
    Scan();
    now = epoch;
#else
    now = epoch;
    Scan();
#endif
    PollActive();
    if
    :: now != handled -> HandleDepartures()
    :: else
    fi;
    d_step { now = 0; look = 0 }
#if BOTH_WAYS
  /* Channel::Open */
  :: atomic { !opened && state == LIVE && incarnation != dropped ->
      out_incarnation = incarnation; opened = 1 };
    atomic {
      ClaimExtent(SURVIVOR, out);
      out_generation = generation[out];
      Format(out, out_incarnation)
    };
    survivor_entry = out + 1;
#if BUG != 12
    if
    :: !IsLive(out_incarnation) -> /* It died meanwhile, and was reaped as one that nobody is linked with. */
      survivor_entry = 0;
      d_step { FreeExtent(out); out = NONE; out_incarnation = 0; out_generation = 0 }
    :: else
    fi
#endif
  /* Channel::TryClaim */
  :: d_step { out != NONE && !claim_open && headers[out] == 0 -> claim_open = 1 }
  /* Channel::Publish, Channel::EndClaim */
  :: d_step { out != NONE && claim_open ->
      assert(generation[out] == out_generation && owner[out] == SURVIVOR);
      headers[out] = 1;
      claim_open = 0 }
  :: d_step { closing != NONE ->
      assert(generation[closing] == out_generation && owner[closing] == SURVIVOR);
      headers[closing] = 1;
      FreeExtent(closing);
      closing = NONE;
      out_generation = 0;
      claim_open = 0 }
#endif
  od
}

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

/* The survivor of link_life.pml: what Channel does in each Poll(), and in between. */

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
  /* Channel::Publish */
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

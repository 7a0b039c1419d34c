/* Sleep and wake-up: header / parked / inbox byte / armed / doorbell, and the way back for credits.
 *
 * docs/wakeup.md tells the protocol; the names in the margin are the functions in transport/channel,
 * transport/ring and transport/wait that do each step. Two links between up to three endpoints; the
 * first two share a vector, hence one eventfd, which each watches edge-triggered with an epoll of its
 * own.
 *
 * There is no timer here: a sleep ends by a doorbell and by nothing else. When nobody can move any more,
 * everything that was to be sent has been published, delivered, and its credits given back.
 *
 * What the model leaves out: order among claims and payload (small_lane.pml), death and the membership
 * epoch (link_life.pml; the daemon rings without looking at anything, and again until it is answered).
 * Relaxed stores of 0 (parked, armed, credit_wanted) take effect at once here: seen later, they cost a
 * ring too many and nothing else.
 *
 * RUN fan_out: -DCONFIG=1
 * RUN both_ways: -DCONFIG=2
 * RUN fan_in: -DCONFIG=3
 * BUG 1 both_ways: the sender looks at `parked` before it stores the header (release instead of seq_cst)
 * BUG 2 both_ways: the receiver parks a link without looking at its header again
 * BUG 3 fan_in: the receiver looks at its inbox before it sets `armed`, not after
 * BUG 4 both_ways: the sender looks at `armed` before it changes its byte in the inbox
 * BUG 5 fan_out: a waiter reads the eventfd that it shares with another one
 * BUG 6 both_ways: the sender looks for room before it stores credit_wanted
 * BUG 7 both_ways: the receiver looks at credit_wanted before it gives credits back
 * BUG 8 both_ways: rings are forgotten after `armed` was set and everything looked at
 * BUG 9 both_ways: a link is parked with the credits of a skip that was passed over while parking
 * BUG 10 fan_out: an inbox byte comes round to its old value within one lane
 * BUG 11 fan_in: a first look at the inbox takes what stands there for seen
 */

#ifndef BUG
#define BUG 0
#endif

#define LINKS 2
#define CELLS 1 /* A link has room for so many messages. */

#if CONFIG == 1 /* 2 sends to 0 and to 1. */
#define ENDPOINTS 3
#define MESSAGES(l) (2 - (l))
#define SRC(l) 2
#define DST(l) (l)
#elif CONFIG == 2 /* 0 and 1 send to each other. */
#define ENDPOINTS 2
#define MESSAGES(l) 2
#define SRC(l) (l)
#define DST(l) (1 - (l))
#else /* 1 and 2 send to 0. */
#define ENDPOINTS 3
#define MESSAGES(l) (2 - (l))
#define SRC(l) (1 + (l))
#define DST(l) 0
#endif

/* Endpoints 0 and 1 share a vector. */
#define VECTOR(e) ((e) == 2)

#if BUG == 10
#define BYTES 2
#else
#define BYTES 4
#endif

/* Shared words. Every statement below touches one of them at most. */
byte published[LINKS];     /* Headers that are there. */
byte skips[LINKS];         /* A bit per header: a claim that was given up. */
byte consumed[LINKS];      /* Credits that are there. */
byte bytes[LINKS];         /* The sender's byte in the receiver's row. */
bit opened[LINKS];         /* The directory entry. */
bit parked[LINKS] = 1;
bit credit_wanted[LINKS];
bit armed[ENDPOINTS];

/* What the kernel keeps. */
bit edge[ENDPOINTS]; /* In the endpoint's epoll. */
#if BUG == 5
bit rung[2]; /* In the eventfd. */
#endif

#define HasRoom(l) (published[l] - consumed[l] < CELLS)
#define IsSkip(l, n) ((skips[l] >> (n)) & 1)

/* Device::Ring: the sender knows the vector only. */
inline Ring(who) {
  d_step {
#if BUG == 5
    rung[VECTOR(who)] = 1;
#endif
    if :: VECTOR(who) == VECTOR(0) -> edge[0] = 1 :: else fi;
    if :: VECTOR(who) == VECTOR(1) -> edge[1] = 1 :: else fi;
#if ENDPOINTS == 3
    if :: VECTOR(who) == VECTOR(2) -> edge[2] = 1 :: else fi
#endif
  }
}

/* Channel::RingIfArmed */
inline RingIfArmed(who) {
  if
  :: armed[who] -> Ring(who)
  :: else
  fi
}

/* InLink::FlushCredits, and who wants them */
inline FlushCredits(l) {
  if
#if BUG == 7
  :: atomic { next[l] != consumed[l] -> look = credit_wanted[l] };
    consumed[l] = next[l];
    if
    :: look -> look = 0; RingIfArmed(SRC(l))
#else
  :: atomic { next[l] != consumed[l] -> consumed[l] = next[l] };
    if
    :: credit_wanted[l] -> RingIfArmed(SRC(l))
#endif
    :: else
    fi
  :: else
  fi
}

/* Channel::ScanInbox and Channel::Admit. A byte that changed leads to the directory, then to the link. The
 * bytes of both senders lie in one word, which is loaded at once. */
inline Scan(l) {
  if
  :: bytes[l] != seen[l] || !scanned[l] ->
#if BUG == 11
    if
    :: !polled[l] && opened[l] && scanned[l] ->
#else
    if
    :: !polled[l] && opened[l] ->
#endif
      polled[l] = 1;
      parked[l] = 0;
      pending = 1
    :: else
    fi;
    seen[l] = bytes[l];
    scanned[l] = 1
  :: else
  fi
}

/* SmallLaneConsumer::Front passes over skips. */
inline PassSkips(l) {
  do
  :: next[l] != published[l] && IsSkip(l, next[l]) -> next[l]++
  :: else -> break
  od
}

/* InLink::TryPark */
inline TryPark(l) {
  parked[l] = 1;
#if BUG == 2
  polled[l] = 0;
#else
  d_step {
    PassSkips(l);
    if
    :: next[l] == published[l] -> polled[l] = 0
    :: else -> parked[l] = 0
    fi
  };
#endif
#if BUG != 9
  if
  :: !polled[l] -> FlushCredits(l)
  :: else
  fi
#endif
}

/* Channel::Drain, one message at a time, and the parking of idle links in Channel::PollActive */
inline PollLink(l) {
  if
  :: d_step {
      polled[l];
      PassSkips(l);
      if
      :: next[l] != published[l] -> next[l]++; got = 1
      :: else
      fi
    };
    if
    :: got -> got = 0
    :: !got ->
      FlushCredits(l);
#if CONFIG != 1
      if
      :: TryPark(l)
      :: true
      fi
#endif
    fi
  :: else
  fi
}

/* Channel::Announce */
inline Announce(l) {
#if BUG == 4
  look = armed[DST(l)];
  bytes[l] = (bytes[l] + 1) % BYTES;
  if
  :: look -> look = 0; Ring(DST(l))
  :: else
  fi
#else
  bytes[l] = (bytes[l] + 1) % BYTES;
  RingIfArmed(DST(l))
#endif
}

/* SmallLaneProducer::Publish of a message, or of a skip: Channel::Abandon */
inline StoreHeader(l) {
  if
#if CONFIG == 2
  :: skips[l] == 0 -> skips[l] = 1 << published[l]
#endif
  :: true
  fi;
  published[l]++
}

/* Channel::TryClaim, Channel::Publish or Channel::Abandon */
inline Send(l) {
  if
  :: !opened[l] -> opened[l] = 1 /* Channel::Open */
  :: else
  fi;
  do
  :: published[l] == MESSAGES(l) -> break
#if BUG == 1
  :: atomic { published[l] < MESSAGES(l) && HasRoom(l) -> look = parked[l] };
    atomic { StoreHeader(l) };
    if
    :: look -> look = 0; Announce(l)
#else
  :: atomic { published[l] < MESSAGES(l) && HasRoom(l) -> StoreHeader(l) };
    if
    :: parked[l] -> Announce(l)
#endif
    :: else
    fi
  :: atomic { published[l] < MESSAGES(l) && !HasRoom(l) -> stalled[l] = 1; break }
  od
}

/* OutLink::WantCredits */
inline WantCredits(l) {
  if
#if BUG == 6
  :: atomic { stalled[l] -> pending = pending | HasRoom(l) };
    credit_wanted[l] = 1
#else
  :: atomic { stalled[l] -> credit_wanted[l] = 1 };
    pending = pending | HasRoom(l)
#endif
  :: else
  fi
}

/* OutLink::ForgetCredits */
inline ForgetCredits(l) {
  stalled[l] = 0;
  credit_wanted[l] = 0
}

/* The first half of Channel::PrepareToSleep: a link that does not park ends it. */
inline Park(l) {
  if
  :: polled[l] && !pending ->
    FlushCredits(l);
    TryPark(l);
    pending = polled[l]
  :: else
  fi
}

/* The links that I receive from, and those that I send to. */
#define IsIn(l) (DST(l) == me)
#define IsOut(l) (SRC(l) == me)
#define ForIn(Do) \
  if :: IsIn(0) -> Do(0) :: else fi; \
  if :: IsIn(1) -> Do(1) :: else fi
#define ForOut(Do) \
  if :: IsOut(0) -> Do(0) :: else fi; \
  if :: IsOut(1) -> Do(1) :: else fi

/* Channel::WakeUp. At once: nobody looks at two of these words. */
inline WakeUp() {
  armed[me] = 0;
  ForOut(ForgetCredits);
  edge[me] = 0
}

proctype Endpoint(byte me) {
  /* Private to the sender of a link. */
  bit stalled[LINKS];
  /* Private to the receiver of a link. */
  byte next[LINKS];
  byte seen[LINKS];
  bit scanned[LINKS];
  bit polled[LINKS];

  bit got;
  bit look;
  bit pending;

  do
  :: d_step { ForIn(Scan); pending = 0 }; /* Channel::Poll */
    ForIn(PollLink);
    ForOut(Send);
    ForIn(Park); /* Channel::PrepareToSleep */
    if
    :: pending
    :: !pending ->
#if BUG == 3
      d_step { ForIn(Scan) };
      armed[me] = 1;
#else
      armed[me] = 1;
      d_step { ForIn(Scan) }; /* Channel::LookAgain */
#endif
      ForOut(WantCredits);
#if BUG == 8
      edge[me] = 0;
#endif
      if
      :: d_step { pending -> WakeUp() }
      :: !pending ->
end_asleep: /* Waiter::Sleep */
#if BUG == 5
        d_step { edge[me] && rung[VECTOR(me)] -> rung[VECTOR(me)] = 0; WakeUp() }
#else
        d_step { edge[me] -> WakeUp() }
#endif
      fi
    fi
  od
}

init {
  atomic {
    run Endpoint(0);
    run Endpoint(1);
#if ENDPOINTS == 3
    run Endpoint(2)
#endif
  };
  /* Nobody can move any more. */
  timeout;
  assert(published[0] == MESSAGES(0) && published[1] == MESSAGES(1));
  /* Credits come back for what was delivered or passed over, and for nothing else. */
  assert(consumed[0] == MESSAGES(0) && consumed[1] == MESSAGES(1))
}

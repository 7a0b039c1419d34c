/* The small lane: claims, publishing in any order, skips, clearing of the next header, credits.
 *
 * The names in the margin are the functions of transport/ring/small_lane.cc. A lane of five cells and
 * messages of one or two, as long as it takes for the lap to come round to its first value. Payload is as
 * bad as it can be: a word that lies where a later message's header will be polled is a header of just the
 * lap that the receiver will expect there.
 *
 * Claimed: the receiver delivers what was published, each message once, in the order of the claims, and
 * leaves out what was given up. It takes no payload for a header and never finds one that makes no sense.
 * A cell is not written by the sender while the receiver may still read it. In the end nothing is lost.
 *
 * Sleeping and waking is another matter (wakeup.pml): here both sides look again and again. Clearing a
 * header is a relaxed store in the code, ordered by the release of the header that leads the receiver there;
 * here it takes effect at once, and BUG 5 stands for the order that the release gives.
 *
 * RUN two_claims: -DOPEN=2 -DMESSAGES=6
 * RUN three_claims: -DOPEN=3 -DMESSAGES=4
 * BUG 1 two_claims: a claim does not clear the header of the cell after its own
 * BUG 2 two_claims: a claim needs room for its own cells only, not for the one that it clears
 * BUG 3 two_claims: the skip of a lap's rest does not clear the first header of the next lap
 * BUG 4 two_claims: credits are given back while the message is still being read
 * BUG 5 two_claims: the next header is cleared when the message is published, not when it is claimed
 * BUG 6 two_claims: the room that the skip of a lap's rest takes is not counted
 * BUG 7 two_claims: the header is stored before the payload is written
 * BUG 8 two_claims: an abandoned claim stores no skip
 * BUG 9 two_claims: the skip leads to the next lap before the header there was cleared
 * BUG 10 two_claims: the receiver passes over a skip as if it were one cell long
 */

#ifndef BUG
#define BUG 0
#endif

#define CELLS 5
#define LAPS 2 /* lap counts 1, 2, 1: past 0. */

#define MESSAGE 1
#define SKIP 2
#define FORGED 3 /* A word of a payload. */

#define Index(position) ((position) % CELLS)
#define Lap(position) ((position) / CELLS % LAPS + 1)
#define Left(position) (CELLS - Index(position))

/* Shared words: the first word of each cell, and the rest of it. */
byte kind[CELLS]; /* 0: the word is 0. */
byte lap[CELLS];
byte cells[CELLS];
byte payload[CELLS];
byte consumed;

/* What the two sides know of each other in this proof only. */
bit reading[CELLS];   /* The receiver may look at this cell. */
bit dropped[MESSAGES]; /* Given up. */
byte claimed;         /* The sender's position. */
byte next;            /* The receiver's. */
byte expected;        /* The message that the receiver is to get. */

/* The claims that are open. */
byte claim_id[OPEN];
byte claim_at[OPEN];
byte claim_cells[OPEN]; /* 0: none here. */

#define Room(n) \
  (CELLS - (claimed - consumed) >= SkipCells(n) + (n) + CLEARED)
#if BUG == 2
#define CLEARED 0
#else
#define CLEARED 1
#endif
#if BUG == 6
#define SkipCells(n) 0
#else
#define SkipCells(n) ((n) > Left(claimed) -> Left(claimed) : 0)
#endif

inline Store(i, k, l, n) {
  assert(!reading[i]);
  kind[i] = k;
  lap[i] = l;
  cells[i] = n
}

/* SmallLaneProducer::SkipRestOfLap */
inline SkipRestOfLap() {
#if BUG != 3 && BUG != 9
  Store(0, 0, 0, 0);
#endif
  Store(Index(claimed), SKIP, Lap(claimed), Left(claimed));
  claimed = claimed + Left(claimed)
}

/* The program writes its message: the second cell of a long one gets a word that looks like a header of the
 * next lap. */
inline Fill(at, id, n) {
  assert(!reading[Index(at)]);
  payload[Index(at)] = id;
  if
  :: n == 2 ->
    Store(Index(at) + 1, FORGED, Lap(at + CELLS), 1)
  :: else
  fi
}

/* SmallLaneProducer::TryClaim that finds room */
inline Claim() {
  atomic {
    sent < MESSAGES && Room(1) &&
    (claim_cells[0] == 0 || claim_cells[1] == 0 || claim_cells[OPEN - 1] == 0) ->
    if
    :: n = 1
    :: Room(2) -> n = 2
    fi;
    if
    :: n > Left(claimed) -> SkipRestOfLap()
    :: else
    fi
  };
  atomic {
    /* Claims are alike: the first place that is free will do. */
    slot = (claim_cells[0] == 0 -> 0 : (claim_cells[1] == 0 -> 1 : OPEN - 1));
#if BUG == 9
    if
    :: Index(claimed) == 0 && claimed > 0 -> Store(0, 0, 0, 0)
    :: else
    fi;
#endif
    claim_id[slot] = sent;
    claim_at[slot] = claimed;
    claim_cells[slot] = n;
    claimed = claimed + n;
#if BUG != 1 && BUG != 5
    Store(Index(claimed), 0, 0, 0);
#endif
#if BUG != 7
    Fill(claim_at[slot], sent, n);
#endif
    sent++;
    slot = 0;
    n = 0
  }
}

inline AnyOpenClaim() {
  if
  :: claim_cells[0] != 0 -> slot = 0
  :: claim_cells[1] != 0 -> slot = 1
#if OPEN == 3
  :: claim_cells[2] != 0 -> slot = 2
#endif
  fi
}

/* SmallLaneProducer::Publish, and SmallLaneProducer::Abandon with a skip */
inline End(as) {
  atomic {
    AnyOpenClaim();
    if
    :: as == SKIP -> dropped[claim_id[slot]] = 1
    :: else
    fi;
#if BUG == 5
    Store(Index(claim_at[slot] + claim_cells[slot]), 0, 0, 0);
#endif
#if BUG == 8
    if
    :: as == MESSAGE -> Store(Index(claim_at[slot]), as, Lap(claim_at[slot]), claim_cells[slot])
    :: else
    fi
#else
    Store(Index(claim_at[slot]), as, Lap(claim_at[slot]), claim_cells[slot])
#endif
  };
  atomic {
#if BUG == 7
    Fill(claim_at[slot], claim_id[slot], claim_cells[slot]);
#endif
    claim_id[slot] = 0;
    claim_at[slot] = 0;
    claim_cells[slot] = 0;
    slot = 0
  }
}

active proctype Sender() {
  byte sent;
  byte slot;
  byte n;
end:
  do
  :: Claim()
  :: End(MESSAGE)
  :: End(SKIP)
  od
}

inline MarkReading(value) {
  reading[Index(next)] = value;
  if
  :: front == 2 -> reading[Index(next) + 1] = value
  :: else
  fi
}

active proctype Receiver() {
  byte front;
end:
  do
  /* SmallLaneConsumer::Front */
  :: atomic {
      kind[Index(next)] != 0 ->
      assert(kind[Index(next)] != FORGED);
      assert(lap[Index(next)] == Lap(next));
      front = cells[Index(next)];
      assert(front > 0 && front <= Left(next));
      if
      :: kind[Index(next)] == SKIP ->
#if BUG == 10
        next++
#else
        next = next + front
#endif
      :: else ->
        MarkReading(1);
#if BUG == 4
        consumed = next + front;
#endif
        goto read
      fi
    }
  /* SmallLaneConsumer::PublishCredits, whenever it likes to */
  :: consumed < next -> consumed = next
  od;
read:
  atomic {
    do
    :: expected < MESSAGES && dropped[expected] -> expected++
    :: else -> break
    od;
    assert(expected < MESSAGES && payload[Index(next)] == expected);
    expected++;
    MarkReading(0);
    next = next + front; /* SmallLaneConsumer::Release */
    front = 0;
    goto end
  }
}

init {
  timeout;
  do
  :: expected < MESSAGES && dropped[expected] -> expected++
  :: else -> break
  od;
  assert(expected == MESSAGES && next == claimed && consumed == next)
}

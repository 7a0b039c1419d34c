/* The small lane: claims, publishing in any order, skips, clearing of what is no header, credits.
 *
 * The names in the margin are the functions of transport/ring/small_lane.cc. A lane of seven cells and
 * messages of one or three, as long as it takes for the lap to come round to its first value. Payload is as
 * bad as it can be: a word that lies where a later message's header will be polled is a header of just the
 * lap that the receiver will expect there. Headers of the lap before stay where they are and are nothing.
 *
 * KEEP: nothing is given up.
 *
 * Claimed: the receiver delivers what was published, each message once, in the order of the claims, and
 * leaves out what was given up. It takes no payload for a header and never finds one that makes no sense.
 * A cell is not written by the sender while the receiver may still read it. In the end nothing is lost.
 *
 * Sleeping and waking is another matter (wakeup.pml): here both sides look again and again. Clearing a
 * header is a relaxed store in the code, ordered by the release of the header that leads the receiver there;
 * here it takes effect at once, and BUG 3 stands for the order that the release gives.
 *
 * RUN two_claims: -DOPEN=2 -DMESSAGES=6
 * RUN three_claims: -DOPEN=3 -DMESSAGES=4
 * RUN three_laps: -DOPEN=2 -DMESSAGES=8 -DKEEP
 * BUG 1 two_claims: a claim does not clear the payload in the cell after its own
 * BUG 2 two_claims: credits are given back while the message is still being read
 * BUG 3 two_claims: the next cell is cleared when the message is published, not when it is claimed
 * BUG 4 two_claims: the room that the skip of a lap's rest takes is not counted
 * BUG 5 two_claims: the header is stored before the payload is written
 * BUG 6 two_claims: an abandoned claim stores no skip
 * BUG 7 two_claims: the receiver passes over a skip as if it were one cell long
 * BUG 8 three_laps: what a skip passes over is not remembered, and stays for the lap after the next
 */

#ifndef BUG
#define BUG 0
#endif

#define CELLS 7
#define LAPS 3 /* lap counts 1, 2, 3, 1: past 0. */
#define LONG 3 /* Cells of a long message. */

#define MESSAGE 1
#define SKIP 2
#define FORGED 3 /* A word of a payload. */

#define Index(position) ((position) % CELLS)
#define Lap(position) ((position) / CELLS % LAPS + 1)
#define LapBefore(position) (((position) / CELLS + LAPS - 1) % LAPS + 1)
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
bit stale[CELLS];     /* The sender remembers: what lies there is no header of the lap before. */
byte claimed;         /* The sender's position. */
byte next;            /* The receiver's. */
byte expected;        /* The message that the receiver is to get. */

/* The claims that are open. */
byte claim_id[OPEN];
byte claim_at[OPEN];
byte claim_cells[OPEN]; /* 0: none here. */

#define Room(n) \
  (CELLS - (claimed - consumed) >= SkipCells(n) + (n) + 1)
#if BUG == 4
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

/* SmallLaneProducer::Occupy */
inline Occupy(n) {
  stale[Index(claimed)] = 0;
  if
  :: n > 1 -> stale[Index(claimed) + 1] = 1
  :: else
  fi;
  if
  :: n > 2 -> stale[Index(claimed) + 2] = 1
  :: else
  fi;
  claimed = claimed + n
}

/* SmallLaneProducer::ClearIfFull */
inline ClearIfFull(i) {
  if
  :: stale[i] ->
    stale[i] = 0;
    Store(i, 0, 0, 0)
  :: else
  fi
}

/* SmallLaneProducer::SkipRestOfLap */
inline SkipRestOfLap() {
  Store(Index(claimed), SKIP, Lap(claimed), Left(claimed));
#if BUG == 8
  claimed = claimed + Left(claimed)
#else
  left = Left(claimed);
  Occupy(left);
  left = 0
#endif
}

/* The program writes its message: the further cells of a long one get a word that looks like a header of the
 * next lap. */
inline Fill(at, id, n) {
  assert(!reading[Index(at)]);
  payload[Index(at)] = id;
  if
  :: n == LONG ->
    Store(Index(at) + 1, FORGED, Lap(at + CELLS), 1);
    Store(Index(at) + 2, FORGED, Lap(at + CELLS), 1)
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
    :: Room(LONG) -> n = LONG
    fi;
    if
    :: n > Left(claimed) -> SkipRestOfLap()
    :: else
    fi
  };
  atomic {
    /* Claims are alike: the first place that is free will do. */
    slot = (claim_cells[0] == 0 -> 0 : (claim_cells[1] == 0 -> 1 : OPEN - 1));
    claim_id[slot] = sent;
    claim_at[slot] = claimed;
    claim_cells[slot] = n;
    Occupy(n);
#if BUG != 1 && BUG != 3
    ClearIfFull(Index(claimed));
#endif
#if BUG != 5
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
#if BUG == 3
    ClearIfFull(Index(claim_at[slot] + claim_cells[slot]));
#endif
#if BUG == 6
    if
    :: as == MESSAGE -> Store(Index(claim_at[slot]), as, Lap(claim_at[slot]), claim_cells[slot])
    :: else
    fi
#else
    Store(Index(claim_at[slot]), as, Lap(claim_at[slot]), claim_cells[slot])
#endif
  };
  atomic {
#if BUG == 5
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
  byte left;
end:
  do
  :: Claim()
  :: End(MESSAGE)
#ifndef KEEP
  :: End(SKIP)
#endif
  od
}

inline MarkReading(value) {
  reading[Index(next)] = value;
  if
  :: front == LONG ->
    reading[Index(next) + 1] = value;
    reading[Index(next) + 2] = value
  :: else
  fi
}

active proctype Receiver() {
  byte front;
end:
  do
  /* SmallLaneConsumer::Front */
  :: atomic {
      kind[Index(next)] != 0 &&
      (next < CELLS || lap[Index(next)] != LapBefore(next)) -> /* IsOfTheLapBefore */
      assert(kind[Index(next)] != FORGED);
      assert(lap[Index(next)] == Lap(next));
      front = cells[Index(next)];
      assert(front > 0 && front <= Left(next));
      if
      :: kind[Index(next)] == SKIP ->
#if BUG == 7
        next++
#else
        next = next + front
#endif
      :: else ->
        MarkReading(1);
#if BUG == 2
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

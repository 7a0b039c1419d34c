/* Memory that is lent, and how it comes back: by return, by the borrower's death, by the lender's.
 *
 * A lender with two buffers lends three times over two slots to one borrower, frees whenever it likes, and may
 * drop the borrower alive; somebody else claims what is free and writes there. The borrower holds loans as
 * long as it likes, also across the lender's death. The names in the margin are functions of
 * transport/channel (channel_loans.cc, channel_departures.cc, loan_slots.cc, lender.cc, borrowings.cc).
 *
 * Claimed: while a loan is held its bytes are the lender's, as they were lent; nothing of the dead one's
 * memory is touched after its reclaim; all that was freed becomes free once everybody has returned it or is
 * dead; all that the dead one owned does once its borrower has let go. And with a lender that frees what
 * others hold: what a borrower takes for intact never has somebody else's bytes in it.
 *
 * RUN lender_dies: -DLENDER_DIES
 * RUN borrower_dies: -DBORROWER_DIES
 * RUN lender_lies: -DLENDER_LIES
 * BUG 1 lender_dies: a death is acknowledged while a loan of the dead one is held
 * BUG 2 lender_dies: a death is acknowledged as soon as one of two loans is returned
 * BUG 3 borrower_dies: lent memory that is freed goes to others at once
 * BUG 4 borrower_dies: quarantine ends with the first of two returns
 * BUG 5 borrower_dies: a slot's bit is taken for 0 when it is lent again
 * BUG 6 borrower_dies: a loan is returned before the last look at it
 * BUG 7 lender_lies: a borrower does not look at the owner again after it has copied
 * BUG 8 borrower_dies: what a borrower holds that was dropped alive is taken back at once
 * BUG 9 borrower_dies: what a dead borrower held never comes back
 * BUG 10 lender_dies: the reaper does not wait for what is lent
 * BUG 11 lender_dies: loans that the dead one had published are delivered after the acknowledgement
 */

#ifndef BUG
#define BUG 0
#endif

#define BUFFERS 2
#define SLOTS 2
#define LOANS 3

/* Owners. */
#define FREE 0
#define LENDER 1
#define ANOTHER 2

/* Extents: one for each buffer. The bytes: 0 or whose they are. */
byte owner[BUFFERS] = LENDER;
byte generation[BUFFERS];
byte bytes[BUFFERS] = LENDER;

/* The link: messages with buffer, generation and slot, and the borrower's word. */
chan lane = [2] of { byte, byte, byte };
byte returned_loans;
bit link_freed; /* It is the lender's memory too. */

/* Member table and the borrower's line. */
bit lender_dead;
bit borrower_dead;
byte epoch;
byte acked_epoch;

/* Killed; the daemon has not written it down yet. */
bit killed;

#define Bit(slot) (1 << (slot))

#ifdef LENDER_DIES
#define LENDER_IS_KILLED killed
#else
#define LENDER_IS_KILLED false
#endif
#ifdef BORROWER_DIES
#define BORROWER_IS_KILLED killed
#else
#define BORROWER_IS_KILLED false
#endif

/* Lender::GiveBack: zeroed before it goes to another owner. */
inline GiveBack(b) {
  bytes[b] = 0;
  owner[b] = FREE;
  generation[b]++
}

/* Lender::Ended */
inline Ended(b) {
  loans[b]--;
  if
#if BUG == 4
  :: freed[b] && owner[b] == LENDER -> GiveBack(b)
#else
  :: freed[b] && loans[b] == 0 && owner[b] == LENDER -> GiveBack(b)
#endif
  :: else
  fi
}

inline EndSlot(slot) {
  if
  :: out & Bit(slot) -> out = out & ~Bit(slot); Ended(lent[slot])
  :: else
  fi
}

/* Channel::CollectReturns, LoanSlots::Collect */
inline CollectReturns() {
  if
  :: (returned_loans ^ bits) & out & Bit(0) -> EndSlot(0)
  :: else
  fi;
  if
  :: (returned_loans ^ bits) & out & Bit(1) -> EndSlot(1)
  :: else
  fi
}

/* LoanSlots::Take and OutLink::TryLend */
inline Lend(b, slot) {
  d_step {
    !freed[b] && !exiled && !borrower_dead && lent_count < LOANS && !(out & Bit(slot)) && nfull(lane) ->
    out = out | Bit(slot);
#if BUG != 5
    bits = (bits & ~Bit(slot)) | (returned_loans & Bit(slot));
#endif
    lent[slot] = b;
    loans[b]++;
    lent_count++;
    lane ! b, generation[b], slot
  }
}

/* Lender::Free. One who lies does not keep it in quarantine. */
inline Free(b) {
  d_step {
    !freed[b] ->
    freed[b] = 1;
    if
#if BUG == 3 || defined(LENDER_LIES)
    :: true -> GiveBack(b)
#else
    :: loans[b] == 0 -> GiveBack(b)
    :: else
#endif
    fi
  }
}

active proctype Lender() {
  byte out;  /* Slots that are lent. */
  byte bits; /* What the bit of each was. */
  byte lent[SLOTS];
  byte loans[BUFFERS];
  byte lent_count;
  bit freed[BUFFERS];
  bit exiled;
  {
end:
    do
    :: Lend(0, 0)
    :: Lend(0, 1)
    :: Lend(1, 0)
    :: Lend(1, 1)
    :: Free(0)
    :: Free(1)
    :: d_step { !exiled && ((returned_loans ^ bits) & out) -> CollectReturns() }
#ifdef BORROWER_DIES
    /* Channel::Drop of one that is alive */
    :: d_step { !exiled && out ->
        exiled = 1;
#if BUG == 8
        EndSlot(0);
        EndSlot(1)
#endif
      }
#if BUG != 9
    /* Channel::Bury, OutLink::EndLoans */
    :: d_step { borrower_dead && out -> EndSlot(0); EndSlot(1) }
#endif
#endif
    od
  } unless { LENDER_IS_KILLED }
}

/* Borrowings::LentHead */
#define StillLent(b, g) (owner[b] == LENDER && generation[b] == (g))

/* InLink::ResolveLoan, Borrowings::Begin */
inline Borrow() {
  assert(!link_freed);
  lane ? buffer, seen, slot;
  if
  :: StillLent(buffer, seen) -> held[slot] = 1; what[slot] = buffer; with[slot] = seen
  :: else /* Poisoned. */
  fi;
  buffer = 0;
  seen = 0;
  slot = 0
}

/* The program reads. */
#ifdef LENDER_LIES
inline Read(slot) {
  copy = bytes[what[slot]];
#if BUG == 7
  assert(copy != ANOTHER);
#else
  /* Loan::Intact */
  assert(!StillLent(what[slot], with[slot]) || copy != ANOTHER);
#endif
  copy = 0
}
#else
inline Read(slot) {
  assert(StillLent(what[slot], with[slot]) && bytes[what[slot]] == LENDER)
}
#endif

/* Channel::Acknowledge */
inline Acknowledge() {
  if
#if BUG == 1 || BUG == 2
  :: true -> acked_epoch = handled
#else
  :: !held[0] && !held[1] -> acked_epoch = handled
  :: else
#endif
  fi
}

/* Loan::~Loan, Borrowings::End, Channel::GiveBack */
inline Return(slot) {
#if BUG == 6
  d_step { held[slot] -> assert(!link_freed); returned_loans = returned_loans ^ Bit(slot) };
  Read(slot);
#else
  held[slot];
  Read(slot);
  d_step { assert(!link_freed); returned_loans = returned_loans ^ Bit(slot) };
#endif
  d_step {
    held[slot] = 0; what[slot] = 0; with[slot] = 0;
    if
    :: handled != acked_epoch -> Acknowledge()
    :: else
    fi
  }
}

active proctype Borrower() {
  bit held[SLOTS];
  byte what[SLOTS];
  byte with[SLOTS];
  byte handled;
  byte buffer;
  byte seen;
  byte slot;
  byte copy;
  bit closed;
  {
end:
    do
    :: d_step { !closed && nempty(lane) -> Borrow() }
    :: Return(0)
    :: Return(1)
    /* Channel::HandleDepartures: what was published is delivered, then the link is dropped. */
    :: atomic { handled != epoch && lender_dead && !closed };
#if BUG != 11
      do
      :: d_step { nempty(lane) -> Borrow() }
      :: empty(lane) -> break
      od;
#endif
      atomic { closed = 1; handled = epoch };
#if BUG == 2
      if :: !held[0] && !held[1] -> acked_epoch = handled :: else fi
#else
      d_step { Acknowledge() }
#endif
#if BUG == 11
      ;
      do
      :: d_step { nempty(lane) -> Borrow() }
      :: empty(lane) -> break
      od
#endif
    od
  } unless { BORROWER_IS_KILLED }
}

active proctype Another() {
end:
  do
  :: d_step { owner[0] == FREE -> owner[0] = ANOTHER; bytes[0] = ANOTHER }
  :: d_step { owner[1] == FREE -> owner[1] = ANOTHER; bytes[1] = ANOTHER }
  od
}

init {
#ifdef LENDER_DIES
  killed = 1;
  lender_dead = 1;
  epoch = 1;
  /* Reaper::Sweep */
#if BUG != 10
  acked_epoch == epoch;
#endif
  d_step {
    if :: owner[0] == LENDER -> owner[0] = FREE; generation[0]++; bytes[0] = 0 :: else fi;
    if :: owner[1] == LENDER -> owner[1] = FREE; generation[1]++; bytes[1] = 0 :: else fi;
    link_freed = 1
  };
#endif
#ifdef BORROWER_DIES
  if
  :: killed = 1; borrower_dead = 1; epoch = 1
  :: true
  fi;
#endif
  timeout;
#ifndef BORROWER_DIES
  assert(owner[0] == ANOTHER && owner[1] == ANOTHER)
#else
  /* One that was dropped alive and lives may keep what it holds. */
  assert(!borrower_dead || (owner[0] == ANOTHER && owner[1] == ANOTHER))
#endif
}

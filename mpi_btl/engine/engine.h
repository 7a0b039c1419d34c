// The engine of Open MPI's transport `tombolo`, as C: Open MPI's headers are C, transport is C++.
// Everything that decides something is behind this header; mpi_btl/component only translates Open
// MPI's verbs.
//
// What it does not do: it knows nothing of MPI. It neither queues nor allocates on the hot path
// (claim, publish, poll, operations on memory of the region).
//
// Ownership: an engine is one endpoint of the region; it owns its peers. Thread safety: none,
// callers lock, except where a function says so. Handlers are called from tombolo_poll() only, and
// may claim, publish, abandon and open peers, but neither poll nor detach; a caller that locks may
// let go of its lock in a handler, if it takes it again before it returns.
//
// Where the region is mapped as Device memory (vfio on arm64), what is claimed and what a handler
// is shown is private memory, which may be used in any way, and is copied to and from the lane.
//
// What it assumes of the peers: nothing. What a handler is shown lies in memory that the sender may
// still change.
#ifndef TOMBOLO_MPI_BTL_ENGINE_ENGINE_H_
#define TOMBOLO_MPI_BTL_ENGINE_ENGINE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tombolo_engine tombolo_engine;

// A process that this one may send to. It lives until tombolo_close_peer() or tombolo_detach().
typedef struct tombolo_peer tombolo_peer;

// One sentence for people, ended by a zero.
enum { TOMBOLO_TEXT_BYTES = 256 };
typedef char tombolo_text[TOMBOLO_TEXT_BYTES];

// Where a process can be reached, to be exchanged between the processes of a job in whatever way.
// Fixed size, no padding.
typedef struct tombolo_address {
  uint32_t magic;
  uint32_t version;
  uint8_t region_uuid[16];
  uint32_t endpoint_index;
  uint32_t incarnation;  // 0: nowhere; the process has no broker.
} tombolo_address;

// Memory of a message that is being written; opaque.
typedef struct tombolo_claim {
  uint64_t opaque[8];
} tombolo_claim;

typedef struct tombolo_handlers {
  void *context;
  // A message has come; `payload` is good until the handler returns. It may come from a process
  // that no peer was opened for.
  void (*message)(void *context, uint8_t tag, const void *payload, size_t bytes);
  // A peer is dead, or left without a word; called once for each, after its last message.
  // `peer_context` is that of tombolo_open_peer(); `why` is one sentence, good until the handler
  // returns.
  void (*peer_lost)(void *context, void *peer_context, const char *why);
  // An operation is over that tombolo_start_operation() did not do at once; `operation_context` is
  // that of the operation. Not good: its peer is lost, of which peer_lost() told before.
  void (*operation_done)(void *context, void *operation_context, bool is_good);
} tombolo_handlers;

// Memory that others may operate on, to be handed to them in whatever way. Fixed size; opaque.
typedef struct tombolo_handle {
  uint64_t opaque[4];
} tombolo_handle;

// What peers may do with memory; ORed.
enum { TOMBOLO_MAY_READ = 1, TOMBOLO_MAY_WRITE = 2, TOMBOLO_MAY_OPERATE = 4 };

typedef enum tombolo_operation_kind {
  TOMBOLO_PUT,
  TOMBOLO_GET,
  TOMBOLO_ADD,
  TOMBOLO_AND,
  TOMBOLO_OR,
  TOMBOLO_XOR,
  TOMBOLO_SWAP,
  TOMBOLO_COMPARE_SWAP,
} tombolo_operation_kind;

// An operation on a peer's memory. Atomic ones are on 4 or 8 bytes, aligned to that.
typedef struct tombolo_operation {
  tombolo_operation_kind kind;
  void *local;       // Put: from. Get: to. Atomic: for what was there before, or NULL.
  uint64_t address;  // At the peer.
  // A tombolo_handle of the memory there, as it came; any alignment. NULL: the memory is mapped in
  // this process at `address`, whoever the peer is. osc/rdma says so of windows that ranks of a
  // node share: what it does there itself is not atomic against what others do through us.
  const void *handle;
  size_t bytes;
  uint64_t operand;   // Atomic; of compare-and-swap what is to be stored.
  uint64_t expected;  // Compare-and-swap.
  void *context;      // Comes back in the handler.
} tombolo_operation;

// Attaches this process as an endpoint of the region that the broker at `broker_path` serves.
// `name` is for people. NULL when that is not possible, with the reason in `why`.
tombolo_engine *tombolo_attach(const char *broker_path, const char *name, tombolo_text why);

// Says goodbye to the peers and gives everything back. No handler is called any more.
// `keeps_memory`: the program still uses memory of tombolo_allocate(); it stays as it is, and this
// process a member of the region, until the process ends.
void tombolo_detach(tombolo_engine *engine, bool keeps_memory);

// The address of this process; with engine == NULL the one that says "nowhere".
tombolo_address tombolo_own_address(const tombolo_engine *engine);

// The largest message in bytes, and the largest that costs one cache-line transfer or a few.
size_t tombolo_max_message_bytes(const tombolo_engine *engine);
enum { TOMBOLO_MAX_SMALL_BYTES = 1912 };

// Whether `address` (`bytes` long, as it came) is one in the region of this process.
bool tombolo_is_in_region(const tombolo_engine *engine, const void *address, size_t bytes);

// Opens the process that published `address` (`bytes` long, as it came). NULL when it is not in the
// same region or not alive, with the reason in `why`. `peer_context` comes back in the handlers.
tombolo_peer *tombolo_open_peer(tombolo_engine *engine, const void *address, size_t bytes,
                                void *peer_context, tombolo_text why);
void tombolo_close_peer(tombolo_engine *engine, tombolo_peer *peer);

// Whether everything that is sent to the peer is lost.
bool tombolo_peer_is_lost(const tombolo_peer *peer);

// Memory for a message of `bytes` to `peer`, aligned to 8 bytes; NULL when there is no room now (or
// never again, when the peer is lost). Each claim must be published or abandoned soon: later
// messages to the peer wait behind it.
void *tombolo_claim_message(tombolo_engine *engine, tombolo_peer *peer, size_t bytes,
                            tombolo_claim *claim);

// Whether a claim of `bytes` that found no room is going to, sooner or later.
bool tombolo_will_have_room(const tombolo_engine *engine, const tombolo_peer *peer, size_t bytes);

// Sends the first `bytes` of the claimed memory. `tag` is below 255.
void tombolo_publish(tombolo_engine *engine, tombolo_claim *claim, uint8_t tag, size_t bytes);

// Gives the claimed memory back unsent.
void tombolo_abandon(tombolo_engine *engine, tombolo_claim *claim);

// Sends a copy of a message, also in pieces where the region has no memory for large ones, as far
// as there is room now. *sent_bytes begins at 0 and is the caller's to keep between calls. True:
// all is on its way. Until then nothing else may be sent to the peer.
bool tombolo_send_copy(tombolo_engine *engine, tombolo_peer *peer, uint8_t tag, const void *message,
                       size_t bytes, size_t *sent_bytes);

// Memory of the region: the next four functions may be called from any thread, while another one
// is in any other function of this engine too, and take no lock within which they call malloc.

// `bytes` of zeroed memory of the region, aligned to 4 KiB; NULL when the region has none to spare.
// Whoever operates on it needs no help of this process.
void *tombolo_allocate(tombolo_engine *engine, size_t bytes);
// False: `memory` is not from tombolo_allocate().
bool tombolo_release(tombolo_engine *engine, void *memory);
// Whether [memory, memory + bytes) lies in memory from tombolo_allocate().
bool tombolo_is_region_memory(const tombolo_engine *engine, const void *memory, size_t bytes);
// All of it lies in the *bytes bytes from *first on, both multiples of 4 KiB.
void tombolo_region_extents(const tombolo_engine *engine, void **first, size_t *bytes);

// Lets peers operate on [memory, memory + bytes), which may lie anywhere in this process. `access`:
// of TOMBOLO_MAY_*; 0: nothing. Private memory is operated on while this process polls.
tombolo_handle tombolo_register(tombolo_engine *engine, void *memory, size_t bytes,
                                uint32_t access);
void tombolo_deregister(tombolo_engine *engine, const tombolo_handle *handle);

// Begins an operation on memory of `peer`, which may be this process. True: it is done; else a
// handler is told when it is, and `local` stays in use until then. Never refused: what has no room
// waits. Operations on private memory allocate.
// Memory ordering: what was put is visible to whoever sees a later message or atomic operation of
// this process.
bool tombolo_start_operation(tombolo_engine *engine, tombolo_peer *peer,
                             const tombolo_operation *operation);

// Hands what has come to the handlers, at most a batch. Returns how many messages it handed over.
int tombolo_poll(tombolo_engine *engine, const tombolo_handlers *handlers);

// What large messages go through has at most so many bytes, instead of what suits the host's
// caches. Before the first message.
void tombolo_set_pool_bytes(tombolo_engine *engine, size_t bytes);

// Sleep, for whoever polls because it waits and has nothing else to do (idle_policy.h). Until it is
// set, nobody sleeps. `idle_ns`: how long nothing has come before the first sleep; 0: never sleep.
// `longest_sleep_ns`: of one sleep. `is_crowded`: whoever polls yields.
void tombolo_set_idle(tombolo_engine *engine, int64_t idle_ns, int64_t longest_sleep_ns,
                      bool is_crowded);

// After a poll that found nothing. True: it is time to sleep, and whoever sends from now on rings.
// Then call tombolo_sleep(), before which the caller may let go of its lock, and after it
// tombolo_wake_up(). Others may send meanwhile, but not poll.
bool tombolo_fall_asleep(tombolo_engine *engine);
void tombolo_sleep(const tombolo_engine *engine);
void tombolo_wake_up(tombolo_engine *engine);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // TOMBOLO_MPI_BTL_ENGINE_ENGINE_H_

/* Tombolo's C interface: attach to the region, see who is there, exchange messages.
 *
 * Handles are opaque. A function that can fail returns 0 or more when it succeeded and a negative
 * errno value when not; tombolo_error() then says in a sentence what was seen, what was expected
 * and what to do. No exception and no signal comes out of here.
 *
 * Thread safety: a handle belongs to one thread at a time; different handles are independent. After
 * fork() a child must not use a handle of its parent.
 */
#ifndef TOMBOLO_TRANSPORT_C_TOMBOLO_H_
#define TOMBOLO_TRANSPORT_C_TOMBOLO_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Grows when something is added; a program compiled against an older one goes on working. */
#define TOMBOLO_C_VERSION 1

typedef struct tombolo_endpoint tombolo_endpoint;

/* One life of one endpoint. */
typedef struct tombolo_id {
  uint32_t index;
  uint32_t incarnation; /* From 1; 0 names nobody. */
} tombolo_id;

#define TOMBOLO_NAME_BYTES 32

typedef struct tombolo_peer {
  tombolo_id id;
  uint32_t slot; /* 0 is the host. */
  uint32_t pid;  /* As its own kernel counts. */
  char name[TOMBOLO_NAME_BYTES];
} tombolo_peer;

/* A message that is being written: fill `data`, then publish or abandon it. */
typedef struct tombolo_claim {
  void* data;
  size_t size_bytes;
  uint64_t opaque[8];
} tombolo_claim;

/* `data` lies in memory that the sender can still change, and is gone when the callback returns. */
typedef void (*tombolo_on_message)(void* context, tombolo_id source, uint8_t tag, const void* data,
                                   size_t size_bytes);
/* `peer` is dead, or was dropped because it sent nonsense. */
typedef void (*tombolo_on_departed)(void* context, tombolo_id peer);

/* Attaches this process as a new endpoint. `broker_socket`: NULL for /run/tombolo/broker.sock.
 * `name`: for people. -ENOENT, -ECONNREFUSED: no broker there. */
int tombolo_attach(const char* broker_socket, const char* name, tombolo_endpoint** handle);

/* Lets go of everything. NULL is fine. */
void tombolo_detach(tombolo_endpoint* handle);

tombolo_id tombolo_self(const tombolo_endpoint* handle);
uint32_t tombolo_slot(const tombolo_endpoint* handle);

/* Writes at most `capacity` living endpoints to `peers` and returns how many there are. */
int tombolo_peers(tombolo_endpoint* handle, tombolo_peer* peers, size_t capacity);

/* Makes sure that messages can be sent to `peer`. -ENOENT: it is not alive. -ENOSPC: the region is
 * full. */
int tombolo_open(tombolo_endpoint* handle, tombolo_id peer);

/* The most that one message can hold. */
size_t tombolo_max_message_bytes(void);

/* Claims room for a message of `size_bytes` to an open peer. -EAGAIN: no room now, so poll and try
 * again. -EMSGSIZE: it will never fit. -ENOENT: not open, or departed. */
int tombolo_try_claim(tombolo_endpoint* handle, tombolo_id peer, size_t size_bytes,
                      tombolo_claim* claim);

/* Sends the first `size_bytes` of the claim; at most what was claimed. */
void tombolo_publish(tombolo_endpoint* handle, const tombolo_claim* claim, uint8_t tag,
                     size_t size_bytes);
void tombolo_abandon(tombolo_endpoint* handle, const tombolo_claim* claim);

/* Calls back for what has come and returns how many messages that were. The callbacks may send;
 * they must not poll, wait or detach. */
int tombolo_poll(tombolo_endpoint* handle, tombolo_on_message on_message,
                 tombolo_on_departed on_departed, void* context);

/* Sleeps until something may have come, at most `limit_ns`; then poll. */
void tombolo_wait(tombolo_endpoint* handle, int64_t limit_ns);

/* What the last failure on this thread was about; "" when nothing failed. Valid until the next
 * call. */
const char* tombolo_error(void);

#ifdef __cplusplus
}
#endif

#endif /* TOMBOLO_TRANSPORT_C_TOMBOLO_H_ */

/* Tombolo's C interface: attach to the region, see who is there, exchange messages, lend memory,
 * connect byte streams.
 *
 * Handles are opaque. A function that can fail returns 0 or more when it succeeded and a negative
 * errno value when not; tombolo_error() then says in a sentence what was seen, what was expected
 * and what to do. No exception and no signal comes out of here.
 *
 * Thread safety: a handle, and what was made from it, belongs to one thread at a time; different
 * handles are independent. After fork() a child must not use a handle of its parent.
 */
#ifndef TOMBOLO_TRANSPORT_C_TOMBOLO_H_
#define TOMBOLO_TRANSPORT_C_TOMBOLO_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Grows when something is added; a program compiled against an older one goes on working. */
#define TOMBOLO_C_VERSION 2

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

/* --- Attaching ------------------------------------------------------------------------------ */

/* Attaches this process as a new endpoint. `broker_socket`: NULL for /run/tombolo/broker.sock.
 * `name`: for people. -ENOENT, -ECONNREFUSED: no broker there. */
int tombolo_attach(const char* broker_socket, const char* name, tombolo_endpoint** handle);

/* Lets go of everything: loans must have been returned and streams closed. NULL is fine. */
void tombolo_detach(tombolo_endpoint* handle);

tombolo_id tombolo_self(const tombolo_endpoint* handle);
uint32_t tombolo_slot(const tombolo_endpoint* handle);

/* Writes at most `capacity` living endpoints to `peers` and returns how many there are. */
int tombolo_peers(tombolo_endpoint* handle, tombolo_peer* peers, size_t capacity);

/* Makes sure that messages can be sent to `peer`. -ENOENT: it is not alive. -ENOSPC: the region is
 * full. */
int tombolo_open(tombolo_endpoint* handle, tombolo_id peer);

/* --- Messages ------------------------------------------------------------------------------- */

/* A message that is being written: fill `data`, then publish or abandon it. */
typedef struct tombolo_claim {
  void* data;
  size_t size_bytes;
  uint64_t opaque[8];
} tombolo_claim;

/* Messages with this tag are those of byte streams: a program can receive them, when it has no
 * streams itself, but not send them. */
#define TOMBOLO_TAG_STREAM 3

/* The most that one message can hold. */
size_t tombolo_max_message_bytes(void);

/* Claims room for a message of `size_bytes` to an open peer. -EAGAIN: no room now, so poll and try
 * again, or send less than tombolo_max_now_bytes(). -EMSGSIZE: it will never fit. -ENOENT: not
 * open, or departed. */
int tombolo_try_claim(tombolo_endpoint* handle, tombolo_id peer, size_t size_bytes,
                      tombolo_claim* claim);

/* What a message to `peer` may hold while others keep the memory for larger ones. */
size_t tombolo_max_now_bytes(tombolo_endpoint* handle, tombolo_id peer);

/* Sends the first `size_bytes` of the claim; at most what was claimed. -EINVAL: the tag is
 * TOMBOLO_TAG_STREAM, and the claim was abandoned. */
int tombolo_publish(tombolo_endpoint* handle, const tombolo_claim* claim, uint8_t tag,
                    size_t size_bytes);

/* The same when more follows at once: a peer that sleeps is woken by the last message of a batch,
 * which is sent by tombolo_publish(), before anything else is done with the handle. */
int tombolo_publish_more(tombolo_endpoint* handle, const tombolo_claim* claim, uint8_t tag,
                         size_t size_bytes);
void tombolo_abandon(tombolo_endpoint* handle, const tombolo_claim* claim);

/* --- Receiving ------------------------------------------------------------------------------ */

typedef struct tombolo_loan tombolo_loan;

/* What is called back; any may be NULL. They may send and return loans; they must not poll, wait or
 * detach. */
typedef struct tombolo_handler {
  size_t struct_bytes; /* sizeof(tombolo_handler) */
  void* context;
  /* `data` lies in memory that the sender can still change, and is gone when this returns. */
  void (*on_message)(void* context, tombolo_id source, uint8_t tag, const void* data,
                     size_t size_bytes);
  /* `peer` is dead, or was dropped because it sent nonsense. */
  void (*on_departed)(void* context, tombolo_id peer);
  /* `source` lends `data`, which stays where it is until tombolo_return(loan); without this
   * function a loan is a message like any other. */
  void (*on_loan)(void* context, tombolo_id source, uint8_t tag, tombolo_loan* loan,
                  const void* data, size_t size_bytes);
  /* `borrower` has returned the loan that was made with `cookie`, or is dead. */
  void (*on_returned)(void* context, tombolo_id borrower, uint64_t cookie);
} tombolo_handler;

/* Calls back for what has come and returns how many messages that were. */
int tombolo_poll(tombolo_endpoint* handle, const tombolo_handler* handler);

/* Polls until something has come, at most `limit_ns`: looks for a while, then sleeps. Returns how
 * many messages there were; 0 also when something else has happened. */
int tombolo_wait(tombolo_endpoint* handle, const tombolo_handler* handler, int64_t limit_ns);

/* For event loops: while tombolo_prepare_to_sleep() returns 1, wait until tombolo_fd() is readable,
 * at most tombolo_max_sleep_ns(), then tombolo_woke_up() and tombolo_poll(). 0: poll at once. */
int tombolo_fd(const tombolo_endpoint* handle);
int tombolo_prepare_to_sleep(tombolo_endpoint* handle);
int64_t tombolo_max_sleep_ns(const tombolo_endpoint* handle);
/* `in_vain`: not 0 when the descriptor was not readable. */
void tombolo_woke_up(tombolo_endpoint* handle, int in_vain);

/* --- Loans: memory that others read in place -------------------------------------------------- */

typedef struct tombolo_buffer {
  void* data;
  size_t size_bytes;
  uint64_t opaque;
} tombolo_buffer;

/* Memory of the region, zeroed, at least `size_bytes`. -ENOSPC: the region has no such run. */
int tombolo_allocate(tombolo_endpoint* handle, size_t size_bytes, tombolo_buffer* buffer);

/* At once, also while it is lent. -ENOENT: it is no buffer of this endpoint, or was freed. */
int tombolo_free(tombolo_endpoint* handle, const tombolo_buffer* buffer);

/* Lends [offset, offset + size) of `buffer`, which must not be written until on_returned().
 * -EAGAIN: no room now. -EDQUOT: too much is lent to that peer; send a copy, or wait until
 * something comes back. -EINVAL: not within the buffer, or TOMBOLO_TAG_STREAM. -ENOENT: not open,
 * or departed. */
int tombolo_lend(tombolo_endpoint* handle, tombolo_id peer, const tombolo_buffer* buffer,
                 size_t offset, size_t size_bytes, uint8_t tag, uint64_t cookie);

/* 1 while the memory still is what was lent, so that a copy that was made is whole. */
int tombolo_loan_intact(const tombolo_loan* loan);
void tombolo_return(tombolo_loan* loan);

/* --- Byte streams, as TCP connections are ------------------------------------------------------
 */

typedef struct tombolo_stream tombolo_stream;

/* Asks `peer` for a stream to `service`. Whether it was accepted is seen by the first read or
 * write. */
int tombolo_stream_connect(tombolo_endpoint* handle, tombolo_id peer, const char* service,
                           tombolo_stream** stream);

/* Somebody asks for `service`: return 0 to accept, and close `stream` one day; anything else
 * refuses, and `stream` is gone. Called while polling. */
typedef int (*tombolo_on_connect)(void* context, tombolo_id source, const char* service,
                                  tombolo_stream* stream);
int tombolo_stream_listen(tombolo_endpoint* handle, tombolo_on_connect on_connect, void* context);

/* Returns the bytes taken; 0 at the end of the stream. -EAGAIN: none now, so poll. -ECONNRESET: it
 * ended early, tombolo_error() says why. */
int64_t tombolo_stream_read(tombolo_stream* stream, void* data, size_t size_bytes);

/* Returns the bytes taken, which may be fewer than given. -EAGAIN: none now, so poll. -EPIPE: this
 * side has ended it. -ECONNRESET: it ended early. */
int64_t tombolo_stream_write(tombolo_stream* stream, const void* data, size_t size_bytes);

/* No more will be written; reading goes on. */
void tombolo_stream_end(tombolo_stream* stream);

/* Closes it; the other side sees a reset unless both directions had ended. */
void tombolo_stream_close(tombolo_stream* stream);

/* What the last failure on this thread was about; "" when nothing failed. Valid until the next
 * call. */
const char* tombolo_error(void);

#ifdef __cplusplus
}
#endif

#endif /* TOMBOLO_TRANSPORT_C_TOMBOLO_H_ */

/* Client of a cache in C: reads the items of a tombolo-kv in the memory that this process maps, and
 * asks their owner for the rest. client.h says what each operation means and costs.
 *
 * A function that can fail returns 0 or more when it succeeded and a negative errno value when not;
 * tombolo_kv_error() then says in a sentence what was seen, what was expected and what to do. No
 * exception and no signal comes out of here; without memory any of them returns -ENOMEM.
 *
 * Whatever asks the owner may return
 *   -ECONNREFUSED, -ETIMEDOUT   it cannot be asked, or has not answered
 *   -EAGAIN                     it refuses: it has as many readers as it takes, or another version
 *   -EIO                        what it says makes no sense
 *
 * Thread safety: a handle belongs to one thread at a time; different handles are independent. After
 * fork() a child must not use a handle of its parent.
 */
#ifndef TOMBOLO_KVCACHE_CLIENT_KVCACHE_H_
#define TOMBOLO_KVCACHE_CLIENT_KVCACHE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Grows when something is added; a program compiled against an older one goes on working. */
#define TOMBOLO_KV_VERSION 3 /* 3: tombolo_kv_get_many(). */

typedef struct tombolo_kv tombolo_kv;

/* `window`: the memory file, or in a virtual machine the file of the device that shows it. `owner`:
 * the path of the owner's socket, or ADDRESS:PORT, or region:SERVICE, or
 * region:SERVICE@BROKER_SOCKET. Either may be NULL: without a window everything is asked of the
 * owner, without an owner nothing can be changed. The owner need not be there yet.
 * -EINVAL: neither is given, or `owner` is no address.
 * -ENOENT, -EACCES, ...: the window cannot be opened. -EIO: it shows no cache. -EAGAIN: its owner
 * is just making it. */
int tombolo_kv_open(const char* window, const char* owner, tombolo_kv** handle);

/* NULL is fine. */
void tombolo_kv_close(tombolo_kv* handle);

/* What the last function of this thread that failed has to say. */
const char* tombolo_kv_error(void);

/* --- Reading -------------------------------------------------------------------------------- */

typedef struct tombolo_kv_item {
  size_t value_bytes;
  uint64_t cas;
  uint32_t flags;
  uint32_t expiry_s; /* Unix time; 0: never. */
} tombolo_kv_item;

/* 1: the value is in `buffer`, and `item`, which may be NULL, tells of it. 0: there is no such key.
 * -EMSGSIZE: it is there, but larger than `capacity`; `item` tells how large. A hit or a miss that
 * memory can tell makes no system call; else the owner is asked, as after opening and after a pause
 * of more than a second. */
int tombolo_kv_get(tombolo_kv* handle, const char* key, size_t key_bytes, void* buffer,
                   size_t capacity, tombolo_kv_item* item);

/* A key that is got together with others. */
typedef struct tombolo_kv_wanted {
  const char* key;
  size_t key_bytes;
  void* buffer; /* Its value is put there, */
  size_t capacity;
  int result; /* and here what tombolo_kv_get() would have returned: 1, 0 or -EMSGSIZE. */
  tombolo_kv_item item;
} tombolo_kv_wanted;

/* The same for several keys at once, whose memory is fetched together. Returns how many are there,
 * those among them that are too large. When it fails no `result` counts. */
int tombolo_kv_get_many(tombolo_kv* handle, tombolo_kv_wanted* wanted, size_t count);

/* A value in place, which was not copied: its bytes may be overwritten at any moment. */
typedef struct tombolo_kv_view {
  const void* value;
  tombolo_kv_item item;
  uint64_t token[5]; /* Of the library. */
} tombolo_kv_view;

/* 1: `view` shows the value. 0: there is no such key. Use the bytes, then ask
 * tombolo_kv_still_valid(): if it says no, what was read may be bytes of anything, and what was
 * made of it is to be thrown away. Until then trust no length or index among them. Any other call
 * with this handle ends the view: its bytes may not be touched any more. Asks the owner as
 * tombolo_kv_get() does. */
int tombolo_kv_look(tombolo_kv* handle, const char* key, size_t key_bytes, tombolo_kv_view* view);

/* 1: what was read through the view was its value. 0: it was overwritten, or might have been. */
int tombolo_kv_still_valid(const tombolo_kv* handle, const tombolo_kv_view* view);

/* As tombolo_kv_get(), with another expiry from now on; `item` is as it was before. Always asks the
 * owner. */
int tombolo_kv_gat(tombolo_kv* handle, const char* key, size_t key_bytes, int64_t exptime,
                   void* buffer, size_t capacity, tombolo_kv_item* item);

/* --- Changing ------------------------------------------------------------------------------- */

/* What the functions below return when they do not fail. */
#define TOMBOLO_KV_STORED 0
#define TOMBOLO_KV_NOT_STORED 1 /* add: it is there; replace, append, prepend: it is not. */
#define TOMBOLO_KV_EXISTS 2     /* It has another CAS number. */
#define TOMBOLO_KV_NOT_FOUND 3
#define TOMBOLO_KV_DONE 4 /* delete, touch. */
#define TOMBOLO_KV_BAD_KEY 5
#define TOMBOLO_KV_TOO_LARGE 6
#define TOMBOLO_KV_NO_MEMORY 7
#define TOMBOLO_KV_NOT_A_NUMBER 8

/* They ask the owner. If that fails, tombolo_kv_error() says whether it is known that nothing was
 * changed. -EINVAL: the key is longer
 * than 250 bytes.
 *
 * `exptime`: 0 for never, negative for at once, up to 30 days in seconds from now, else Unix time.
 */
int tombolo_kv_set(tombolo_kv* handle, const char* key, size_t key_bytes, const void* value,
                   size_t value_bytes, uint32_t flags, int64_t exptime);
int tombolo_kv_add(tombolo_kv* handle, const char* key, size_t key_bytes, const void* value,
                   size_t value_bytes, uint32_t flags, int64_t exptime);
int tombolo_kv_replace(tombolo_kv* handle, const char* key, size_t key_bytes, const void* value,
                       size_t value_bytes, uint32_t flags, int64_t exptime);
int tombolo_kv_cas(tombolo_kv* handle, const char* key, size_t key_bytes, const void* value,
                   size_t value_bytes, uint32_t flags, int64_t exptime, uint64_t cas);
int tombolo_kv_append(tombolo_kv* handle, const char* key, size_t key_bytes, const void* tail,
                      size_t tail_bytes);
int tombolo_kv_prepend(tombolo_kv* handle, const char* key, size_t key_bytes, const void* head,
                       size_t head_bytes);
int tombolo_kv_delete(tombolo_kv* handle, const char* key, size_t key_bytes);
int tombolo_kv_touch(tombolo_kv* handle, const char* key, size_t key_bytes, int64_t exptime);

/* `number`, which may be NULL, becomes the new one. */
int tombolo_kv_incr(tombolo_kv* handle, const char* key, size_t key_bytes, uint64_t delta,
                    uint64_t* number);
int tombolo_kv_decr(tombolo_kv* handle, const char* key, size_t key_bytes, uint64_t delta,
                    uint64_t* number);

/* Everything that was stored until then, an exptime or 0 for now, is gone. -EPERM: the owner does
 * not allow it. */
int tombolo_kv_flush_all(tombolo_kv* handle, int64_t when);

#ifdef __cplusplus
}
#endif

#endif /* TOMBOLO_KVCACHE_CLIENT_KVCACHE_H_ */

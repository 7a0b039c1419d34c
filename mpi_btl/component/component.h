// What the files of the component share. Each verb of Open MPI's BTL interface (opal/mca/btl/btl.h)
// has a file of its own.
//
// Locks: `module.lock` guards the engine and all queues; it is taken only when the application uses
// threads, and never held while Open MPI is called back. Memory of the region needs none: malloc
// may ask for it from anywhere, also while the lock is held. `module.poll_lock` lets one thread at
// a time poll, and stops a poll inside a poll; without threads a flag does, which costs less.
#ifndef TOMBOLO_MPI_BTL_COMPONENT_COMPONENT_H_
#define TOMBOLO_MPI_BTL_COMPONENT_COMPONENT_H_

#include "mpi_btl/engine/engine.h"
#include "opal/class/opal_free_list.h"
#include "opal/class/opal_list.h"
#include "opal/mca/btl/base/base.h"
#include "opal/mca/btl/btl.h"
#include "opal/threads/mutex.h"
#include "opal/util/proc.h"
#include "opal_config.h"

// This process as a member of one region.
typedef struct tombolo_module {
  mca_btl_base_module_t super;
  tombolo_engine *engine;
  bool threads;
  bool idle_is_set;  // The engine knows when to sleep,
  bool is_crowded;   // for ranks that share cores.
  opal_mutex_t lock;
  opal_mutex_t poll_lock;
  bool is_polling;  // Without threads.
  opal_free_list_t descriptors;
  opal_free_list_t pending;
  opal_list_t waiting_endpoints;  // Those with queued descriptors.
  mca_btl_base_module_error_cb_fn_t error_callback;
} tombolo_module;

// How many regions a process can be in.
enum { TOMBOLO_MAX_REGIONS = 8 };

typedef struct tombolo_component {
  mca_btl_base_component_3_0_0_t super;
  char *brokers;         // MCA parameter `btl_tombolo_broker`: paths with commas between them.
  unsigned idle_us;      // MCA parameter `btl_tombolo_idle_us`.
  size_t get_min_bytes;  // MCA parameter `btl_tombolo_get_min`.
  size_t pool_bytes;     // MCA parameter `btl_tombolo_pool_size`; 0: the engine knows.
  // In the order of their brokers; memory of the region is that of the first.
  tombolo_module *modules[TOMBOLO_MAX_REGIONS];
  int module_count;
} tombolo_component;

// Open MPI's endpoint is a peer as one module sees it.
struct mca_btl_base_endpoint_t {
  opal_list_item_t super;  // Of waiting_endpoints.
  tombolo_peer *peer;
  opal_proc_t *proc;
  opal_list_t queued;  // Descriptors that found no room, oldest first.
  bool is_waiting;     // It is in waiting_endpoints.
};
typedef struct mca_btl_base_endpoint_t mca_btl_base_endpoint_t;
OBJ_CLASS_DECLARATION(mca_btl_base_endpoint_t);

// A message from its allocation to its completion. Its memory is in the lane when there is room,
// else on the heap.
typedef struct tombolo_descriptor {
  mca_btl_base_descriptor_t base;
  mca_btl_base_segment_t segment;
  struct mca_btl_base_endpoint_t *endpoint;
  bool is_claimed;
  tombolo_claim claim;  // When is_claimed.
  void *heap;           // Else.
  size_t sent_bytes;    // While it is queued: how much of it has gone out in pieces.
  mca_btl_base_tag_t tag;
} tombolo_descriptor;
OBJ_CLASS_DECLARATION(tombolo_descriptor);

// Whom to tell of the end of an operation.
typedef struct tombolo_completion {
  mca_btl_base_rdma_completion_fn_t callback;  // NULL: nobody.
  struct mca_btl_base_endpoint_t *endpoint;
  void *local;
  mca_btl_base_registration_handle_t *handle;
  void *context;
  void *data;
} tombolo_completion;

// An operation that was begun; the engine keeps it until it is over.
typedef struct tombolo_pending {
  opal_free_list_item_t super;
  tombolo_completion completion;
} tombolo_pending;
OBJ_CLASS_DECLARATION(tombolo_pending);

// The symbol that Open MPI looks for.
OPAL_MODULE_DECLSPEC extern tombolo_component mca_btl_tombolo_component;
// What each module begins as.
extern tombolo_module mca_btl_tombolo;
// What mpool/tombolo finds as the module's btl_mpool.
extern mca_mpool_base_module_t tombolo_memory;

// Verbs of the module; contracts in opal/mca/btl/btl.h.
int tombolo_add_procs(mca_btl_base_module_t *btl, size_t count, opal_proc_t **procs,
                      struct mca_btl_base_endpoint_t **endpoints, opal_bitmap_t *reachable);
int tombolo_del_procs(mca_btl_base_module_t *btl, size_t count, opal_proc_t **procs,
                      struct mca_btl_base_endpoint_t **endpoints);
int tombolo_finalize(mca_btl_base_module_t *btl);
mca_btl_base_descriptor_t *tombolo_alloc(mca_btl_base_module_t *btl,
                                         struct mca_btl_base_endpoint_t *endpoint, uint8_t order,
                                         size_t bytes, uint32_t flags);
int tombolo_free(mca_btl_base_module_t *btl, mca_btl_base_descriptor_t *base);
mca_btl_base_descriptor_t *tombolo_prepare_src(mca_btl_base_module_t *btl,
                                               struct mca_btl_base_endpoint_t *endpoint,
                                               struct opal_convertor_t *convertor, uint8_t order,
                                               size_t reserve, size_t *bytes, uint32_t flags);
int tombolo_send(mca_btl_base_module_t *btl, struct mca_btl_base_endpoint_t *endpoint,
                 mca_btl_base_descriptor_t *base, mca_btl_base_tag_t tag);
int tombolo_sendi(mca_btl_base_module_t *btl, struct mca_btl_base_endpoint_t *endpoint,
                  struct opal_convertor_t *convertor, void *header, size_t header_bytes,
                  size_t payload_bytes, uint8_t order, uint32_t flags, mca_btl_base_tag_t tag,
                  mca_btl_base_descriptor_t **descriptor);
int tombolo_register_error(mca_btl_base_module_t *btl, mca_btl_base_module_error_cb_fn_t callback);
mca_btl_base_registration_handle_t *tombolo_register_mem(mca_btl_base_module_t *btl,
                                                         struct mca_btl_base_endpoint_t *endpoint,
                                                         void *base, size_t bytes, uint32_t flags);
int tombolo_deregister_mem(mca_btl_base_module_t *btl, mca_btl_base_registration_handle_t *handle);
int tombolo_put(mca_btl_base_module_t *btl, struct mca_btl_base_endpoint_t *endpoint, void *local,
                uint64_t remote, mca_btl_base_registration_handle_t *local_handle,
                mca_btl_base_registration_handle_t *remote_handle, size_t bytes, int flags,
                int order, mca_btl_base_rdma_completion_fn_t callback, void *context, void *data);
int tombolo_get(mca_btl_base_module_t *btl, struct mca_btl_base_endpoint_t *endpoint, void *local,
                uint64_t remote, mca_btl_base_registration_handle_t *local_handle,
                mca_btl_base_registration_handle_t *remote_handle, size_t bytes, int flags,
                int order, mca_btl_base_rdma_completion_fn_t callback, void *context, void *data);
int tombolo_atomic_op(mca_btl_base_module_t *btl, struct mca_btl_base_endpoint_t *endpoint,
                      uint64_t remote, mca_btl_base_registration_handle_t *remote_handle,
                      mca_btl_base_atomic_op_t op, uint64_t operand, int flags, int order,
                      mca_btl_base_rdma_completion_fn_t callback, void *context, void *data);
int tombolo_atomic_fop(mca_btl_base_module_t *btl, struct mca_btl_base_endpoint_t *endpoint,
                       void *local, uint64_t remote,
                       mca_btl_base_registration_handle_t *local_handle,
                       mca_btl_base_registration_handle_t *remote_handle,
                       mca_btl_base_atomic_op_t op, uint64_t operand, int flags, int order,
                       mca_btl_base_rdma_completion_fn_t callback, void *context, void *data);
int tombolo_atomic_cswap(mca_btl_base_module_t *btl, struct mca_btl_base_endpoint_t *endpoint,
                         void *local, uint64_t remote,
                         mca_btl_base_registration_handle_t *local_handle,
                         mca_btl_base_registration_handle_t *remote_handle, uint64_t compare,
                         uint64_t value, int flags, int order,
                         mca_btl_base_rdma_completion_fn_t callback, void *context, void *data);

// The component's verb.
int tombolo_progress(void);

// modex.c: publishes to the job the addresses that this process has, one in each of its regions;
// without any one that says "nowhere", because Open MPI's look-ups fail when some processes publish
// nothing. Returns an OPAL status.
int tombolo_publish_addresses(void);
// Fetches what `proc` published; the caller frees *addresses. Returns an OPAL status.
int tombolo_fetch_addresses(const opal_proc_t *proc, uint8_t **addresses, size_t *bytes);

// queue.c: appends to the endpoint's queue. Call with the lock held.
void tombolo_enqueue(tombolo_module *module, tombolo_descriptor *descriptor);
// Sends what has room now. Call with the lock held; lets go of it to tell of completions. Returns
// how many were sent.
int tombolo_flush_queues(tombolo_module *module);
// Completes everything queued for the endpoint with `status`. Call with the lock held; lets go of
// it.
void tombolo_fail_queue(tombolo_module *module, struct mca_btl_base_endpoint_t *endpoint,
                        int status);

// complete.c: tells the owner of a descriptor that its message is gone. Call without the lock.
void tombolo_complete(tombolo_module *module, tombolo_descriptor *descriptor, int status);

// idle.c: sleeps, if the engine finds it time to, until a message may have come or a moment has
// passed. After a poll that found nothing, with the lock held; lets go of it while asleep.
void tombolo_idle(tombolo_module *module);

// alloc.c: a descriptor with memory for `bytes`; NULL when there is none, or, if it `may_refuse`,
// while room in the lane is on its way.
mca_btl_base_descriptor_t *tombolo_take_descriptor(tombolo_module *module,
                                                   struct mca_btl_base_endpoint_t *endpoint,
                                                   size_t bytes, uint32_t flags, bool may_refuse);

// error.c: handler of the engine, called with the lock held.
void tombolo_on_peer_lost(void *context, void *peer_context, const char *why);
// operation.c: the same.
void tombolo_on_operation_done(void *context, void *operation_context, bool is_good);

// preload.c: where the program was started with libtombolo_malloc.so, large blocks of malloc lie in
// the region from here on,
void tombolo_serve_malloc(const tombolo_module *module);
// to here. True: the program still uses some.
bool tombolo_stop_serving_malloc(void);

static inline tombolo_module *tombolo_module_of(mca_btl_base_module_t *btl) {
  return (tombolo_module *)btl;
}

static inline void tombolo_lock(tombolo_module *module) {
  if (OPAL_UNLIKELY(module->threads)) opal_mutex_lock(&module->lock);
}
static inline void tombolo_unlock(tombolo_module *module) {
  if (OPAL_UNLIKELY(module->threads)) opal_mutex_unlock(&module->lock);
}

// Claims lane memory unless older messages wait: they come first. Call with the lock held.
static inline void *tombolo_try_claim(tombolo_module *module,
                                      struct mca_btl_base_endpoint_t *endpoint, size_t bytes,
                                      tombolo_claim *claim) {
  if (OPAL_UNLIKELY(endpoint->is_waiting)) return NULL;
  return tombolo_claim_message(module->engine, endpoint->peer, bytes, claim);
}

#endif  // TOMBOLO_MPI_BTL_COMPONENT_COMPONENT_H_

// Which processes can be reached. Called for many at once (with a bitmap) or for one at its first
// use (without).
#include <stdlib.h>

#include "mpi_btl/component/component.h"
#include "opal/util/output.h"

static void endpoint_construct(struct mca_btl_base_endpoint_t *endpoint) {
  endpoint->peer = NULL;
  endpoint->proc = NULL;
  endpoint->is_waiting = false;
  OBJ_CONSTRUCT(&endpoint->queued, opal_list_t);
}

static void endpoint_destruct(struct mca_btl_base_endpoint_t *endpoint) {
  OBJ_DESTRUCT(&endpoint->queued);
}

OBJ_CLASS_INSTANCE(mca_btl_base_endpoint_t, opal_list_item_t, endpoint_construct,
                   endpoint_destruct);

// NULL when `proc` is out of reach.
static struct mca_btl_base_endpoint_t *endpoint_open(tombolo_module *module, opal_proc_t *proc) {
  void *address = NULL;
  size_t bytes = 0;
  if (OPAL_SUCCESS != tombolo_fetch_address(proc, &address, &bytes)) return NULL;
  struct mca_btl_base_endpoint_t *endpoint = OBJ_NEW(mca_btl_base_endpoint_t);
  if (NULL != endpoint) {
    tombolo_text why;
    endpoint->proc = proc;
    tombolo_lock(module);
    endpoint->peer = tombolo_open_peer(module->engine, address, bytes, endpoint, why);
    tombolo_unlock(module);
    if (NULL == endpoint->peer) {
      opal_output_verbose(10, opal_btl_base_framework.framework_output,
                          "btl:tombolo: %s is out of reach: %s", OPAL_NAME_PRINT(proc->proc_name),
                          why);
      OBJ_RELEASE(endpoint);
    }
  }
  free(address);
  return endpoint;
}

int tombolo_add_procs(mca_btl_base_module_t *btl, size_t count, opal_proc_t **procs,
                      struct mca_btl_base_endpoint_t **endpoints, opal_bitmap_t *reachable) {
  tombolo_module *module = tombolo_module_of(btl);
  for (size_t i = 0; i < count; ++i) {
    endpoints[i] = NULL;
    // Also for this process itself, whose messages BTL `self` takes: osc/rdma operates on windows
    // of its own process through the transport as well.
    endpoints[i] = endpoint_open(module, procs[i]);
    if (NULL == endpoints[i] || NULL == reachable) continue;
    const int status = opal_bitmap_set_bit(reachable, (int)i);
    if (OPAL_SUCCESS != status) return status;
  }
  return OPAL_SUCCESS;
}

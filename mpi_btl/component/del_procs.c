// Processes that will not be sent to any more.
#include "mpi_btl/component/component.h"

int tombolo_del_procs(mca_btl_base_module_t *btl, size_t count, opal_proc_t **procs,
                      struct mca_btl_base_endpoint_t **endpoints) {
  (void)procs;
  tombolo_module *module = tombolo_module_of(btl);
  for (size_t i = 0; i < count; ++i) {
    if (NULL == endpoints[i]) continue;
    tombolo_lock(module);
    tombolo_fail_queue(module, endpoints[i], OPAL_ERR_UNREACH);
    tombolo_close_peer(module->engine, endpoints[i]->peer);
    tombolo_unlock(module);
    // SUBTLE: what the caller has is left as it is. bml/r2 tells by the pointer that an endpoint
    // was closed, and would close it once more in its list of transports with put and get.
    struct mca_btl_base_endpoint_t *endpoint = endpoints[i];
    OBJ_RELEASE(endpoint);
  }
  return OPAL_SUCCESS;
}

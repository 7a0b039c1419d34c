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
    OBJ_RELEASE(endpoints[i]);
    endpoints[i] = NULL;
  }
  return OPAL_SUCCESS;
}

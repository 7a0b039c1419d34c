// The end of the module.
#include "mpi_btl/component/component.h"

int tombolo_finalize(mca_btl_base_module_t *btl) {
  tombolo_module *module = tombolo_module_of(btl);
  // Programs free what malloc gave after MPI_Finalize too, and may read it until then.
  const bool is_memory_in_use = tombolo_stop_serving_malloc();
  tombolo_detach(module->engine, is_memory_in_use);
  module->engine = NULL;
  OBJ_DESTRUCT(&module->pending);
  OBJ_DESTRUCT(&module->descriptors);
  OBJ_DESTRUCT(&module->waiting_endpoints);
  OBJ_DESTRUCT(&module->poll_lock);
  OBJ_DESTRUCT(&module->lock);
  return OPAL_SUCCESS;
}

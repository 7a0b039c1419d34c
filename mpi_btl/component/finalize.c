// The end of the module.
#include <stdlib.h>

#include "mpi_btl/component/component.h"

// False: it is not the first module, whose memory the program may have.
static bool is_memory_in_use(const tombolo_module *module) {
  // Programs free what malloc gave after MPI_Finalize too, and may read it until then.
  return module == mca_btl_tombolo_component.modules[0] && tombolo_stop_serving_malloc();
}

static void remove_module(const tombolo_module *module) {
  tombolo_module **modules = mca_btl_tombolo_component.modules;
  const int count = mca_btl_tombolo_component.module_count;
  int left = 0;
  for (int i = 0; i < count; ++i) {
    if (modules[i] != module) modules[left++] = modules[i];
  }
  for (int i = left; i < count; ++i) modules[i] = NULL;
  mca_btl_tombolo_component.module_count = left;
}

int tombolo_finalize(mca_btl_base_module_t *btl) {
  tombolo_module *module = tombolo_module_of(btl);
  tombolo_detach(module->engine, is_memory_in_use(module));
  remove_module(module);
  OBJ_DESTRUCT(&module->pending);
  OBJ_DESTRUCT(&module->descriptors);
  OBJ_DESTRUCT(&module->waiting_endpoints);
  OBJ_DESTRUCT(&module->poll_lock);
  OBJ_DESTRUCT(&module->lock);
  free(module);
  return OPAL_SUCCESS;
}

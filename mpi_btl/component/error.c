// What happens when a peer is lost: Open MPI is told, so that nobody waits for it for ever.
#include <stdio.h>

#include "mpi_btl/component/component.h"
#include "opal/util/output.h"

int tombolo_register_error(mca_btl_base_module_t *btl, mca_btl_base_module_error_cb_fn_t callback) {
  tombolo_module_of(btl)->error_callback = callback;
  return OPAL_SUCCESS;
}

void tombolo_on_peer_lost(void *context, void *peer_context, const char *why) {
  tombolo_module *module = context;
  struct mca_btl_base_endpoint_t *endpoint = peer_context;
  char text[2 * TOMBOLO_TEXT_BYTES];
  snprintf(text, sizeof(text), "tombolo: lost rank %u on node %s: %s",
           endpoint->proc->proc_name.vpid, opal_get_proc_hostname(endpoint->proc), why);
  opal_output_verbose(1, opal_btl_base_framework.framework_output, "btl:%s", text);
  tombolo_unlock(module);
  // Open MPI 4.1 ends the job here, with this text.
  if (NULL != module->error_callback) {
    module->error_callback(&module->super, MCA_BTL_ERROR_FLAGS_NONFATAL, endpoint->proc, text);
  }
  tombolo_lock(module);
  tombolo_fail_queue(module, endpoint, OPAL_ERR_UNREACH);
}

// Which memory others may operate on. Open MPI asks in two situations: for a large message (may the
// receiver fetch it?) and for windows of one-sided communication (always).
#include <stdlib.h>

#include "mpi_btl/component/component.h"

static uint32_t access_of(uint32_t flags) {
  return (flags & MCA_BTL_REG_FLAG_REMOTE_READ ? (uint32_t)TOMBOLO_MAY_READ : 0) |
         (flags & MCA_BTL_REG_FLAG_REMOTE_WRITE ? (uint32_t)TOMBOLO_MAY_WRITE : 0) |
         (flags & MCA_BTL_REG_FLAG_REMOTE_ATOMIC ? (uint32_t)TOMBOLO_MAY_OPERATE : 0);
}

// Whether a sender's memory, registered for this alone, is to be fetched by the receiver. A get
// must not be promised and then fail, so it is decided here: else it is sent in fragments.
static bool is_worth_a_get(const tombolo_module *module, const void *base, size_t bytes) {
  return bytes >= mca_btl_tombolo_component.get_min_bytes &&
         tombolo_is_region_memory(module->engine, base, bytes);
}

mca_btl_base_registration_handle_t *tombolo_register_mem(mca_btl_base_module_t *btl,
                                                         struct mca_btl_base_endpoint_t *endpoint,
                                                         void *base, size_t bytes, uint32_t flags) {
  (void)endpoint;
  tombolo_module *module = tombolo_module_of(btl);
  const bool is_message = MCA_BTL_REG_FLAG_REMOTE_READ == flags;
  tombolo_handle *handle = NULL;
  tombolo_lock(module);
  if (!is_message || is_worth_a_get(module, base, bytes)) handle = malloc(sizeof(*handle));
  if (NULL != handle) *handle = tombolo_register(module->engine, base, bytes, access_of(flags));
  tombolo_unlock(module);
  return (mca_btl_base_registration_handle_t *)handle;
}

int tombolo_deregister_mem(mca_btl_base_module_t *btl, mca_btl_base_registration_handle_t *handle) {
  tombolo_module *module = tombolo_module_of(btl);
  tombolo_lock(module);
  tombolo_deregister(module->engine, (const tombolo_handle *)handle);
  tombolo_unlock(module);
  free(handle);
  return OPAL_SUCCESS;
}

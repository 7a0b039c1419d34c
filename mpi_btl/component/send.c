// Sends a descriptor, or queues it when its peer's lane had no room.
#include "mpi_btl/component/component.h"

int tombolo_send(mca_btl_base_module_t *btl, struct mca_btl_base_endpoint_t *endpoint,
                 mca_btl_base_descriptor_t *base, mca_btl_base_tag_t tag) {
  tombolo_module *module = tombolo_module_of(btl);
  tombolo_descriptor *descriptor = (tombolo_descriptor *)base;
  descriptor->tag = tag;
  // SUBTLE: always by callback, and never by returning 1. Where a transport does one or the other,
  // Open MPI 4.1 may count a request as complete too early (open-mpi/ompi#3845).
  base->des_flags |= MCA_BTL_DES_SEND_ALWAYS_CALLBACK;
  tombolo_lock(module);
  if (OPAL_UNLIKELY(tombolo_peer_is_lost(endpoint->peer))) {
    tombolo_unlock(module);
    return OPAL_ERR_UNREACH;
  }
  if (OPAL_UNLIKELY(!descriptor->is_claimed)) {
    tombolo_enqueue(module, descriptor);
    tombolo_unlock(module);
    return OPAL_SUCCESS;
  }
  tombolo_publish(module->engine, &descriptor->claim, tag, descriptor->segment.seg_len);
  descriptor->is_claimed = false;
  tombolo_unlock(module);
  tombolo_complete(module, descriptor, OPAL_SUCCESS);
  return OPAL_SUCCESS;
}

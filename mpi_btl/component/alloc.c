// Descriptors: a message's memory lies in the lane when there is room, so that filling it is the
// only copy, else on the heap. Control messages are never refused: Open MPI 4.1 loses those that
// are (its list of them is looked at only when another message completes). Pieces of the user's
// memory are, while room is on its way: their list is looked at by Open MPI's progress, and on the
// heap they would be copied twice.
#include <stdlib.h>

#include "mpi_btl/component/component.h"

OBJ_CLASS_INSTANCE(tombolo_descriptor, mca_btl_base_descriptor_t, NULL, NULL);

// Memory on the heap; false when there is none.
static bool take_heap(tombolo_descriptor *descriptor, size_t bytes) {
  descriptor->is_claimed = false;
  descriptor->sent_bytes = 0;
  descriptor->heap = malloc(bytes + 1);  // Never NULL for no bytes.
  descriptor->segment.seg_addr.pval = descriptor->heap;
  return NULL != descriptor->heap;
}

static bool take_memory(tombolo_module *module, tombolo_descriptor *descriptor, size_t bytes,
                        bool may_refuse) {
  struct mca_btl_base_endpoint_t *endpoint = descriptor->endpoint;
  tombolo_lock(module);
  void *memory = tombolo_try_claim(module, endpoint, bytes, &descriptor->claim);
  const bool is_refused =
      NULL == memory && may_refuse && tombolo_will_have_room(module->engine, endpoint->peer, bytes);
  tombolo_unlock(module);
  if (is_refused) return false;
  if (OPAL_UNLIKELY(NULL == memory)) return take_heap(descriptor, bytes);
  descriptor->is_claimed = true;
  descriptor->heap = NULL;
  descriptor->segment.seg_addr.pval = memory;
  return true;
}

mca_btl_base_descriptor_t *tombolo_take_descriptor(tombolo_module *module,
                                                   struct mca_btl_base_endpoint_t *endpoint,
                                                   size_t bytes, uint32_t flags, bool may_refuse) {
  tombolo_descriptor *descriptor = (tombolo_descriptor *)opal_free_list_get(&module->descriptors);
  if (OPAL_UNLIKELY(NULL == descriptor)) return NULL;
  descriptor->endpoint = endpoint;
  if (OPAL_UNLIKELY(!take_memory(module, descriptor, bytes, may_refuse))) {
    opal_free_list_return(&module->descriptors, &descriptor->base.super);
    return NULL;
  }
  descriptor->segment.seg_len = bytes;
  descriptor->base.des_segments = &descriptor->segment;
  descriptor->base.des_segment_count = 1;
  descriptor->base.des_flags = flags;
  descriptor->base.order = MCA_BTL_NO_ORDER;
  return &descriptor->base;
}

mca_btl_base_descriptor_t *tombolo_alloc(mca_btl_base_module_t *btl,
                                         struct mca_btl_base_endpoint_t *endpoint, uint8_t order,
                                         size_t bytes, uint32_t flags) {
  (void)order;
  if (OPAL_UNLIKELY(bytes > btl->btl_max_send_size && bytes > btl->btl_eager_limit)) return NULL;
  return tombolo_take_descriptor(tombolo_module_of(btl), endpoint, bytes, flags,
                                 /*may_refuse=*/false);
}

int tombolo_free(mca_btl_base_module_t *btl, mca_btl_base_descriptor_t *base) {
  tombolo_module *module = tombolo_module_of(btl);
  tombolo_descriptor *descriptor = (tombolo_descriptor *)base;
  if (descriptor->is_claimed) {
    tombolo_lock(module);
    tombolo_abandon(module->engine, &descriptor->claim);
    tombolo_unlock(module);
    descriptor->is_claimed = false;
  }
  free(descriptor->heap);
  descriptor->heap = NULL;
  opal_free_list_return(&module->descriptors, &base->super);
  return OPAL_SUCCESS;
}

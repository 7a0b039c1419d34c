// Descriptors that wait for room in their peer's lane, and are sent by progress in the order in
// which they came.
#include "mpi_btl/component/component.h"

void tombolo_enqueue(tombolo_module *module, tombolo_descriptor *descriptor) {
  struct mca_btl_base_endpoint_t *endpoint = descriptor->endpoint;
  opal_list_append(&endpoint->queued, (opal_list_item_t *)&descriptor->base.super);
  if (endpoint->is_waiting) return;
  endpoint->is_waiting = true;
  opal_list_append(&module->waiting_endpoints, &endpoint->super);
}

static tombolo_descriptor *pop(tombolo_module *module, struct mca_btl_base_endpoint_t *endpoint) {
  tombolo_descriptor *descriptor = (tombolo_descriptor *)opal_list_remove_first(&endpoint->queued);
  if (opal_list_is_empty(&endpoint->queued) && endpoint->is_waiting) {
    endpoint->is_waiting = false;
    opal_list_remove_item(&module->waiting_endpoints, &endpoint->super);
  }
  return descriptor;
}

// Copies the oldest descriptor into the lane. False: no room, or not for all of it.
static bool send_oldest(tombolo_module *module, struct mca_btl_base_endpoint_t *endpoint) {
  tombolo_descriptor *oldest = (tombolo_descriptor *)opal_list_get_first(&endpoint->queued);
  return tombolo_send_copy(module->engine, endpoint->peer, oldest->tag, oldest->heap,
                           oldest->segment.seg_len, &oldest->sent_bytes);
}

static int flush_endpoint(tombolo_module *module, struct mca_btl_base_endpoint_t *endpoint) {
  int sent = 0;
  while (endpoint->is_waiting && send_oldest(module, endpoint)) {
    tombolo_descriptor *descriptor = pop(module, endpoint);
    tombolo_unlock(module);
    tombolo_complete(module, descriptor, OPAL_SUCCESS);
    tombolo_lock(module);
    ++sent;
  }
  return sent;
}

int tombolo_flush_queues(tombolo_module *module) {
  int sent = 0;
  // Completions may queue more, also for endpoints that were done: each gets one turn.
  for (size_t turns = opal_list_get_size(&module->waiting_endpoints); turns > 0; --turns) {
    if (opal_list_is_empty(&module->waiting_endpoints)) break;
    opal_list_item_t *first = opal_list_remove_first(&module->waiting_endpoints);
    opal_list_append(&module->waiting_endpoints, first);
    sent += flush_endpoint(module, (struct mca_btl_base_endpoint_t *)first);
  }
  return sent;
}

void tombolo_fail_queue(tombolo_module *module, struct mca_btl_base_endpoint_t *endpoint,
                        int status) {
  while (endpoint->is_waiting) {
    tombolo_descriptor *descriptor = pop(module, endpoint);
    tombolo_unlock(module);
    tombolo_complete(module, descriptor, status);
    tombolo_lock(module);
  }
}

// Hands messages that have come to Open MPI, and sends what had no room.
#include "mpi_btl/component/component.h"

// Messages go by their tag to whoever registered for it, in one table for all transports: so it
// does not matter whether the sender was ever added here. The payload is in the lane; Open MPI
// copies it before it returns.
static void on_message(void *context, uint8_t tag, const void *payload, size_t bytes) {
  tombolo_module *module = context;
  if (OPAL_UNLIKELY(tag >= MCA_BTL_TAG_MAX)) return;
  const mca_btl_active_message_callback_t *receiver = &mca_btl_base_active_message_trigger[tag];
  if (OPAL_UNLIKELY(NULL == receiver->cbfunc)) return;
  mca_btl_base_segment_t segment = {.seg_addr = {.pval = (void *)payload}, .seg_len = bytes};
  mca_btl_base_descriptor_t descriptor = {.des_segments = &segment, .des_segment_count = 1};
  tombolo_unlock(module);
  receiver->cbfunc(&module->super, tag, &descriptor, receiver->cbdata);
  tombolo_lock(module);
}

// One poll at a time: handlers come back here, and so do other threads.
static bool begin_poll(tombolo_module *module) {
  if (OPAL_UNLIKELY(module->threads)) return 0 == opal_mutex_trylock(&module->poll_lock);
  if (OPAL_UNLIKELY(module->is_polling)) return false;
  module->is_polling = true;
  return true;
}

static void end_poll(tombolo_module *module) {
  if (OPAL_UNLIKELY(module->threads)) {
    opal_mutex_unlock(&module->poll_lock);
  } else {
    module->is_polling = false;
  }
}

static int progress_in(tombolo_module *module) {
  const tombolo_handlers handlers = {
      .context = module,
      .message = on_message,
      .peer_lost = tombolo_on_peer_lost,
      .operation_done = tombolo_on_operation_done,
  };
  if (OPAL_UNLIKELY(!begin_poll(module))) return 0;
  tombolo_lock(module);
  int events = tombolo_poll(module->engine, &handlers);
  if (OPAL_UNLIKELY(!opal_list_is_empty(&module->waiting_endpoints)))
    events += tombolo_flush_queues(module);
  if (0 == events) tombolo_idle(module);
  tombolo_unlock(module);
  end_poll(module);
  return events;
}

int tombolo_progress(void) {
  int events = 0;
  for (int i = 0; i < mca_btl_tombolo_component.module_count; ++i)
    events += progress_in(mca_btl_tombolo_component.modules[i]);
  return events;
}

// Sleep of a rank that waits. Open MPI has no other place for it than in the progress of a
// transport.
#include <string.h>

#include "mpi_btl/component/component.h"
#include "opal/runtime/opal_progress.h"

enum {
  kNsPerUs = 1000,
  kLongestSleepUs = 5000,
  // Sockets are looked at only between our sleeps.
  kLongestSleepBesideTcpUs = 50,
  // Ranks that share cores yield while they poll. Sleeping sooner made collectives slower there, as
  // far as a busy machine could tell.
  kCrowdedFactor = 100,
};

// How long the other transports of this process can be left alone. Those that have to be polled
// for each message cannot, nor can a second region.
static int64_t longest_sleep_ns(void) {
  if (mca_btl_tombolo_component.module_count > 1) return 0;
  int64_t longest_ns = kLongestSleepUs * kNsPerUs;
  mca_btl_base_selected_module_t *selected;
  OPAL_LIST_FOREACH(selected, &mca_btl_base_modules_initialized, mca_btl_base_selected_module_t) {
    const char *name = selected->btl_component->btl_version.mca_component_name;
    if (0 == strcmp(name, "tombolo") || 0 == strcmp(name, "self")) continue;
    if (0 != strcmp(name, "tcp")) return 0;
    longest_ns = kLongestSleepBesideTcpUs * kNsPerUs;
  }
  return longest_ns;
}

// Not before Open MPI has chosen its transports, which it has when it waits.
static void set_idle(tombolo_module *module) {
  module->is_crowded = opal_progress_yield_when_idle;
  int64_t idle_ns = (int64_t)mca_btl_tombolo_component.idle_us * kNsPerUs;
  if (module->is_crowded) idle_ns *= kCrowdedFactor;
  tombolo_set_idle(module->engine, idle_ns, longest_sleep_ns(), module->is_crowded);
  module->idle_is_set = true;
}

void tombolo_idle(tombolo_module *module) {
  // Open MPI says late in MPI_Init whether ranks share cores.
  if (OPAL_UNLIKELY(!module->idle_is_set || module->is_crowded != opal_progress_yield_when_idle))
    set_idle(module);
  // What is queued here is sent by polling.
  if (!opal_list_is_empty(&module->waiting_endpoints)) return;
  if (OPAL_LIKELY(!tombolo_fall_asleep(module->engine))) return;
  // Other threads may send meanwhile. One that has to queue something is told of room as this one
  // would be: the doorbell rings.
  tombolo_unlock(module);
  tombolo_sleep(module->engine);
  tombolo_lock(module);
  tombolo_wake_up(module->engine);
}

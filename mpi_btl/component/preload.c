// Large blocks of malloc are memory of the region where the program was started with the library
// libtombolo_malloc.so (mpi_btl/preload). Without it nothing here does anything.
#include "mpi_btl/component/component.h"
#include "mpi_btl/preload/tombolo_malloc.h"
#include "opal/util/output.h"

// The library's; NULL where it is not loaded.
#pragma weak tombolo_malloc_attach
#pragma weak tombolo_malloc_detach

// malloc comes here from any thread, and from within the engine.

static void *allocate(void *engine, size_t bytes) { return tombolo_allocate(engine, bytes); }

static void release(void *engine, void *memory) { (void)tombolo_release(engine, memory); }

void tombolo_serve_malloc(const tombolo_module *module) {
  if (NULL == tombolo_malloc_attach) return;
  tombolo_malloc_provider provider = {
      .context = module->engine, .allocate = allocate, .release = release};
  tombolo_region_extents(module->engine, &provider.first, &provider.bytes);
  if (tombolo_malloc_attach(&provider)) return;
  opal_output_verbose(1, opal_btl_base_framework.framework_output,
                      "btl:tombolo: malloc stays as it is: there is no memory for its table, or "
                      "this process was in a region before and still uses blocks of it");
}

bool tombolo_stop_serving_malloc(void) {
  if (NULL == tombolo_malloc_detach) return false;
  const tombolo_malloc_report report = tombolo_malloc_detach();
  opal_output_verbose(
      1, opal_btl_base_framework.framework_output,
      "btl:tombolo: malloc took %llu blocks of the region, and %llu times ordinary "
      "memory for want of room, of which a larger region (tombolod --size) has more",
      (unsigned long long)report.given, (unsigned long long)report.refused);
  return 0 != report.in_use;
}

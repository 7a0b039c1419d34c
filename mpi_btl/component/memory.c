// The memory pool of MPI_Alloc_mem: memory of the region. Open MPI finds it through the component
// mpool/tombolo, which only hands out what the module says it has (btl_mpool): so a process has one
// engine, whatever is loaded in which order. Where there is no memory Open MPI takes malloc's, and
// remembers which of the two it was.
#include "mpi_btl/component/component.h"
#include "opal/mca/mpool/mpool.h"
#include "opal/util/output.h"

enum { kExtentBytes = 4096 };  // What tombolo_allocate() aligns to.

static void *memory_alloc(mca_mpool_base_module_t *pool, size_t bytes, size_t align,
                          uint32_t flags) {
  (void)pool;
  (void)flags;
  const tombolo_module *module = mca_btl_tombolo_component.modules[0];
  if (NULL == module || align > kExtentBytes) return NULL;
  void *memory = tombolo_allocate(module->engine, bytes);
  if (NULL == memory) {
    opal_output_verbose(1, opal_btl_base_framework.framework_output,
                        "btl:tombolo: the region has no %zu bytes to spare: ordinary memory is "
                        "used; a larger region (tombolod --size) helps",
                        bytes);
  }
  return memory;
}

static void memory_free(mca_mpool_base_module_t *pool, void *memory) {
  (void)pool;
  const tombolo_module *module = mca_btl_tombolo_component.modules[0];
  // After MPI_Finalize the region is gone, and the memory with it.
  if (NULL == module) return;
  (void)tombolo_release(module->engine, memory);
}

mca_mpool_base_module_t tombolo_memory = {
    .mpool_alloc = memory_alloc,
    .mpool_free = memory_free,
    .mpool_allocation_unit = kExtentBytes,
    .mpool_name = "tombolo",
};

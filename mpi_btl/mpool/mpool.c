// The component mpool/tombolo: it makes MPI_Alloc_mem give memory of the region. It decides nothing
// and holds nothing: the memory is that of the module of btl/tombolo (component/memory.c), which it
// finds among the modules that Open MPI has selected. Without one it is not there.
#include "opal/mca/mpool/mpool.h"

#include <string.h>

#include "opal/mca/base/base.h"
#include "opal/mca/btl/base/base.h"
#include "opal_config.h"

enum { kPriority = 90 };  // Above malloc's, which is 50.

typedef struct tombolo_mpool_component {
  mca_mpool_base_component_t super;
  int priority;  // MCA parameter `mpool_tombolo_priority`.
} tombolo_mpool_component;

// The symbol that Open MPI looks for.
OPAL_MODULE_DECLSPEC extern tombolo_mpool_component mca_mpool_tombolo_component;

static int component_register(void) {
  mca_mpool_tombolo_component.priority = kPriority;
  (void)mca_base_component_var_register(
      &mca_mpool_tombolo_component.super.mpool_version, "priority",
      "Priority of the region for MPI_Alloc_mem; that of ordinary memory is 50",
      MCA_BASE_VAR_TYPE_INT, NULL, 0, 0, OPAL_INFO_LVL_3, MCA_BASE_VAR_SCOPE_READONLY,
      &mca_mpool_tombolo_component.priority);
  return OPAL_SUCCESS;
}

static int component_open(void) { return OPAL_SUCCESS; }

static int component_close(void) { return OPAL_SUCCESS; }

// NULL: btl/tombolo is not in use.
static mca_mpool_base_module_t *memory_of_btl(void) {
  // Before the framework is open its list is no list.
  if (!mca_base_framework_is_open(&opal_btl_base_framework)) return NULL;
  mca_btl_base_selected_module_t *selected;
  OPAL_LIST_FOREACH(selected, &mca_btl_base_modules_initialized, mca_btl_base_selected_module_t) {
    const char *name = selected->btl_component->btl_version.mca_component_name;
    if (0 == strcmp(name, "tombolo")) return selected->btl_module->btl_mpool;
  }
  return NULL;
}

// Somebody who has hints wants another kind of memory.
static int component_query(const char *hints, int *priority, mca_mpool_base_module_t **module) {
  if (NULL != hints) return OPAL_ERR_NOT_FOUND;
  *module = memory_of_btl();
  *priority = mca_mpool_tombolo_component.priority;
  return NULL != *module ? OPAL_SUCCESS : OPAL_ERR_NOT_FOUND;
}

tombolo_mpool_component mca_mpool_tombolo_component = {
    .super =
        {
            .mpool_version =
                {
                    MCA_MPOOL_BASE_VERSION_3_0_0,
                    .mca_component_name = "tombolo",
                    MCA_BASE_MAKE_VERSION(component, OPAL_MAJOR_VERSION, OPAL_MINOR_VERSION,
                                          OPAL_RELEASE_VERSION),
                    .mca_open_component = component_open,
                    .mca_close_component = component_close,
                    .mca_register_component_params = component_register,
                },
            .mpool_data = {.param_field = MCA_BASE_METADATA_PARAM_CHECKPOINT},
            .mpool_query = component_query,
        },
};

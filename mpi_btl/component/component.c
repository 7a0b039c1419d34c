// Registration, parameters and selection of the component.
#include "mpi_btl/component/component.h"

#include <stdio.h>
#include <stdlib.h>

#include "opal/mca/base/base.h"
#include "opal/util/argv.h"
#include "opal/util/output.h"

#define TOMBOLO_DEFAULT_BROKER "/run/tombolo/broker.sock"

// Open MPI was built with other options than its headers here say if these differ: nothing would
// work.
_Static_assert(sizeof(mca_btl_base_module_t) == 560, "mca_btl_base_module_t is not Open MPI 4.1's");
_Static_assert(sizeof(mca_btl_base_descriptor_t) == 104,
               "mca_btl_base_descriptor_t is not Open MPI 4.1's");

enum {
  kEagerLimitBytes = 16 * 1024,
  kMaxSendBytes = 32 * 1024,
  // Not lower than it has to be: what is fetched is written behind a receive that is too short for
  // it (README.md).
  kGetMinBytes = 512 * 1024,
  // Between vader (65536), which serves processes of one system, and tcp (100).
  kExclusivity = MCA_BTL_EXCLUSIVITY_DEFAULT,
  kLatencyUs = 1,
  kBandwidthMbps = 40000,
  kIdleUs = 100,
};

static void register_own_parameters(void) {
  mca_base_component_t *version = &mca_btl_tombolo_component.super.btl_version;
  mca_btl_tombolo_component.brokers = TOMBOLO_DEFAULT_BROKER;
  (void)mca_base_component_var_register(
      version, "broker",
      "Socket of the broker: of tombolod on the host, of tombolo-agent in a virtual machine; "
      "where this machine is in several regions, their brokers with commas between them",
      MCA_BASE_VAR_TYPE_STRING, NULL, 0, 0, OPAL_INFO_LVL_3, MCA_BASE_VAR_SCOPE_READONLY,
      &mca_btl_tombolo_component.brokers);

  mca_btl_tombolo_component.idle_us = kIdleUs;
  (void)mca_base_component_var_register(
      version, "idle_us",
      "Microseconds without a message after which a rank that waits for one sleeps (0: never)",
      MCA_BASE_VAR_TYPE_UNSIGNED_INT, NULL, 0, 0, OPAL_INFO_LVL_4, MCA_BASE_VAR_SCOPE_READONLY,
      &mca_btl_tombolo_component.idle_us);

  mca_btl_tombolo_component.get_min_bytes = kGetMinBytes;
  (void)mca_base_component_var_register(
      version, "get_min",
      "Bytes from which on a message that lies in memory of the region (MPI_Alloc_mem) is fetched "
      "by its receiver instead of being sent",
      MCA_BASE_VAR_TYPE_SIZE_T, NULL, 0, 0, OPAL_INFO_LVL_3, MCA_BASE_VAR_SCOPE_READONLY,
      &mca_btl_tombolo_component.get_min_bytes);

  mca_btl_tombolo_component.pool_bytes = 0;
  (void)mca_base_component_var_register(
      version, "pool_size",
      "Bytes of the region that large messages of a rank go through at most (0: what suits the "
      "caches of this host)",
      MCA_BASE_VAR_TYPE_SIZE_T, NULL, 0, 0, OPAL_INFO_LVL_5, MCA_BASE_VAR_SCOPE_READONLY,
      &mca_btl_tombolo_component.pool_bytes);
}

// Every transport has these, and users may change them, too.
static int register_common_parameters(void) {
  mca_btl_base_module_t *module = &mca_btl_tombolo.super;
  module->btl_exclusivity = kExclusivity;
  module->btl_eager_limit = kEagerLimitBytes;
  module->btl_rndv_eager_limit = kEagerLimitBytes;
  module->btl_max_send_size = kMaxSendBytes;
  module->btl_rdma_pipeline_send_length = kEagerLimitBytes;
  module->btl_rdma_pipeline_frag_size = 1024 * 1024;
  // SUBTLE: with vader's INT_MAX messages of more than 2 GiB change to another protocol.
  module->btl_min_rdma_pipeline_size = SIZE_MAX;
  // SINGLE_ADD_PROCS: a rank has to know its peers on other nodes from the start. Open MPI would
  // add them at the first message to them, and one that only receives would not be told of their
  // death.
  module->btl_flags = MCA_BTL_FLAGS_SEND | MCA_BTL_FLAGS_SEND_INPLACE |
                      MCA_BTL_FLAGS_SINGLE_ADD_PROCS | MCA_BTL_FLAGS_RDMA |
                      MCA_BTL_FLAGS_ATOMIC_OPS | MCA_BTL_FLAGS_ATOMIC_FOPS;
  // GLOB: all atomic operations are the processor's, those on private memory of its owner's.
  module->btl_atomic_flags = MCA_BTL_ATOMIC_SUPPORTS_ADD | MCA_BTL_ATOMIC_SUPPORTS_AND |
                             MCA_BTL_ATOMIC_SUPPORTS_OR | MCA_BTL_ATOMIC_SUPPORTS_XOR |
                             MCA_BTL_ATOMIC_SUPPORTS_SWAP | MCA_BTL_ATOMIC_SUPPORTS_CSWAP |
                             MCA_BTL_ATOMIC_SUPPORTS_32BIT | MCA_BTL_ATOMIC_SUPPORTS_GLOB;
  module->btl_registration_handle_size = sizeof(tombolo_handle);
  module->btl_get_limit = SIZE_MAX;
  module->btl_put_limit = SIZE_MAX;
  module->btl_get_alignment = 0;
  module->btl_put_alignment = 0;
  // Local memory is never registered: it is copied from and to as it is.
  module->btl_get_local_registration_threshold = SIZE_MAX;
  module->btl_put_local_registration_threshold = SIZE_MAX;
  module->btl_latency = kLatencyUs;
  module->btl_bandwidth = kBandwidthMbps;
  return mca_btl_base_param_register(&mca_btl_tombolo_component.super.btl_version, module);
}

static int component_register(void) {
  register_own_parameters();
  return register_common_parameters();
}

static int component_open(void) { return OPAL_SUCCESS; }

static int component_close(void) { return OPAL_SUCCESS; }

// What the user set may be more than the engine can take.
static void clamp_limits(mca_btl_base_module_t *module, size_t max_bytes) {
  if (module->btl_max_send_size > max_bytes) module->btl_max_send_size = max_bytes;
  if (module->btl_eager_limit > max_bytes) module->btl_eager_limit = max_bytes;
  if (module->btl_rndv_eager_limit > module->btl_eager_limit)
    module->btl_rndv_eager_limit = module->btl_eager_limit;
}

static int module_construct(tombolo_module *module, bool threads) {
  module->threads = threads;
  module->idle_is_set = false;
  module->is_polling = false;
  module->error_callback = NULL;
  OBJ_CONSTRUCT(&module->lock, opal_mutex_t);
  OBJ_CONSTRUCT(&module->poll_lock, opal_mutex_t);
  OBJ_CONSTRUCT(&module->waiting_endpoints, opal_list_t);
  OBJ_CONSTRUCT(&module->descriptors, opal_free_list_t);
  OBJ_CONSTRUCT(&module->pending, opal_free_list_t);
  const int status =
      opal_free_list_init(&module->pending, sizeof(tombolo_pending), (size_t)opal_cache_line_size,
                          OBJ_CLASS(tombolo_pending), 0, 0, /*initial=*/0, /*maximum=*/-1,
                          /*step=*/64, NULL, 0, NULL, NULL, NULL);
  if (OPAL_SUCCESS != status) return status;
  return opal_free_list_init(&module->descriptors, sizeof(tombolo_descriptor),
                             (size_t)opal_cache_line_size, OBJ_CLASS(tombolo_descriptor), 0, 0,
                             /*initial=*/64, /*maximum=*/-1,
                             /*step=*/64, NULL, 0, NULL, NULL, NULL);
}

// NULL when there is no broker, or no memory.
static tombolo_module *module_open(const char *broker_path, bool threads) {
  char name[32];
  snprintf(name, sizeof(name), "mpi-%u", (unsigned)OPAL_PROC_MY_NAME.vpid);
  tombolo_text why;
  tombolo_engine *engine = tombolo_attach(broker_path, name, why);
  if (NULL == engine) {
    opal_output_verbose(1, opal_btl_base_framework.framework_output, "btl:tombolo: not used: %s",
                        why);
    return NULL;
  }
  if (0 != mca_btl_tombolo_component.pool_bytes)
    tombolo_set_pool_bytes(engine, mca_btl_tombolo_component.pool_bytes);
  tombolo_module *module = malloc(sizeof(*module));
  if (NULL == module) {
    tombolo_detach(engine, /*keeps_memory=*/false);
    return NULL;
  }
  *module = mca_btl_tombolo;
  module->engine = engine;
  if (OPAL_SUCCESS != module_construct(module, threads)) {
    tombolo_finalize(&module->super);
    return NULL;
  }
  clamp_limits(&module->super, tombolo_max_message_bytes(engine));
  return module;
}

// Whether a module is there already for its region.
static bool is_twice(const tombolo_module *module) {
  const tombolo_address address = tombolo_own_address(module->engine);
  for (int i = 0; i < mca_btl_tombolo_component.module_count; ++i) {
    const tombolo_module *one = mca_btl_tombolo_component.modules[i];
    if (tombolo_is_in_region(one->engine, &address, sizeof(address))) return true;
  }
  return false;
}

// A module for each broker that serves a region.
static void modules_open(bool threads) {
  tombolo_component *component = &mca_btl_tombolo_component;
  char **paths = opal_argv_split(component->brokers, ',');
  for (char **path = paths; NULL != path && NULL != *path; ++path) {
    if (TOMBOLO_MAX_REGIONS == component->module_count) {
      opal_output_verbose(1, opal_btl_base_framework.framework_output,
                          "btl:tombolo: not used: %s: a process can be in %d regions", *path,
                          TOMBOLO_MAX_REGIONS);
      break;
    }
    tombolo_module *module = module_open(*path, threads);
    if (NULL == module) continue;
    if (is_twice(module)) {
      opal_output_verbose(1, opal_btl_base_framework.framework_output,
                          "btl:tombolo: not used: %s: it serves the same region as one before it",
                          *path);
      tombolo_finalize(&module->super);
      continue;
    }
    component->modules[component->module_count++] = module;
  }
  opal_argv_free(paths);
}

static void modules_close(void) {
  while (mca_btl_tombolo_component.module_count > 0)
    tombolo_finalize(&mca_btl_tombolo_component.modules[0]->super);
}

static mca_btl_base_module_t **component_init(int *count, bool progress_threads, bool mpi_threads) {
  (void)progress_threads;
  *count = 0;
  tombolo_component *component = &mca_btl_tombolo_component;
  modules_open(mpi_threads || opal_using_threads());
  const int published = tombolo_publish_addresses();
  if (0 == component->module_count) return NULL;

  // NOLINTNEXTLINE(bugprone-sizeof-expression): a list of pointers is meant.
  mca_btl_base_module_t **modules = malloc((size_t)component->module_count * sizeof(*modules));
  if (OPAL_SUCCESS != published || NULL == modules) {
    modules_close();
    free(modules);
    return NULL;
  }
  tombolo_serve_malloc(component->modules[0]);
  for (int i = 0; i < component->module_count; ++i) modules[i] = &component->modules[i]->super;
  *count = component->module_count;
  return modules;
}

tombolo_component mca_btl_tombolo_component = {
    .super =
        {
            .btl_version =
                {
                    MCA_BTL_DEFAULT_VERSION("tombolo"),
                    .mca_open_component = component_open,
                    .mca_close_component = component_close,
                    .mca_register_component_params = component_register,
                },
            .btl_data = {.param_field = MCA_BASE_METADATA_PARAM_CHECKPOINT},
            .btl_init = component_init,
            .btl_progress = tombolo_progress,
        },
};

// The exchange of addresses between the processes of a job.
#include "mpi_btl/component/component.h"
#include "opal/mca/pmix/pmix.h"

int tombolo_publish_address(const tombolo_engine *engine) {
  tombolo_address address = tombolo_own_address(engine);
  int status;
  // Global: the processes of interest are on other nodes, as Open MPI sees it.
  OPAL_MODEX_SEND(status, OPAL_PMIX_GLOBAL, &mca_btl_tombolo_component.super.btl_version, &address,
                  sizeof(address));
  return status;
}

int tombolo_fetch_address(const opal_proc_t *proc, void **address, size_t *bytes) {
  int status;
  uint8_t *data = NULL;
  *bytes = 0;
  OPAL_MODEX_RECV(status, &mca_btl_tombolo_component.super.btl_version, &proc->proc_name, &data,
                  bytes);
  *address = data;
  return status;
}

// The exchange of addresses between the processes of a job.
#include "mpi_btl/component/component.h"
#include "opal/mca/pmix/pmix.h"

int tombolo_publish_addresses(void) {
  tombolo_address addresses[TOMBOLO_MAX_REGIONS] = {tombolo_own_address(NULL)};
  const int count = mca_btl_tombolo_component.module_count;
  for (int i = 0; i < count; ++i)
    addresses[i] = tombolo_own_address(mca_btl_tombolo_component.modules[i]->engine);
  const int bytes = (0 == count ? 1 : count) * (int)sizeof(addresses[0]);
  int status;
  // Global: the processes of interest are on other nodes, as Open MPI sees it.
  OPAL_MODEX_SEND(status, OPAL_PMIX_GLOBAL, &mca_btl_tombolo_component.super.btl_version, addresses,
                  bytes);
  return status;
}

int tombolo_fetch_addresses(const opal_proc_t *proc, uint8_t **addresses, size_t *bytes) {
  int status;
  *addresses = NULL;
  *bytes = 0;
  OPAL_MODEX_RECV(status, &mca_btl_tombolo_component.super.btl_version, &proc->proc_name, addresses,
                  bytes);
  return status;
}

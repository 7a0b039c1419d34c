// Which processes can be reached. Called for many at once (with a bitmap) or for one at its first
// use (without).
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mpi_btl/component/component.h"
#include "opal/util/output.h"

enum { kUuidBytes = sizeof(((tombolo_address *)NULL)->region_uuid) };

static void endpoint_construct(struct mca_btl_base_endpoint_t *endpoint) {
  endpoint->peer = NULL;
  endpoint->proc = NULL;
  endpoint->is_waiting = false;
  OBJ_CONSTRUCT(&endpoint->queued, opal_list_t);
}

static void endpoint_destruct(struct mca_btl_base_endpoint_t *endpoint) {
  OBJ_DESTRUCT(&endpoint->queued);
}

OBJ_CLASS_INSTANCE(mca_btl_base_endpoint_t, opal_list_item_t, endpoint_construct,
                   endpoint_destruct);

// The one of `addresses` that is in the module's region; NULL: none is.
static const uint8_t *address_in(const tombolo_module *module, const uint8_t *addresses,
                                 size_t bytes) {
  const size_t one = sizeof(tombolo_address);
  for (size_t at = 0; one <= bytes - at; at += one) {
    if (tombolo_is_in_region(module->engine, addresses + at, one)) return addresses + at;
  }
  return NULL;
}

static const uint8_t *uuid_of(const uint8_t *address) {
  return address + offsetof(tombolo_address, region_uuid);
}

// The address at which the module reaches who has published `addresses`; NULL: it does not, or
// another module does. Of several regions that two processes share both take the one with the
// smallest uuid: what one of them lets the other fetch has to be where that one looks.
static const uint8_t *choose_address(const tombolo_module *module, const uint8_t *addresses,
                                     size_t bytes) {
  const uint8_t *address = address_in(module, addresses, bytes);
  if (NULL == address) return NULL;
  for (int i = 0; i < mca_btl_tombolo_component.module_count; ++i) {
    const uint8_t *other = address_in(mca_btl_tombolo_component.modules[i], addresses, bytes);
    if (NULL != other && memcmp(uuid_of(other), uuid_of(address), kUuidBytes) < 0) return NULL;
  }
  return address;
}

static tombolo_peer *open_peer(tombolo_module *module, struct mca_btl_base_endpoint_t *endpoint,
                               const uint8_t *addresses, size_t bytes, tombolo_text why) {
  const uint8_t *address = choose_address(module, addresses, bytes);
  if (NULL == address) {
    snprintf(why, sizeof(tombolo_text), "it is not in this region, or in another one as well");
    return NULL;
  }
  tombolo_lock(module);
  tombolo_peer *peer =
      tombolo_open_peer(module->engine, address, sizeof(tombolo_address), endpoint, why);
  tombolo_unlock(module);
  return peer;
}

// NULL when `proc` is out of reach.
static struct mca_btl_base_endpoint_t *endpoint_open(tombolo_module *module, opal_proc_t *proc) {
  uint8_t *addresses;
  size_t bytes;
  if (OPAL_SUCCESS != tombolo_fetch_addresses(proc, &addresses, &bytes)) return NULL;
  struct mca_btl_base_endpoint_t *endpoint = OBJ_NEW(mca_btl_base_endpoint_t);
  if (NULL != endpoint) {
    tombolo_text why;
    endpoint->proc = proc;
    endpoint->peer = open_peer(module, endpoint, addresses, bytes, why);
    if (NULL == endpoint->peer) {
      opal_output_verbose(10, opal_btl_base_framework.framework_output,
                          "btl:tombolo: %s is out of reach: %s", OPAL_NAME_PRINT(proc->proc_name),
                          why);
      OBJ_RELEASE(endpoint);
    }
  }
  free(addresses);
  return endpoint;
}

int tombolo_add_procs(mca_btl_base_module_t *btl, size_t count, opal_proc_t **procs,
                      struct mca_btl_base_endpoint_t **endpoints, opal_bitmap_t *reachable) {
  tombolo_module *module = tombolo_module_of(btl);
  for (size_t i = 0; i < count; ++i) {
    endpoints[i] = NULL;
    // Also for this process itself, whose messages BTL `self` takes: osc/rdma operates on windows
    // of its own process through the transport as well.
    endpoints[i] = endpoint_open(module, procs[i]);
    if (NULL == endpoints[i] || NULL == reachable) continue;
    const int status = opal_bitmap_set_bit(reachable, (int)i);
    if (OPAL_SUCCESS != status) return status;
  }
  return OPAL_SUCCESS;
}

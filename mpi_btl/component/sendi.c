// Sends a small message at once, without a descriptor. `descriptor` is NULL when the caller has
// another way to go on.
#include <string.h>

#include "mpi_btl/component/component.h"
#include "opal/datatype/opal_convertor.h"

// Packs behind the header; the convertor is uninitialised when there is nothing to pack.
static bool pack(struct opal_convertor_t *convertor, void *to, size_t bytes) {
  if (0 == bytes) return true;
  struct iovec piece = {.iov_base = to, .iov_len = bytes};
  uint32_t pieces = 1;
  size_t packed = bytes;
  return opal_convertor_pack(convertor, &piece, &pieces, &packed) >= 0 && packed == bytes;
}

int tombolo_sendi(mca_btl_base_module_t *btl, struct mca_btl_base_endpoint_t *endpoint,
                  struct opal_convertor_t *convertor, void *header, size_t header_bytes,
                  size_t payload_bytes, uint8_t order, uint32_t flags, mca_btl_base_tag_t tag,
                  mca_btl_base_descriptor_t **descriptor) {
  tombolo_module *module = tombolo_module_of(btl);
  const size_t bytes = header_bytes + payload_bytes;
  tombolo_claim claim;
  tombolo_lock(module);
  void *memory =
      bytes <= TOMBOLO_MAX_SMALL_BYTES ? tombolo_try_claim(module, endpoint, bytes, &claim) : NULL;
  if (OPAL_LIKELY(NULL != memory)) {
    memcpy(memory, header, header_bytes);
    const bool packed = pack(convertor, (char *)memory + header_bytes, payload_bytes);
    if (OPAL_LIKELY(packed)) {
      tombolo_publish(module->engine, &claim, tag, bytes);
    } else {
      tombolo_abandon(module->engine, &claim);
    }
    tombolo_unlock(module);
    return packed ? OPAL_SUCCESS : OPAL_ERROR;
  }
  tombolo_unlock(module);
  if (NULL != descriptor) *descriptor = tombolo_alloc(btl, endpoint, order, bytes, flags);
  return OPAL_ERR_OUT_OF_RESOURCE;
}

// A descriptor filled from the user's memory: the convertor packs straight into the lane.
#include "mpi_btl/component/component.h"
#include "opal/datatype/opal_convertor.h"

mca_btl_base_descriptor_t *tombolo_prepare_src(mca_btl_base_module_t *btl,
                                               struct mca_btl_base_endpoint_t *endpoint,
                                               struct opal_convertor_t *convertor, uint8_t order,
                                               size_t reserve, size_t *bytes, uint32_t flags) {
  (void)order;
  const size_t room =
      btl->btl_max_send_size > btl->btl_eager_limit ? btl->btl_max_send_size : btl->btl_eager_limit;
  if (*bytes > room - reserve) *bytes = room - reserve;
  mca_btl_base_descriptor_t *descriptor = tombolo_take_descriptor(
      tombolo_module_of(btl), endpoint, reserve + *bytes, flags, /*may_refuse=*/true);
  if (OPAL_UNLIKELY(NULL == descriptor)) return NULL;

  struct iovec piece = {
      .iov_base = (char *)descriptor->des_segments->seg_addr.pval + reserve,
      .iov_len = *bytes,
  };
  uint32_t pieces = 1;
  if (OPAL_UNLIKELY(*bytes > 0 && opal_convertor_pack(convertor, &piece, &pieces, bytes) < 0)) {
    tombolo_free(btl, descriptor);
    return NULL;
  }
  // The convertor may stop before the end of the room, between two elements.
  descriptor->des_segments->seg_len = reserve + *bytes;
  return descriptor;
}

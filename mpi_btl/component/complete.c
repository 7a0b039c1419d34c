#include "mpi_btl/component/component.h"

void tombolo_complete(tombolo_module *module, tombolo_descriptor *descriptor, int status) {
  // After the callback the descriptor may be somebody else's.
  const bool is_ours = (descriptor->base.des_flags & MCA_BTL_DES_FLAGS_BTL_OWNERSHIP) != 0;
  if (NULL != descriptor->base.des_cbfunc) {
    descriptor->base.des_cbfunc(&module->super, descriptor->endpoint, &descriptor->base, status);
  }
  if (is_ours) tombolo_free(&module->super, &descriptor->base);
}

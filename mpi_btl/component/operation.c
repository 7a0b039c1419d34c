// Put, get and atomic operations. Each ends by its callback, at once or from progress, and never by
// a returned 1, which osc/rdma of Open MPI 4.1 takes for an error of a put or get.
#include "mpi_btl/component/component.h"

OBJ_CLASS_INSTANCE(tombolo_pending, opal_free_list_item_t, NULL, NULL);

static void call_back(tombolo_module *module, const tombolo_completion *completion, int status) {
  if (NULL == completion->callback) return;
  completion->callback(&module->super, completion->endpoint, completion->local, completion->handle,
                       completion->context, completion->data, status);
}

static int start(tombolo_module *module, tombolo_operation *operation,
                 const tombolo_completion *completion) {
  if (OPAL_UNLIKELY(NULL == completion->endpoint)) return OPAL_ERR_NOT_AVAILABLE;
  tombolo_pending *pending = (tombolo_pending *)opal_free_list_get(&module->pending);
  if (OPAL_UNLIKELY(NULL == pending)) return OPAL_ERR_OUT_OF_RESOURCE;
  pending->completion = *completion;
  operation->context = pending;
  tombolo_lock(module);
  const bool done = tombolo_start_operation(module->engine, completion->endpoint->peer, operation);
  tombolo_unlock(module);
  if (done) {
    opal_free_list_return(&module->pending, &pending->super);
    call_back(module, completion, OPAL_SUCCESS);
  }
  return OPAL_SUCCESS;
}

void tombolo_on_operation_done(void *context, void *operation_context, bool is_good) {
  tombolo_module *module = context;
  tombolo_pending *pending = operation_context;
  const tombolo_completion completion = pending->completion;
  opal_free_list_return(&module->pending, &pending->super);
  tombolo_unlock(module);
  call_back(module, &completion, is_good ? OPAL_SUCCESS : OPAL_ERR_UNREACH);
  tombolo_lock(module);
}

static int start_copy(mca_btl_base_module_t *btl, tombolo_operation_kind kind, uint64_t remote,
                      const mca_btl_base_registration_handle_t *remote_handle, size_t bytes,
                      const tombolo_completion *completion) {
  tombolo_operation operation = {.kind = kind,
                                 .local = completion->local,
                                 .address = remote,
                                 .handle = remote_handle,
                                 .bytes = bytes};
  return start(tombolo_module_of(btl), &operation, completion);
}

int tombolo_put(mca_btl_base_module_t *btl, struct mca_btl_base_endpoint_t *endpoint, void *local,
                uint64_t remote, mca_btl_base_registration_handle_t *local_handle,
                mca_btl_base_registration_handle_t *remote_handle, size_t bytes, int flags,
                int order, mca_btl_base_rdma_completion_fn_t callback, void *context, void *data) {
  (void)flags;
  (void)order;
  return start_copy(btl, TOMBOLO_PUT, remote, remote_handle, bytes,
                    &(tombolo_completion){callback, endpoint, local, local_handle, context, data});
}

int tombolo_get(mca_btl_base_module_t *btl, struct mca_btl_base_endpoint_t *endpoint, void *local,
                uint64_t remote, mca_btl_base_registration_handle_t *local_handle,
                mca_btl_base_registration_handle_t *remote_handle, size_t bytes, int flags,
                int order, mca_btl_base_rdma_completion_fn_t callback, void *context, void *data) {
  (void)flags;
  (void)order;
  return start_copy(btl, TOMBOLO_GET, remote, remote_handle, bytes,
                    &(tombolo_completion){callback, endpoint, local, local_handle, context, data});
}

// False: it does not exist here.
static bool kind_of(mca_btl_base_atomic_op_t op, tombolo_operation_kind *kind) {
  switch (op) {
    case MCA_BTL_ATOMIC_ADD:
      *kind = TOMBOLO_ADD;
      return true;
    case MCA_BTL_ATOMIC_AND:
      *kind = TOMBOLO_AND;
      return true;
    case MCA_BTL_ATOMIC_OR:
      *kind = TOMBOLO_OR;
      return true;
    case MCA_BTL_ATOMIC_XOR:
      *kind = TOMBOLO_XOR;
      return true;
    case MCA_BTL_ATOMIC_SWAP:
      *kind = TOMBOLO_SWAP;
      return true;
    default:
      return false;
  }
}

static int start_atomic(mca_btl_base_module_t *btl, tombolo_operation *operation, int flags,
                        const tombolo_completion *completion) {
  operation->bytes = flags & MCA_BTL_ATOMIC_FLAG_32BIT ? sizeof(uint32_t) : sizeof(uint64_t);
  if (flags & MCA_BTL_ATOMIC_FLAG_FLOAT || operation->address % operation->bytes != 0)
    return OPAL_ERR_NOT_AVAILABLE;
  return start(tombolo_module_of(btl), operation, completion);
}

int tombolo_atomic_op(mca_btl_base_module_t *btl, struct mca_btl_base_endpoint_t *endpoint,
                      uint64_t remote, mca_btl_base_registration_handle_t *remote_handle,
                      mca_btl_base_atomic_op_t op, uint64_t operand, int flags, int order,
                      mca_btl_base_rdma_completion_fn_t callback, void *context, void *data) {
  return tombolo_atomic_fop(btl, endpoint, NULL, remote, NULL, remote_handle, op, operand, flags,
                            order, callback, context, data);
}

int tombolo_atomic_fop(mca_btl_base_module_t *btl, struct mca_btl_base_endpoint_t *endpoint,
                       void *local, uint64_t remote,
                       mca_btl_base_registration_handle_t *local_handle,
                       mca_btl_base_registration_handle_t *remote_handle,
                       mca_btl_base_atomic_op_t op, uint64_t operand, int flags, int order,
                       mca_btl_base_rdma_completion_fn_t callback, void *context, void *data) {
  (void)order;
  tombolo_operation operation = {
      .local = local, .address = remote, .handle = remote_handle, .operand = operand};
  if (!kind_of(op, &operation.kind)) return OPAL_ERR_NOT_AVAILABLE;
  return start_atomic(
      btl, &operation, flags,
      &(tombolo_completion){callback, endpoint, local, local_handle, context, data});
}

int tombolo_atomic_cswap(mca_btl_base_module_t *btl, struct mca_btl_base_endpoint_t *endpoint,
                         void *local, uint64_t remote,
                         mca_btl_base_registration_handle_t *local_handle,
                         mca_btl_base_registration_handle_t *remote_handle, uint64_t compare,
                         uint64_t value, int flags, int order,
                         mca_btl_base_rdma_completion_fn_t callback, void *context, void *data) {
  (void)order;
  tombolo_operation operation = {.kind = TOMBOLO_COMPARE_SWAP,
                                 .local = local,
                                 .address = remote,
                                 .handle = remote_handle,
                                 .operand = value,
                                 .expected = compare};
  return start_atomic(
      btl, &operation, flags,
      &(tombolo_completion){callback, endpoint, local, local_handle, context, data});
}

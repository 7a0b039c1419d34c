// The function table of the modules. A process has one for each region that it is in.
#include "mpi_btl/component/component.h"

tombolo_module mca_btl_tombolo = {
    .super =
        {
            .btl_component = &mca_btl_tombolo_component.super,
            .btl_add_procs = tombolo_add_procs,
            .btl_del_procs = tombolo_del_procs,
            .btl_finalize = tombolo_finalize,
            .btl_alloc = tombolo_alloc,
            .btl_free = tombolo_free,
            .btl_prepare_src = tombolo_prepare_src,
            .btl_send = tombolo_send,
            .btl_sendi = tombolo_sendi,
            .btl_put = tombolo_put,
            .btl_get = tombolo_get,
            .btl_atomic_op = tombolo_atomic_op,
            .btl_atomic_fop = tombolo_atomic_fop,
            .btl_atomic_cswap = tombolo_atomic_cswap,
            .btl_register_mem = tombolo_register_mem,
            .btl_deregister_mem = tombolo_deregister_mem,
            .btl_mpool = &tombolo_memory,
            .btl_dump = mca_btl_base_dump,
            .btl_register_error = tombolo_register_error,
        },
};

// The function table of the module; one process has one.
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
            .btl_dump = mca_btl_base_dump,
            .btl_register_error = tombolo_register_error,
        },
};

// From which size on a request is large.
#ifndef TOMBOLO_MPI_BTL_PRELOAD_MIN_BYTES_H_
#define TOMBOLO_MPI_BTL_PRELOAD_MIN_BYTES_H_

#include <stddef.h>

// The value of TOMBOLO_MALLOC_MIN_BYTES in bytes, 512 KiB where it is not set. One that makes no
// sense is told of on stderr, once, and is taken for not set.
size_t tombolo_min_bytes(void);

#endif  // TOMBOLO_MPI_BTL_PRELOAD_MIN_BYTES_H_

// libtombolo_malloc.so: large blocks of malloc lie in the region, so that messages from them are
// fetched by their receivers in one copy though the program never calls MPI_Alloc_mem. It is loaded
// before the C library (LD_PRELOAD) and takes the place of malloc, free and their relatives.
//
// What it does not do: it knows neither the region nor MPI. Requests of at least
// TOMBOLO_MALLOC_MIN_BYTES go to whoever has attached as the provider, which is the component
// btl/tombolo; smaller ones, those that the provider refuses, and all of them before it attaches
// and after it detaches go to the C library. free and realloc tell by the address whose a block is.
//
// It is C, and needs the C library alone: it comes into programs of any language.
//
// Ownership: a block is the program's until it is freed. One that is freed after the provider has
// detached is forgotten, and nothing is done with its memory. A child of fork has nothing of the
// region: it is given ordinary memory, what it frees of its parent is forgotten, and what it
// touches of its parent's blocks ends it by SIGSEGV, as they are not mapped there.
//
// Thread safety: attach and detach by one thread at a time, whatever others do with malloc
// meanwhile.
#ifndef TOMBOLO_MPI_BTL_PRELOAD_TOMBOLO_MALLOC_H_
#define TOMBOLO_MPI_BTL_PRELOAD_TOMBOLO_MALLOC_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Blocks are whole pages of so many bytes, and so aligned.
enum { TOMBOLO_MALLOC_PAGE_BYTES = 4096 };

// Both functions are called from any thread, several at a time. What they allocate themselves comes
// from the C library.
typedef struct tombolo_malloc_provider {
  void *context;
  // At least `bytes` of zeroed memory, aligned to a page; NULL: there is none to spare.
  void *(*allocate)(void *context, size_t bytes);
  // Of memory that allocate() gave.
  void (*release)(void *context, void *memory);
  // All that allocate() gives lies in the `bytes` bytes, whole pages, from `first` on. While blocks
  // are in use nothing else may be mapped there, also after the provider has detached.
  void *first;
  size_t bytes;
} tombolo_malloc_provider;

// Counts of the time since the provider attached.
typedef struct tombolo_malloc_report {
  uint64_t given;    // Blocks that it gave.
  uint64_t refused;  // Large requests for which it had no room.
  uint64_t in_use;   // Blocks that are not freed: their memory must stay as it is.
} tombolo_malloc_report;

// From now on large blocks come from `provider`, which is copied. False, and nothing has changed:
// blocks of a former provider are in use, or there is no memory for a table of 4 bytes per page.
bool tombolo_malloc_attach(const tombolo_malloc_provider *provider);

// From now on they do not. When it returns, nobody is in a function of the provider, and nobody
// will be. Without a provider it reports nothing.
tombolo_malloc_report tombolo_malloc_detach(void);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // TOMBOLO_MPI_BTL_PRELOAD_TOMBOLO_MALLOC_H_

#define _GNU_SOURCE
#include "mpi_btl/preload/blocks.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mpi_btl/preload/min_bytes.h"
#include "mpi_btl/preload/tombolo_malloc.h"

enum {
  kPageBytes = TOMBOLO_MALLOC_PAGE_BYTES,
  // To ask for room that is not there costs the provider a look at all of the region.
  kMostUnasked = 1023,
};

_Atomic(size_t) tombolo_large_bytes = SIZE_MAX;

// Guards the provider: shared by those who call it, and alone by those who change it.
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static tombolo_malloc_provider provider;
static bool is_attached;

// The process that attached it; any other one is a child of fork.
static _Atomic(pid_t) owner;

// Whether this thread is in a function of the provider: what that needs itself is ordinary memory.
// Of the initial-exec model (BUILD), whose access allocates nothing.
static _Thread_local bool is_inside;

// Where the region lies, and the pages of the block that begins at each of its pages; 0: none does.
typedef _Atomic(uint32_t) page_count;
typedef struct region_table {
  uintptr_t first;
  size_t bytes;
  page_count pages[];
} region_table;
static _Atomic(region_table *) table;  // NULL: there is no region.

// Relaxed, all of them: counts on whose account no memory is read.
static _Atomic(uint64_t) given;
static _Atomic(uint64_t) refused;
static _Atomic(uint64_t) in_use;
static _Atomic(uint32_t) left_unasked;  // Requests that go without asking the provider,
static _Atomic(uint32_t) next_unasked;  // and how many will after the next refusal.

static void count(_Atomic(uint64_t) *counter) {
  atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static uint64_t read_count(_Atomic(uint64_t) *counter) {
  return atomic_load_explicit(counter, memory_order_relaxed);
}

static void ask_always(void) {
  atomic_store_explicit(&left_unasked, 0, memory_order_relaxed);
  atomic_store_explicit(&next_unasked, 0, memory_order_relaxed);
}

static void ask_less(void) {
  const uint32_t unasked = atomic_load_explicit(&next_unasked, memory_order_relaxed);
  atomic_store_explicit(&left_unasked, unasked, memory_order_relaxed);
  const uint32_t next = 2 * unasked + 1;
  atomic_store_explicit(&next_unasked, next < kMostUnasked ? next : kMostUnasked,
                        memory_order_relaxed);
}

// Two threads may count as one: then it is asked a little later.
static bool is_time_to_ask(void) {
  const uint32_t left = atomic_load_explicit(&left_unasked, memory_order_relaxed);
  if (0 == left) return true;
  atomic_store_explicit(&left_unasked, left - 1, memory_order_relaxed);
  return false;
}

// NULL: it is no page of the region.
static page_count *page_count_of(const void *memory) {
  // Acquire: pairs with the release in describe_region(); what is in it is there.
  region_table *known = atomic_load_explicit(&table, memory_order_acquire);
  if (NULL == known) return NULL;
  // What lies before the region, and NULL, wraps around to a large offset.
  const uintptr_t offset = (uintptr_t)memory - known->first;
  if (offset >= known->bytes || 0 != offset % kPageBytes) return NULL;
  return &known->pages[offset / kPageBytes];
}

// Calls the provider; NULL: it has no room, or is gone.
static void *ask(size_t bytes) {
  void *memory = NULL;
  is_inside = true;
  pthread_rwlock_rdlock(&lock);
  if (is_attached && bytes <= provider.bytes) memory = provider.allocate(provider.context, bytes);
  // Memory from elsewhere, against what was promised, nobody could give back: it is not used.
  page_count *pages = NULL != memory ? page_count_of(memory) : NULL;
  if (NULL != pages) {
    count(&in_use);
    // Relaxed: whoever uses the block has its address from this thread.
    atomic_store_explicit(pages, (uint32_t)((bytes + kPageBytes - 1) / kPageBytes),
                          memory_order_relaxed);
  }
  pthread_rwlock_unlock(&lock);
  is_inside = false;
  return NULL != pages ? memory : NULL;
}

void *tombolo_take_block(size_t bytes) {
  if (is_inside || tombolo_blocks_are_gone()) return NULL;
  const bool is_asked = is_time_to_ask();
  void *memory = is_asked ? ask(bytes) : NULL;
  count(NULL != memory ? &given : &refused);
  if (NULL != memory) {
    ask_always();
  } else if (is_asked) {
    ask_less();
  }
  return memory;
}

size_t tombolo_block_bytes(const void *memory) {
  page_count *pages = page_count_of(memory);
  // Relaxed: as in ask().
  return NULL == pages ? 0 : (size_t)atomic_load_explicit(pages, memory_order_relaxed) * kPageBytes;
}

// Without a provider the memory stays as it is.
static void release(void *memory) {
  const bool was_inside = is_inside;
  is_inside = true;
  pthread_rwlock_rdlock(&lock);
  if (is_attached) provider.release(provider.context, memory);
  pthread_rwlock_unlock(&lock);
  is_inside = was_inside;
}

bool tombolo_give_block_back(void *memory) {
  page_count *pages = page_count_of(memory);
  // Relaxed: as in ask(); and before the provider may give the memory to another thread.
  if (NULL == pages || 0 == atomic_exchange_explicit(pages, 0, memory_order_relaxed)) return false;
  if (!tombolo_blocks_are_gone()) release(memory);
  // Last: until then the memory must be there.
  atomic_fetch_sub_explicit(&in_use, 1, memory_order_relaxed);
  ask_always();
  return true;
}

// SUBTLE: asked each time and not remembered by begin_child(): in a child others may allocate and
// free before that is called, and the provider's locks may be those of threads that are not there.
bool tombolo_blocks_are_gone(void) {
  return getpid() != atomic_load_explicit(&owner, memory_order_relaxed);
}

// The region is not mapped in a child (transport/device/mapping.h). Its addresses are kept, so that
// no other memory is taken for blocks of the parent, and whoever touches those is told by SIGSEGV.
static void begin_child(void) {
  atomic_store_explicit(&tombolo_large_bytes, SIZE_MAX, memory_order_relaxed);
  is_attached = false;
  // Threads that shared it are not here.
  pthread_rwlock_init(&lock, NULL);
  const region_table *known = atomic_load_explicit(&table, memory_order_relaxed);
  if (NULL == known) return;
  // Where it fails something is mapped there already, and nothing can be done about it.
  (void)mmap((void *)known->first, known->bytes, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

static bool watch_forks(void) {
  static bool is_watching;
  if (!is_watching) is_watching = 0 == pthread_atfork(NULL, NULL, begin_child);
  return is_watching;
}

// False: there is no memory for the table. That of a former region is left as it is: another thread
// may just be looking whether an address lies there.
static bool describe_region(const tombolo_malloc_provider *wanted) {
  const size_t table_bytes = sizeof(region_table) + wanted->bytes / kPageBytes * sizeof(page_count);
  void *memory = mmap(NULL, table_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (MAP_FAILED == memory) return false;
  region_table *fresh = memory;
  fresh->first = (uintptr_t)wanted->first;
  fresh->bytes = wanted->bytes;
  // Release: pairs with the acquire in page_count_of().
  atomic_store_explicit(&table, fresh, memory_order_release);
  return true;
}

bool tombolo_malloc_attach(const tombolo_malloc_provider *wanted) {
  if (0 != read_count(&in_use) || !watch_forks() || !describe_region(wanted)) return false;
  atomic_store_explicit(&given, 0, memory_order_relaxed);
  atomic_store_explicit(&refused, 0, memory_order_relaxed);
  ask_always();
  // It is looked up at its first call, now, and not by a thread that holds locks of the program.
  (void)malloc_usable_size(NULL);
  atomic_store_explicit(&owner, getpid(), memory_order_relaxed);
  pthread_rwlock_wrlock(&lock);
  provider = *wanted;
  is_attached = true;
  pthread_rwlock_unlock(&lock);
  atomic_store_explicit(&tombolo_large_bytes, tombolo_min_bytes(), memory_order_relaxed);
  return true;
}

tombolo_malloc_report tombolo_malloc_detach(void) {
  // First, so that those who come now keep nobody waiting for the lock.
  atomic_store_explicit(&tombolo_large_bytes, SIZE_MAX, memory_order_relaxed);
  pthread_rwlock_wrlock(&lock);
  const bool was_attached = is_attached;
  is_attached = false;
  pthread_rwlock_unlock(&lock);
  if (!was_attached) return (tombolo_malloc_report){0};
  const tombolo_malloc_report report = {
      .given = read_count(&given), .refused = read_count(&refused), .in_use = read_count(&in_use)};
  // Other memory may be mapped there soon.
  if (0 == report.in_use) atomic_store_explicit(&table, NULL, memory_order_relaxed);
  return report;
}

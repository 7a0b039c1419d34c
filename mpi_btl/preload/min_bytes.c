#include "mpi_btl/preload/min_bytes.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "mpi_btl/preload/tombolo_malloc.h"

// Messages of so many bytes are fetched by their receivers (btl_tombolo_get_min).
enum { kDefaultBytes = 512 * 1024 };

static const char kVariable[] = "TOMBOLO_MALLOC_MIN_BYTES";

static void complain(const char *text) {
  static bool is_told;
  if (is_told) return;
  is_told = true;
  fprintf(stderr,
          "libtombolo_malloc: %s is '%s', expected a number of bytes from %d on, which is what a "
          "block takes at least; %d is taken. Give another one to mpirun: -x %s=BYTES\n",
          kVariable, text, TOMBOLO_MALLOC_PAGE_BYTES, kDefaultBytes, kVariable);
}

size_t tombolo_min_bytes(void) {
  const char *text = getenv(kVariable);
  if (NULL == text) return kDefaultBytes;
  char *end = NULL;
  errno = 0;
  const unsigned long long value = strtoull(text, &end, 10);
  // strtoull() takes spaces and signs as well.
  const bool is_number = isdigit((unsigned char)text[0]) && '\0' == *end && 0 == errno;
  if (is_number && value >= TOMBOLO_MALLOC_PAGE_BYTES) return (size_t)value;
  complain(text);
  return kDefaultBytes;
}

/* The least that a program does with libtombolo: says in which slot it is, and answers 1 with the
 * reason if it is in none. */
#include <stdio.h>
#include <tombolo/kvcache.h>
#include <tombolo/tombolo.h>

int main(void) {
  tombolo_endpoint* self;
  tombolo_kv* cache;
  if (tombolo_kv_open(NULL, "127.0.0.1:11300", &cache) == 0) tombolo_kv_close(cache);
  if (tombolo_attach(NULL, "ten-lines", &self) != 0)
    return fprintf(stderr, "%s\n", tombolo_error()), 1;
  printf("slot %u\n", tombolo_slot(self));
  tombolo_detach(self);
  return 0;
}

/* Two processes say hello through the region: the one that is started first waits, the second one
 * greets it.
 *
 *   hello [BROKER_SOCKET]      (twice, in any two of host and guests)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/c/tombolo.h"

enum { kMaxPeers = 64, kText = 1 };
static const int64_t kSecondNs = 1000000000;

static tombolo_endpoint* self;
static int greeted;

static void die(const char* what) {
  fprintf(stderr, "hello: %s: %s\n", what, tombolo_error());
  exit(1);
}

static void say(tombolo_id to, const char* text) {
  tombolo_claim claim;
  if (tombolo_open(self, to) != 0) die("open");
  if (tombolo_try_claim(self, to, strlen(text), &claim) != 0) die("claim");
  memcpy(claim.data, text, strlen(text));
  tombolo_publish(self, &claim, kText, strlen(text));
}

static void heard(void* context, tombolo_id source, uint8_t tag, const void* data, size_t size) {
  (void)context;
  (void)tag;
  printf("endpoint %u says: %.*s\n", source.index, (int)size, (const char*)data);
  if (!greeted) say(source, "hello to you");
  greeted = 1;
}

int main(int argc, char** argv) {
  const tombolo_handler handler = {.struct_bytes = sizeof(handler), .on_message = heard};
  tombolo_peer peers[kMaxPeers];
  if (tombolo_attach(argc > 1 ? argv[1] : NULL, "hello", &self) != 0) die("attach");
  printf("I am endpoint %u of slot %u\n", tombolo_self(self).index, tombolo_slot(self));
  fflush(stdout);
  int count = tombolo_peers(self, peers, kMaxPeers);
  for (int i = 0; i < count && i < kMaxPeers && !greeted; ++i) {
    if (strcmp(peers[i].name, "hello") != 0 || peers[i].id.index == tombolo_self(self).index)
      continue;
    say(peers[i].id, "hello");
    greeted = 1;
  }
  while (tombolo_wait(self, &handler, kSecondNs) == 0) {
  }
  tombolo_detach(self);
  return 0;
}

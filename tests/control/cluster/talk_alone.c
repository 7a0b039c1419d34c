/* Two endpoints of one process and one thread, of which one sends messages of 64 bytes to the
 * other, which reads each at once: nobody waits for anybody, so the same number of messages takes
 * the same instructions.
 *
 *   talk_alone BROKER_SOCKET MESSAGES
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/c/tombolo.h"

enum { kBytes = 64, kTag = 1 };

static long received;

static void heard(void* context, tombolo_id source, uint8_t tag, const void* data, size_t size) {
  (void)context, (void)source, (void)tag, (void)data;
  received += size == kBytes;
}

static tombolo_endpoint* attach(const char* broker, const char* name) {
  tombolo_endpoint* endpoint;
  if (tombolo_attach(broker, name, &endpoint) == 0) return endpoint;
  fprintf(stderr, "talk_alone: %s\n", tombolo_error());
  exit(1);
}

int main(int argc, char** argv) {
  if (argc != 3) return fprintf(stderr, "usage: talk_alone BROKER_SOCKET MESSAGES\n"), 2;
  const long messages = atol(argv[2]);
  const tombolo_handler handler = {.struct_bytes = sizeof(handler), .on_message = heard};
  tombolo_endpoint* sender = attach(argv[1], "sender");
  tombolo_endpoint* receiver = attach(argv[1], "receiver");
  const tombolo_id to = tombolo_self(receiver);
  if (tombolo_open(sender, to) != 0) return fprintf(stderr, "talk_alone: %s\n", tombolo_error()), 1;
  for (long sent = 0; sent < messages; ++sent) {
    tombolo_claim claim;
    while (tombolo_try_claim(sender, to, kBytes, &claim) != 0) {
    }
    memset(claim.data, (int)sent, kBytes);
    tombolo_publish(sender, &claim, kTag, kBytes);
    while (received <= sent && tombolo_poll(receiver, &handler) >= 0) {
    }
  }
  tombolo_detach(sender);
  tombolo_detach(receiver);
  return received == messages ? 0 : 1;
}

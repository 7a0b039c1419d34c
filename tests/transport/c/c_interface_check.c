/* Two endpoints of one process, and every function of the C interface between them.
 *
 *   c_interface_check BROKER_SOCKET
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/c/tombolo.h"

enum { kText = 1, kBulk = 2, kLent = 7, kCookie = 42 };
static const int64_t kSecondNs = 1000000000;

static void require(int good, const char* what, int line) {
  if (good) return;
  fprintf(stderr, "c_interface_check.c:%d: %s; last error: %s\n", line, what, tombolo_error());
  exit(1);
}
#define REQUIRE(condition) require(condition, #condition, __LINE__)

struct side {
  tombolo_endpoint* handle;
  tombolo_handler handler;
  tombolo_id last_source;
  char last_text[64];
  size_t last_bytes;
  int messages;
  int departures;
  tombolo_loan* loan;
  const unsigned char* lent;
  uint64_t returned;
  tombolo_stream* accepted;
};

static void on_message(void* context, tombolo_id source, uint8_t tag, const void* data,
                       size_t size_bytes) {
  struct side* side = context;
  side->last_source = source;
  side->last_bytes = size_bytes;
  if (tag == kText)
    snprintf(side->last_text, sizeof(side->last_text), "%.*s", (int)size_bytes, (const char*)data);
  ++side->messages;
}

static void on_departed(void* context, tombolo_id peer) {
  (void)peer;
  ++((struct side*)context)->departures;
}

static void on_loan(void* context, tombolo_id source, uint8_t tag, tombolo_loan* loan,
                    const void* data, size_t size_bytes) {
  struct side* side = context;
  (void)source;
  REQUIRE(tag == kLent);
  side->loan = loan;
  side->lent = data;
  side->last_bytes = size_bytes;
}

static void on_returned(void* context, tombolo_id borrower, uint64_t cookie) {
  (void)borrower;
  ((struct side*)context)->returned = cookie;
}

static int on_connect(void* context, tombolo_id source, const char* service,
                      tombolo_stream* stream) {
  (void)source;
  if (strcmp(service, "echo") != 0) return 1;
  ((struct side*)context)->accepted = stream;
  return 0;
}

static void attach(struct side* side, const char* broker, const char* name) {
  memset(side, 0, sizeof(*side));
  REQUIRE(tombolo_attach(broker, name, &side->handle) == 0);
  side->handler.struct_bytes = sizeof(side->handler);
  side->handler.context = side;
  side->handler.on_message = on_message;
  side->handler.on_departed = on_departed;
  side->handler.on_loan = on_loan;
  side->handler.on_returned = on_returned;
}

static void poll_both(struct side* a, struct side* b) {
  REQUIRE(tombolo_poll(a->handle, &a->handler) >= 0);
  REQUIRE(tombolo_poll(b->handle, &b->handler) >= 0);
}

static void check_refusals(const char* broker) {
  tombolo_endpoint* none = NULL;
  REQUIRE(tombolo_attach("/nowhere/broker.sock", "x", &none) < 0 && none == NULL);
  REQUIRE(strlen(tombolo_error()) > 10);
  REQUIRE(tombolo_attach(broker, NULL, &none) == -EINVAL);
  tombolo_detach(NULL);
}

static void check_peers(const struct side* a, const struct side* b) {
  tombolo_peer peers[8];
  REQUIRE(tombolo_peers(a->handle, peers, 8) == 2);
  REQUIRE(strcmp(peers[0].name, "a") == 0 && strcmp(peers[1].name, "b") == 0);
  REQUIRE(peers[1].id.index == tombolo_self(b->handle).index && peers[1].slot == 0);
  REQUIRE(tombolo_slot(a->handle) == 0);
}

static void send_text(struct side* from, tombolo_id to, const char* text, int more) {
  tombolo_claim claim;
  REQUIRE(tombolo_try_claim(from->handle, to, strlen(text), &claim) == 0);
  memcpy(claim.data, text, strlen(text));
  if (more) {
    REQUIRE(tombolo_publish_more(from->handle, &claim, kText, strlen(text)) == 0);
  } else {
    REQUIRE(tombolo_publish(from->handle, &claim, kText, strlen(text)) == 0);
  }
}

static void check_messages(struct side* a, struct side* b) {
  const tombolo_id to = tombolo_self(b->handle);
  tombolo_claim claim;
  REQUIRE(tombolo_try_claim(a->handle, to, 1, &claim) == -ENOENT);
  REQUIRE(tombolo_open(a->handle, to) == 0);
  REQUIRE(tombolo_try_claim(a->handle, to, tombolo_max_message_bytes() + 1, &claim) == -EMSGSIZE);
  send_text(a, to, "one", 1);
  send_text(a, to, "two", 0);
  REQUIRE(tombolo_poll(b->handle, &b->handler) == 2);
  REQUIRE(strcmp(b->last_text, "two") == 0);
  REQUIRE(b->last_source.index == tombolo_self(a->handle).index);
  REQUIRE(tombolo_try_claim(a->handle, to, tombolo_max_message_bytes(), &claim) == 0);
  REQUIRE(tombolo_max_now_bytes(a->handle, to) == tombolo_max_message_bytes());
  memset(claim.data, 5, claim.size_bytes);
  tombolo_publish(a->handle, &claim, kBulk, claim.size_bytes);
  REQUIRE(tombolo_try_claim(a->handle, to, 1, &claim) == 0);
  tombolo_abandon(a->handle, &claim);
  REQUIRE(tombolo_try_claim(a->handle, to, 1, &claim) == 0);
  REQUIRE(tombolo_publish(a->handle, &claim, TOMBOLO_TAG_STREAM, 1) == -EINVAL);
  REQUIRE(tombolo_try_claim(a->handle, to, 1, &claim) == 0);
  REQUIRE(tombolo_publish_more(a->handle, &claim, TOMBOLO_TAG_STREAM, 1) == -EINVAL);
  REQUIRE(tombolo_wait(b->handle, &b->handler, kSecondNs) == 1);
  REQUIRE(b->last_bytes == tombolo_max_message_bytes());
  while (tombolo_try_claim(a->handle, to, 1, &claim) == 0) {
    tombolo_publish(a->handle, &claim, kText, 1);
  }
  REQUIRE(tombolo_try_claim(a->handle, to, 1, &claim) == -EAGAIN);
  while (tombolo_poll(b->handle, &b->handler) != 0) {
  }
}

static void check_sleep(struct side* a, struct side* b) {
  struct pollfd readable = {.fd = tombolo_fd(b->handle), .events = POLLIN};
  while (!tombolo_prepare_to_sleep(b->handle)) tombolo_poll(b->handle, &b->handler);
  REQUIRE(tombolo_max_sleep_ns(b->handle) > 0);
  send_text(a, tombolo_self(b->handle), "wake up", 0);
  REQUIRE(poll(&readable, 1, 1000) == 1);
  tombolo_woke_up(b->handle, 0);
  REQUIRE(tombolo_poll(b->handle, &b->handler) == 1);
  REQUIRE(strcmp(b->last_text, "wake up") == 0);
}

static void check_loans(struct side* a, struct side* b) {
  const tombolo_id to = tombolo_self(b->handle);
  tombolo_buffer buffer;
  REQUIRE(tombolo_allocate(a->handle, 100000, &buffer) == 0 && buffer.size_bytes >= 100000);
  memset(buffer.data, 9, buffer.size_bytes);
  REQUIRE(tombolo_lend(a->handle, to, &buffer, buffer.size_bytes, 1, kLent, 0) == -EINVAL);
  REQUIRE(tombolo_lend(a->handle, to, &buffer, 0, 1, TOMBOLO_TAG_STREAM, 0) == -EINVAL);
  REQUIRE(tombolo_lend(a->handle, to, &buffer, 50000, 50000, kLent, kCookie) == 0);
  REQUIRE(tombolo_free(a->handle, &buffer) == 0);
  REQUIRE(tombolo_free(a->handle, &buffer) == -ENOENT);
  REQUIRE(tombolo_poll(b->handle, &b->handler) == 1);
  REQUIRE(b->loan != NULL && b->last_bytes == 50000 && b->lent[49999] == 9);
  REQUIRE(tombolo_loan_intact(b->loan) == 1);
  tombolo_return(b->loan);
  tombolo_poll(a->handle, &a->handler);
  REQUIRE(a->returned == kCookie);
  REQUIRE(tombolo_allocate(a->handle, 0, &buffer) == -EINVAL);
  REQUIRE(tombolo_allocate(a->handle, (size_t)1 << 30, &buffer) == -ENOSPC);
}

static void check_streams(struct side* a, struct side* b) {
  const tombolo_id to = tombolo_self(b->handle);
  tombolo_stream *stream, *refused;
  char buffer[16];
  REQUIRE(tombolo_stream_listen(b->handle, on_connect, b) == 0);
  REQUIRE(tombolo_stream_listen(b->handle, on_connect, b) == -EBUSY);
  REQUIRE(tombolo_stream_connect(a->handle, to, "echo", &stream) == 0);
  REQUIRE(tombolo_stream_connect(a->handle, to, "chargen", &refused) == 0);
  REQUIRE(tombolo_stream_write(stream, "early", 5) == -EAGAIN);
  for (int i = 0; i < 4; ++i) poll_both(a, b);
  REQUIRE(b->accepted != NULL);
  REQUIRE(tombolo_stream_read(refused, buffer, sizeof(buffer)) == -ECONNRESET);
  tombolo_stream_close(refused);
  REQUIRE(tombolo_stream_write(stream, "hello", 5) == 5);
  tombolo_stream_end(stream);
  REQUIRE(tombolo_stream_write(stream, "more", 4) == -EPIPE);
  for (int i = 0; i < 4; ++i) poll_both(a, b);
  REQUIRE(tombolo_stream_read(b->accepted, buffer, 2) == 2 && memcmp(buffer, "he", 2) == 0);
  REQUIRE(tombolo_stream_read(b->accepted, buffer, sizeof(buffer)) == 3);
  REQUIRE(tombolo_stream_read(b->accepted, buffer, sizeof(buffer)) == 0);
  REQUIRE(tombolo_stream_read(stream, buffer, sizeof(buffer)) == -EAGAIN);
  tombolo_stream_close(b->accepted);
  for (int i = 0; i < 4; ++i) poll_both(a, b);
  REQUIRE(tombolo_stream_read(stream, buffer, sizeof(buffer)) == -ECONNRESET);
  tombolo_stream_close(stream);
}

static void check_departure(struct side* a, struct side* b) {
  const tombolo_id gone = tombolo_self(b->handle);
  tombolo_claim claim;
  tombolo_detach(b->handle);
  while (a->departures == 0) tombolo_wait(a->handle, &a->handler, kSecondNs);
  REQUIRE(tombolo_try_claim(a->handle, gone, 1, &claim) == -ENOENT);
  REQUIRE(tombolo_open(a->handle, gone) == -ENOENT);
  tombolo_detach(a->handle);
}

int main(int argc, char** argv) {
  struct side a, b;
  if (argc != 2) return 2;
  check_refusals(argv[1]);
  attach(&a, argv[1], "a");
  attach(&b, argv[1], "b");
  check_peers(&a, &b);
  check_messages(&a, &b);
  check_sleep(&a, &b);
  check_loans(&a, &b);
  check_streams(&a, &b);
  check_departure(&a, &b);
  return 0;
}

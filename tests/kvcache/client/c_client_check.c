/* Every function of the C client, with an owner elsewhere.
 *
 *   c_client_check WINDOW OWNER_SOCKET         all of them
 *   c_client_check WINDOW OWNER_SOCKET quiet   a hit and a miss, by a process that the kernel kills
 *                                              at its next system call
 *   c_client_check WINDOW OWNER_SOCKET gone    the owner was killed
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kvcache/client/kvcache.h"

static void require(int good, const char* what, int line) {
  if (good) return;
  fprintf(stderr, "c_client_check.c:%d: %s; last error: %s\n", line, what, tombolo_kv_error());
  exit(1);
}
#define REQUIRE(condition) require(condition, #condition, __LINE__)

static tombolo_kv* kv;
static char buffer[64];
static tombolo_kv_item item;

static int get(const char* key) {
  memset(buffer, 0, sizeof(buffer));
  return tombolo_kv_get(kv, key, strlen(key), buffer, sizeof(buffer), &item);
}

static int holds(const char* key, const char* value) {
  return get(key) == 1 && strcmp(buffer, value) == 0 && item.value_bytes == strlen(value);
}

static void check_storing(void) {
  REQUIRE(tombolo_kv_set(kv, "a", 1, "1", 1, 7, 0) == TOMBOLO_KV_STORED);
  REQUIRE(holds("a", "1") && item.flags == 7 && item.expiry_s == 0);
  REQUIRE(tombolo_kv_add(kv, "a", 1, "2", 1, 0, 0) == TOMBOLO_KV_NOT_STORED);
  REQUIRE(tombolo_kv_replace(kv, "a", 1, "3", 1, 0, 0) == TOMBOLO_KV_STORED);
  REQUIRE(holds("a", "3"));
  const uint64_t cas = item.cas;
  REQUIRE(tombolo_kv_cas(kv, "a", 1, "4", 1, 0, 0, cas + 1) == TOMBOLO_KV_EXISTS);
  REQUIRE(tombolo_kv_cas(kv, "a", 1, "4", 1, 0, 0, cas) == TOMBOLO_KV_STORED);
  REQUIRE(tombolo_kv_append(kv, "a", 1, "5", 1) == TOMBOLO_KV_STORED);
  REQUIRE(tombolo_kv_prepend(kv, "a", 1, "3", 1) == TOMBOLO_KV_STORED);
  REQUIRE(holds("a", "345"));
}

static void check_counting(void) {
  uint64_t number = 0;
  REQUIRE(tombolo_kv_incr(kv, "a", 1, 5, &number) == TOMBOLO_KV_STORED && number == 350);
  REQUIRE(tombolo_kv_decr(kv, "a", 1, 50, &number) == TOMBOLO_KV_STORED && number == 300);
  REQUIRE(tombolo_kv_incr(kv, "none", 4, 1, NULL) == TOMBOLO_KV_NOT_FOUND);
  REQUIRE(tombolo_kv_set(kv, "text", 4, "x", 1, 0, 0) == TOMBOLO_KV_STORED);
  REQUIRE(tombolo_kv_incr(kv, "text", 4, 1, NULL) == TOMBOLO_KV_NOT_A_NUMBER);
}

static void check_touching(void) {
  REQUIRE(tombolo_kv_touch(kv, "a", 1, 1000) == TOMBOLO_KV_DONE);
  REQUIRE(tombolo_kv_gat(kv, "a", 1, 0, buffer, sizeof(buffer), &item) == 1 && item.expiry_s != 0);
  REQUIRE(holds("a", "300") && item.expiry_s == 0);
  REQUIRE(tombolo_kv_gat(kv, "none", 4, 0, buffer, sizeof(buffer), NULL) == 0);
  REQUIRE(tombolo_kv_touch(kv, "a", 1, -1) == TOMBOLO_KV_DONE);
  REQUIRE(get("a") == 0);
  REQUIRE(tombolo_kv_touch(kv, "a", 1, 1) == TOMBOLO_KV_NOT_FOUND);
}

static void check_many(void) {
  char first[8] = "", second[8] = "", small[1];
  tombolo_kv_wanted wanted[] = {{.key = "one", .key_bytes = 3, .buffer = first, .capacity = 8},
                                {.key = "none", .key_bytes = 4, .buffer = small, .capacity = 1},
                                {.key = "two", .key_bytes = 3, .buffer = second, .capacity = 8},
                                {.key = "two", .key_bytes = 3, .buffer = small, .capacity = 1}};
  REQUIRE(tombolo_kv_set(kv, "one", 3, "1", 1, 5, 0) == TOMBOLO_KV_STORED);
  REQUIRE(tombolo_kv_set(kv, "two", 3, "22", 2, 0, 0) == TOMBOLO_KV_STORED);
  for (int round = 0; round < 2; ++round) {
    REQUIRE(tombolo_kv_get_many(kv, wanted, 4) == 3);
    REQUIRE(wanted[0].result == 1 && strcmp(first, "1") == 0 && wanted[0].item.flags == 5);
    REQUIRE(wanted[1].result == 0);
    REQUIRE(wanted[2].result == 1 && strcmp(second, "22") == 0 && wanted[2].item.value_bytes == 2);
    REQUIRE(wanted[3].result == -EMSGSIZE && wanted[3].item.value_bytes == 2);
  }
  REQUIRE(tombolo_kv_get_many(kv, wanted, 1) == 1);
  REQUIRE(tombolo_kv_get_many(kv, NULL, 0) == 0);
}

static void check_looking(void) {
  tombolo_kv_view view;
  REQUIRE(tombolo_kv_look(kv, "none", 4, &view) == 0);
  REQUIRE(tombolo_kv_set(kv, "seen", 4, "first", 5, 3, 0) == TOMBOLO_KV_STORED);
  REQUIRE(tombolo_kv_look(kv, "seen", 4, &view) == 1);
  REQUIRE(view.item.value_bytes == 5 && view.item.flags == 3 && view.item.cas != 0);
  REQUIRE(memcmp(view.value, "first", 5) == 0);
  REQUIRE(tombolo_kv_still_valid(kv, &view) == 1);
  /* That ends the view; its token says all the same that the item was replaced. */
  REQUIRE(tombolo_kv_set(kv, "seen", 4, "second", 6, 0, 0) == TOMBOLO_KV_STORED);
  REQUIRE(tombolo_kv_still_valid(kv, &view) == 0);
}

static void check_limits(void) {
  char long_key[251];
  memset(long_key, 'k', sizeof(long_key));
  REQUIRE(tombolo_kv_set(kv, long_key, sizeof(long_key), "x", 1, 0, 0) == -EINVAL);
  REQUIRE(strstr(tombolo_kv_error(), "251 bytes") != NULL);
  REQUIRE(tombolo_kv_set(kv, "", 0, "x", 1, 0, 0) == TOMBOLO_KV_BAD_KEY);
  char value[100];
  memset(value, 'v', sizeof(value));
  REQUIRE(tombolo_kv_set(kv, "large", 5, value, sizeof(value), 0, 0) == TOMBOLO_KV_STORED);
  REQUIRE(get("large") == -EMSGSIZE && item.value_bytes == sizeof(value));
  REQUIRE(tombolo_kv_gat(kv, "large", 5, 0, buffer, sizeof(buffer), &item) == -EMSGSIZE);
  REQUIRE(tombolo_kv_delete(kv, "large", 5) == TOMBOLO_KV_DONE);
  REQUIRE(tombolo_kv_delete(kv, "large", 5) == TOMBOLO_KV_NOT_FOUND);
  REQUIRE(tombolo_kv_flush_all(kv, 0) == 0);
  REQUIRE(get("text") == 0);
}

static void check_opening(const char* window, const char* owner) {
  tombolo_kv* other = NULL;
  REQUIRE(tombolo_kv_open(NULL, NULL, &other) == -EINVAL && other == NULL);
  REQUIRE(tombolo_kv_open("/nowhere", owner, &other) == -ENOENT);
  REQUIRE(tombolo_kv_open("/proc/self/exe", owner, &other) == -EIO);
  REQUIRE(tombolo_kv_open(window, "nonsense", &other) == -EINVAL);
  REQUIRE(tombolo_kv_open(window, NULL, &other) == 0);
  /* Nobody can be asked whether the owner lives: its heartbeat tells, twice a second. */
  int got;
  while ((got = tombolo_kv_get(other, "kept", 4, buffer, sizeof(buffer), NULL)) == -ECONNREFUSED) {
  }
  REQUIRE(got == 1);
  REQUIRE(tombolo_kv_set(other, "kept", 4, "x", 1, 0, 0) == -ECONNREFUSED);
  tombolo_kv_close(other);
  tombolo_kv_close(NULL);
}

static void check_quiet(void) {
  REQUIRE(holds("kept", "value"));
  REQUIRE(get("none") == 0);
  REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
  int good = 1;
  for (int i = 0; i < 1000; ++i) good = good && get("kept") == 1 && get("none") == 0;
  /* exit() would be one call too many: it ends all threads. */
  syscall(SYS_exit, good ? 0 : 1);
}

static void check_gone(void) {
  REQUIRE(tombolo_kv_set(kv, "kept", 4, "x", 1, 0, 0) == -ECONNREFUSED);
  REQUIRE(strstr(tombolo_kv_error(), "cannot be reached") != NULL);
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  REQUIRE(tombolo_kv_open(argv[1], argv[2], &kv) == 0);
  const char* part = argc > 3 ? argv[3] : "";
  if (strcmp(part, "quiet") == 0) {
    check_quiet();
  } else if (strcmp(part, "gone") == 0) {
    check_gone();
  } else {
    check_storing();
    check_counting();
    check_touching();
    check_many();
    check_looking();
    check_limits();
    REQUIRE(tombolo_kv_set(kv, "kept", 4, "value", 5, 0, 0) == TOMBOLO_KV_STORED);
    check_opening(argv[1], argv[2]);
  }
  tombolo_kv_close(kv);
  return 0;
}

// Firmware that answers: each message with the same bytes, or, where it has more than a link of
// ours takes, with its length and the sum of its bytes, 32 bits each. A ping is answered as one
// (`tombolo ping`). A message with tag 255 ends it, with exit code 0 if all was answered.
#include <stddef.h>
#include <stdint.h>

#include "guest/flat/endpoint.h"
#include "guest/flat/firmware/board.h"
#include "guest/flat/firmware/semihosting.h"
#include "guest/flat/firmware/sleep.h"

#define TAG_PING 1u
#define TAG_PONG 2u
#define TAG_END 255u

// A chunk of a sender's pool is the largest message that is not lent.
#define BUFFER_BYTES 32768u

struct echo {
  struct flat_endpoint endpoint;
  uint32_t answered;
  uint32_t lost;  // Answers to somebody who has gone.
  bool is_over;
};

static struct echo echo;
static uint32_t buffer[BUFFER_BYTES / 4];

static void answer(struct flat_id to, uint8_t tag, const void *bytes, uint32_t length) {
  for (;;) {
    const enum flat_status status = flat_send(&echo.endpoint, to, tag, bytes, length);
    if (status == FLAT_OK) ++echo.answered;
    if (status != FLAT_OK && status != FLAT_AGAIN) ++echo.lost;
    if (status != FLAT_AGAIN) return;
    // SUBTLE: no flat_poll() here, which would overwrite the message that is being answered. The
    // receiver's credits come without it.
  }
}

static void on_message(void *context, struct flat_id from, uint8_t tag, const uint8_t *payload,
                       uint32_t length) {
  (void)context;
  if (tag == TAG_END) {
    echo.is_over = true;
    return;
  }
  if (tag == TAG_PING) tag = TAG_PONG;
  if (length <= FLAT_MAX_INLINE_BYTES) {
    answer(from, tag, payload, length);
    return;
  }
  uint32_t summary[2] = {length, 0};
  for (uint32_t i = 0; i < length; ++i) summary[1] += payload[i];
  answer(from, tag, summary, sizeof(summary));
}

static int join(void) {
  const struct flat_config config = {
      .memory = (void *)FLAT_MEMORY,
      .memory_bytes = FLAT_MEMORY_BYTES,
      .registers = (volatile struct flat_registers *)FLAT_REGISTERS,
      .buffer = (uint8_t *)buffer,
      .buffer_bytes = BUFFER_BYTES,
      .on_message = on_message,
  };
  const enum flat_status status = flat_join(&echo.endpoint, &config);
  if (status != FLAT_OK) {
    semihosting_print("error: ");
    semihosting_print(flat_status_text(status));
    semihosting_print("\n");
    return 1;
  }
  semihosting_print("endpoint ");
  semihosting_print_number(echo.endpoint.id.index);
  semihosting_print(" of slot ");
  semihosting_print_number(echo.endpoint.slot);
  semihosting_print(" answers\n");
  return 0;
}

int main(void) {
  if (!sleep_setup())
    semihosting_print("warning: no interrupt is wired: I look once a millisecond\n");
  if (join() != 0) return 1;
  while (!echo.is_over) {
    if (flat_poll(&echo.endpoint) != 0) continue;
    sleep_begin();
    if (flat_prepare_to_sleep(&echo.endpoint)) {
      sleep_until_interrupt();
      flat_wake_up(&echo.endpoint);
    }
    sleep_end();
  }
  semihosting_print_number(echo.answered);
  semihosting_print(" messages answered\n");
  return echo.lost == 0 && echo.endpoint.too_long == 0 ? 0 : 1;
}

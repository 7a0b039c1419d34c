#include "kvcache/server/event.h"

#include <errno.h>

#include "transport/base/errno_status.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {

absl::StatusOr<EventBase> MakeEventBase() {
  event_config* config = event_config_new();
  if (config == nullptr) return ErrnoStatus(ENOMEM, "make an event loop");
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
  errno = 0;
  EventBase base(event_base_new_with_config(config));
  event_config_free(config);
  if (base == nullptr) return ErrnoStatus(errno != 0 ? errno : ENOMEM, "make an event loop");
  return base;
}

bool Event::Add(int64_t delay_ns) {
  if (event_ == nullptr) return false;
  const timeval delay = {.tv_sec = delay_ns / kNsPerSecond,
                         .tv_usec = delay_ns % kNsPerSecond / kNsPerUs};
  return event_add(event_.get(), delay_ns < 0 ? nullptr : &delay) == 0;
}

void Event::Delete() {
  if (event_ != nullptr) event_del(event_.get());
}

}  // namespace tombolo::kvcache

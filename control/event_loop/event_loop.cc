#include "control/event_loop/event_loop.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/eventfd.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

int16_t ToFlags(unsigned events, EventLoop::Trigger trigger) {
  int flags = EV_PERSIST;
  if (events & EventLoop::kReadable) flags |= EV_READ;
  if (events & EventLoop::kWritable) flags |= EV_WRITE;
  if (trigger == EventLoop::Trigger::kEdge) flags |= EV_ET;
  return static_cast<int16_t>(flags);
}

unsigned ToReady(int16_t what) {
  return (what & EV_READ ? EventLoop::kReadable : 0u) |
         (what & EV_WRITE ? EventLoop::kWritable : 0u);
}

absl::StatusOr<Watch> OrErrno(Watch watch, const std::string& what) {
  if (watch.IsActive()) return watch;
  if (errno == EPERM) {
    return absl::FailedPreconditionError(
        absl::StrCat(what, ": not a descriptor that can be waited for."));
  }
  return ErrnoStatus(errno, what);
}

// epoll, because edge-triggered watches need it; without locks, because one thread uses the base.
event_base* NewBase() {
  event_config* config = event_config_new();
  if (!config) return nullptr;
  event_config_require_features(config, EV_FEATURE_ET);
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
  event_base* base = event_base_new_with_config(config);
  event_config_free(config);
  return base;
}

}  // namespace

void EventLoop::BaseDeleter::operator()(event_base* base) const { event_base_free(base); }

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Create() {
  Base base(NewBase());
  if (!base) return ErrnoStatus(errno ? errno : ENOMEM, "make an event loop");
  UniqueFd wake_up(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_up.IsOpen()) return ErrnoStatus(errno, "make an eventfd");
  std::unique_ptr<EventLoop> loop(new EventLoop(std::move(base), std::move(wake_up)));
  absl::StatusOr<Watch> watch =
      loop->WatchReadable(loop->wake_up_.Get(), [loop = loop.get()] { loop->RunPosted(); });
  if (!watch.ok()) return watch.status();
  loop->wake_up_watch_ = *std::move(watch);
  return loop;
}

EventLoop::EventLoop(Base base, UniqueFd wake_up)
    : base_(std::move(base)), wake_up_(std::move(wake_up)) {}

EventLoop::~EventLoop() = default;

absl::StatusOr<Watch> EventLoop::WatchFd(int fd, unsigned events, Trigger trigger,
                                         ReadyCallback callback) {
  return OrErrno(
      Watch::Register(base_.get(), fd, ToFlags(events, trigger), -1,
                      [callback = std::move(callback)](int16_t what) { callback(ToReady(what)); }),
      absl::StrCat("watch descriptor ", fd));
}

absl::StatusOr<Watch> EventLoop::WatchReadable(int fd, Callback callback) {
  return WatchFd(fd, kReadable, Trigger::kLevel,
                 [callback = std::move(callback)](unsigned) { callback(); });
}

Watch EventLoop::After(int64_t delay_ns, Callback callback) {
  return Watch::Register(base_.get(), -1, 0, delay_ns,
                         [callback = std::move(callback)](int16_t) { callback(); });
}

Watch EventLoop::Every(int64_t period_ns, Callback callback) {
  return Watch::Register(base_.get(), -1, EV_PERSIST, period_ns,
                         [callback = std::move(callback)](int16_t) { callback(); });
}

absl::StatusOr<Watch> EventLoop::WatchSignal(int signal_number, Callback callback) {
  return OrErrno(Watch::Register(base_.get(), signal_number, EV_SIGNAL | EV_PERSIST, -1,
                                 [callback = std::move(callback)](int16_t) { callback(); }),
                 absl::StrCat("watch signal ", signal_number));
}

void EventLoop::Post(Callback closure) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(closure));
  }
  eventfd_write(wake_up_.Get(), 1);
}

void EventLoop::RunPosted() {
  // Cleared first: a closure that is posted meanwhile rings again.
  eventfd_t count;
  eventfd_read(wake_up_.Get(), &count);
  std::vector<Callback> closures;
  {
    const std::lock_guard lock(mutex_);
    closures.swap(posted_);
  }
  for (const Callback& closure : closures) closure();
}

void EventLoop::Run() { event_base_loop(base_.get(), EVLOOP_NO_EXIT_ON_EMPTY); }

void EventLoop::RunOnce() { event_base_loop(base_.get(), EVLOOP_ONCE); }

void EventLoop::Poll() { event_base_loop(base_.get(), EVLOOP_ONCE | EVLOOP_NONBLOCK); }

void EventLoop::Stop() {
  Post([this] { event_base_loopbreak(base_.get()); });
}

}  // namespace tombolo::control

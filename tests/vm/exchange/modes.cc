#include "tests/vm/exchange/modes.h"

#include <poll.h>
#include <stdio.h>

#include <algorithm>
#include <cstddef>
#include <thread>

#include "absl/strings/str_cat.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::exchange {
namespace {

constexpr int64_t kStalledNs = 20 * kNsPerSecond;
constexpr int kDoorbellPatienceMs = 10'000;
constexpr int64_t kPaceNs = 5 * kNsPerMs;
constexpr int64_t kProgressNs = 200 * kNsPerMs;
constexpr int kBurst = 32;

absl::Status Error(const Conversation& talk, const std::string& what) {
  return absl::InternalError(
      absl::StrCat(what, " (sent ", talk.Sent(), ", received ", talk.Received(), ")."));
}

// What ends every mode before its time.
absl::Status Trouble(const Conversation& talk) {
  if (!talk.Fault().empty()) return Error(talk, talk.Fault());
  if (talk.Departed()) return Error(talk, "the peer departed");
  return absl::OkStatus();
}

int SendBurst(Conversation& talk, uint64_t count) {
  int sent = 0;
  while (sent < kBurst && talk.Sent() < count && talk.TrySend()) ++sent;
  return sent;
}

// Until the peer sleeps, or has died, which sending will tell.
absl::Status AwaitSleeper(Conversation& talk) {
  const int64_t end_ns = MonotonicNs() + kStalledNs;
  while (!talk.PeerFellAsleep() && talk.PeerLives()) {
    if (MonotonicNs() > end_ns) return Error(talk, "the peer did not go to sleep for 20 s");
    std::this_thread::yield();  // It may need this processor for that.
  }
  return absl::OkStatus();
}

absl::Status SendPatiently(Channel& channel, Conversation& talk) {
  const int64_t end_ns = MonotonicNs() + kStalledNs;
  while (!talk.TrySend()) {
    channel.Poll(talk);
    if (absl::Status trouble = Trouble(talk); !trouble.ok()) return trouble;
    if (MonotonicNs() > end_ns) return Error(talk, "there was no room for a message for 20 s");
  }
  return absl::OkStatus();
}

// Sleeps until the doorbell rings, as it does for a message and for a departure. Nothing is looked
// for meanwhile, which would hide a doorbell that is missing.
absl::Status AwaitDoorbell(Channel& channel, const Conversation& talk) {
  pollfd doorbell = {channel.Readable(), POLLIN, 0};
  const bool rang = poll(&doorbell, 1, kDoorbellPatienceMs) == 1;
  channel.WakeUp();
  return rang ? absl::OkStatus() : Error(talk, "asleep, and no doorbell rang for 10 s");
}

absl::Status SendToSleeper(Channel& channel, Conversation& talk) {
  if (absl::Status asleep = AwaitSleeper(talk); !asleep.ok()) return asleep;
  return SendPatiently(channel, talk);
}

absl::Status AwaitMessages(Channel& channel, Conversation& talk, uint64_t count) {
  while (talk.Received() < count) {
    const size_t came = channel.Poll(talk);
    // After the last message the peer may be gone, and all is well.
    if (talk.Received() == count && talk.Fault().empty()) break;
    if (absl::Status trouble = Trouble(talk); !trouble.ok()) return trouble;
    if (came > 0 || !channel.PrepareToSleep()) continue;
    if (absl::Status rang = AwaitDoorbell(channel, talk); !rang.ok()) return rang;
  }
  return absl::OkStatus();
}

// A line per kProgressNs, for whoever reads the log meanwhile.
class Progress {
 public:
  void Tell(const Conversation& talk, int64_t now_ns) {
    if (now_ns < next_ns_) return;
    next_ns_ = now_ns + kProgressNs;
    printf("received %lu\n", static_cast<unsigned long>(talk.Received()));
    fflush(stdout);
  }

 private:
  int64_t next_ns_ = 0;
};

}  // namespace

absl::Status Poll(Channel& channel, Conversation& talk, uint64_t count) {
  int64_t progress_ns = MonotonicNs();
  while (talk.Sent() < count || talk.Received() < count) {
    const int sent = SendBurst(talk, count);
    const size_t received = channel.Poll(talk);
    const bool over = talk.Sent() == count && talk.Received() == count;
    if (!over || !talk.Fault().empty()) {
      if (absl::Status trouble = Trouble(talk); !trouble.ok()) return trouble;
    }
    const int64_t now_ns = MonotonicNs();
    if (sent > 0 || received > 0) progress_ns = now_ns;
    if (now_ns - progress_ns > kStalledNs) return Error(talk, "nothing moved for 20 s");
  }
  return absl::OkStatus();
}

absl::Status Sleep(Channel& channel, Conversation& talk, uint64_t count, bool first) {
  Progress progress;
  for (uint64_t number = 0; number < count; ++number) {
    if (first) {
      if (absl::Status sent = SendToSleeper(channel, talk); !sent.ok()) return sent;
    }
    if (absl::Status came = AwaitMessages(channel, talk, number + 1); !came.ok()) return came;
    if (!first) {
      if (absl::Status sent = SendToSleeper(channel, talk); !sent.ok()) return sent;
    }
    progress.Tell(talk, MonotonicNs());
  }
  return absl::OkStatus();
}

absl::Status Endless(Channel& channel, Conversation& talk, const std::atomic<bool>& stop) {
  Progress progress;
  int64_t next_ns = MonotonicNs();
  while (!stop.load(std::memory_order_relaxed) && !talk.Departed()) {
    const int64_t now_ns = MonotonicNs();
    if (now_ns >= next_ns) {
      talk.TrySend();
      next_ns = now_ns + kPaceNs;
    }
    if (channel.Poll(talk) == 0) channel.Sleep(std::max<int64_t>(0, next_ns - MonotonicNs()));
    if (!talk.Fault().empty()) return Error(talk, talk.Fault());
    progress.Tell(talk, now_ns);
  }
  return absl::OkStatus();
}

}  // namespace tombolo::exchange

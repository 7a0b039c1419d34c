#include "control/cluster/cluster_link.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cluster/cluster_values.h"
#include "control/cluster/etcd_client.h"
#include "control/cluster/follower.h"
#include "control/cluster/own_host.h"
#include "control/cluster/publisher.h"
#include "control/words/words.h"
#include "spdlog/spdlog.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr int64_t kTickNs = 500 * kNsPerMs;

// Between two sessions.
constexpr int64_t kFirstPauseNs = 250 * kNsPerMs;
constexpr int64_t kLongestPauseNs = 2 * kNsPerSecond;

}  // namespace

// One connection: its client, lease and threads.
class ClusterSession {
 public:
  ClusterSession(const std::string& endpoint, const std::optional<TlsMaterial>& tls,
                 const std::string& prefix, ClusterView& view)
      : client_(endpoint, tls), prefix_(prefix), view_(view) {}

  // Whoever follows is cancelled before it is waited for.
  ~ClusterSession() { client_.Cancel(); }
  ClusterSession(const ClusterSession&) = delete;
  ClusterSession& operator=(const ClusterSession&) = delete;

  absl::Status Begin() {
    const absl::StatusOr<EtcdLease> lease = client_.Grant(ClusterLink::kLeaseSeconds);
    if (!lease.ok()) return lease.status();
    lease_ = lease->id;
    publisher_.emplace(client_, view_, prefix_, lease_);
    // The standard library's way to say that there is no thread to be had.
    try {
      follower_.emplace(client_, view_, HostsPrefix(prefix_));
    } catch (const std::system_error& error) {
      return absl::ResourceExhaustedError(absl::StrCat("cannot start a thread: ", error.what()));
    }
    return absl::OkStatus();
  }

  absl::Status Tick(const ClusterHost& own) {
    absl::Status status = publisher_->Tick(own);
    return status.ok() ? follower_->GetStatus() : status;
  }

  bool HasCaughtUp() const { return follower_->HasCaughtUp(); }
  const std::string& Problem() const { return publisher_->Problem(); }
  void Leave() { client_.Revoke(lease_).IgnoreError(); }

 private:
  EtcdClient client_;
  const std::string prefix_;
  ClusterView& view_;
  int64_t lease_ = 0;
  std::optional<Publisher> publisher_;
  std::optional<Follower> follower_;
};

ClusterLink::ClusterLink(ClusterOptions options, std::optional<TlsMaterial> tls,
                         const MembershipView& membership, ClusterView& view)
    : options_(std::move(options)),
      membership_(membership),
      view_(view),
      tls_(std::move(tls)),
      thread_([this] { Run(); }) {}

ClusterLink::~ClusterLink() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ClusterLink::RenewTls(TlsMaterial tls) {
  const std::lock_guard<std::mutex> lock(mutex_);
  tls_ = std::move(tls);
}

std::optional<TlsMaterial> ClusterLink::Tls() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return tls_;
}

bool ClusterLink::Pause(int64_t duration_ns) {
  std::unique_lock<std::mutex> lock(mutex_);
  return !changed_.wait_for(lock, std::chrono::nanoseconds(duration_ns),
                            [this] { return is_stopping_; });
}

void ClusterLink::Run() {
  int64_t pause_ns = kFirstPauseNs;
  for (size_t attempt = 0;; ++attempt) {
    const std::string& endpoint = options_.endpoints[attempt % options_.endpoints.size()];
    is_up_ = false;
    const absl::Status ended = RunSession(endpoint);
    if (ended.ok()) return;
    SayFailure(ended);
    pause_ns = is_up_ ? kFirstPauseNs : std::min(2 * pause_ns, kLongestPauseNs);
    if (!Pause(pause_ns)) return;
  }
}

absl::Status ClusterLink::RunSession(const std::string& endpoint) {
  ClusterSession session(endpoint, Tls(), options_.prefix, view_);
  if (absl::Status begun = session.Begin(); !begun.ok()) return begun;
  do {
    absl::Status status = session.Tick(OwnHost(options_, membership_));
    if (!status.ok()) return status;
    if (session.HasCaughtUp()) SayAnswer(endpoint, session.Problem());
  } while (Pause(kTickNs));
  session.Leave();
  return absl::OkStatus();
}

void ClusterLink::SayAnswer(const std::string& endpoint, const std::string& problem) {
  view_.NoteAnswer(problem.empty() ? EtcdState::kConnected : EtcdState::kNameTaken, problem,
                   MonotonicNs());
  is_up_ = true;
  if (!has_said_failure_ && said_problem_ == problem && has_said_answer_) return;
  if (!answer_limit_.MayLog(MonotonicNs())) return;
  has_said_failure_ = false;
  has_said_answer_ = true;
  said_problem_ = problem;
  if (problem.empty()) {
    spdlog::info("etcd at {} answers: this host is published as {}", endpoint, options_.host);
  } else {
    spdlog::error("{}", problem);
  }
}

void ClusterLink::SayFailure(const absl::Status& status) {
  const std::string problem =
      Printable(absl::StrCat("etcd cannot be used: ", std::string(status.message())));
  view_.NoteFailure(problem);
  if (has_said_failure_ || !failure_limit_.MayLog(MonotonicNs())) return;
  has_said_failure_ = true;
  spdlog::warn("{}; everything on this host goes on, and other hosts are told as they were",
               problem);
}

}  // namespace tombolo::control

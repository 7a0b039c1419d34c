// EtcdClient: the few things that we ask of an etcd, over one connection to one of its servers.
//
// Every call but a watch ends within kCallTimeout, whatever the server does. A failure of the
// connection is not mended: whoever asked throws this client away and makes another, so that
// nothing of a connection that was cut (its retransmissions, its back-off) delays the next one.
//
// The server is not trusted with more than our memory for an answer (kMaxAnswerBytes): what comes
// is told as it is, and whoever asks checks it.
//
// Errors are sentences for people. Unavailable, DeadlineExceeded: nobody is there, or it hangs;
// others are etcd's own.
//
// Thread safety: each call from any thread, but for Watch(), which one thread calls at a time. This
// header knows neither gRPC nor protobuf.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/cluster/etcd_item.h"
#include "control/tls/tls_files.h"

namespace tombolo::control {

struct EtcdLease {
  int64_t id = 0;
  int64_t ttl_s = 0;  // That the server has given.
};

class EtcdClient {
 public:
  static constexpr std::chrono::milliseconds kCallTimeout{1'000};
  static constexpr size_t kMaxAnswerBytes = size_t{16} << 20;

  // endpoint: HOST:PORT. tls: none is a connection in the clear. Connects when first asked.
  EtcdClient(const std::string& endpoint, const std::optional<TlsMaterial>& tls);
  ~EtcdClient();
  EtcdClient(const EtcdClient&) = delete;
  EtcdClient& operator=(const EtcdClient&) = delete;

  absl::StatusOr<EtcdLease> Grant(int64_t ttl_s);

  // NotFound: there is no such lease any more, and its keys are gone.
  absl::Status KeepAlive(int64_t lease);
  absl::Status Revoke(int64_t lease);

  // Puts `key` if it is not there (expected_mod_revision 0), or as it was last put then. Gives the
  // revision of the put; or, with nothing changed, the item that is there instead.
  struct Claim {
    int64_t revision = 0;  // 0: it is not ours.
    std::optional<EtcdItem> theirs =
        std::nullopt;  // None although it is not ours: it has gone meanwhile.
  };
  absl::StatusOr<Claim> ClaimKey(const std::string& key, const std::string& value, int64_t lease,
                                 int64_t expected_mod_revision);

  // Puts `key`, if `guard` was put last in `guard_mod_revision`, and gives the revision of the put;
  // FailedPrecondition otherwise.
  absl::StatusOr<int64_t> PutGuarded(const std::string& key, const std::string& value,
                                     int64_t lease, const std::string& guard,
                                     int64_t guard_mod_revision);

  // What begins with `prefix`, as it was in one revision, by key, but for what comes after about
  // the first `most_items` or `most_bytes` of values.
  struct Listing {
    int64_t revision = 0;
    std::vector<EtcdItem> items;
  };
  absl::StatusOr<Listing> List(const std::string& prefix, size_t most_items, size_t most_bytes);

  // Calls `on_changes` in this thread with every change of what begins with `prefix`, after
  // `revision`, until the stream ends, and says why; first with none, when the server has taken it.
  // OutOfRange: the server has forgotten `revision`; list anew.
  absl::Status Watch(const std::string& prefix, int64_t revision,
                     const std::function<void(const std::vector<EtcdChange>&)>& on_changes);

  // Ends all calls, now and from now on, with Cancelled.
  void Cancel();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tombolo::control

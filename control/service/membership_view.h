// MembershipView: what threads outside the daemon's event loop may know of the registry.
//
// The loop publishes each event of the registry; this keeps a replica and the latest events, so
// that a question is answered without the loop. The loop never waits for gRPC: Publish() takes one
// lock, under which others only copy (at most a snapshot of all endpoints, some 100 us).
//
// A watcher has no queue of its own: it remembers the revision it has reached and asks EventAfter()
// for the next. So a slow watcher costs nothing and delays nobody, until the history has overtaken
// it: OutOfRange.
//
// Thread safety: Publish() and SetServices() from one thread; everything else from any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "control/registry/event_history.h"
#include "control/registry/membership.h"
#include "control/registry/region_info.h"
#include "control/registry/service_info.h"
#include "control/registry/service_table.h"
#include "control/service/service_log.h"

namespace tombolo::control {

struct MembershipViewOptions {
  RegionInfo region = {};  // Its epoch and free bytes are not read: they are asked for each time.
  // Memory that nobody owns, in bytes; called from any thread. Unset: told as 0.
  std::function<uint64_t()> free_bytes = nullptr;
  size_t history_events = 4096;         // Kept of the membership, and as many of the services.
  uint64_t first_service_revision = 0;  // service_log.h says which.
  MembershipSnapshot start = {};        // The registry's state before the first published event.
};

class MembershipView {
 public:
  using Listener = std::function<void()>;

  explicit MembershipView(MembershipViewOptions options);
  MembershipView(const MembershipView&) = delete;
  MembershipView& operator=(const MembershipView&) = delete;

  // Takes over the registry's next event, and tells the listeners that there is one. Give each
  // event exactly once and in order: as an observer of the registry does. Anything else is a bug of
  // the daemon and ends it.
  void Publish(const MembershipEvent& event);

  // The services that exist now, in the order of their indices; tells the listeners if that is a
  // change. Before the event of what changed them, if there is one.
  void SetServices(std::vector<ServiceEntry> services);

  MembershipSnapshot Snapshot() const;

  // The services with the names of those who write them.
  ServiceList Services() const;

  // As EventAfter(), of the services.
  absl::StatusOr<std::optional<ServiceEvent>> ServiceEventAfter(uint64_t revision) const;

  // One peer of a snapshot, at the snapshot's revision; no peer when the slot is vacant.
  struct PeerAt {
    uint64_t revision = 0;
    std::optional<PeerInfo> peer;
  };
  PeerAt FindPeer(uint32_t slot) const;

  RegionInfo Region() const;

  // The event that follows `revision`; nothing when it has not happened yet. OutOfRange as
  // EventHistory::Since() says.
  absl::StatusOr<std::optional<MembershipEvent>> EventAfter(uint64_t revision) const;

  // `listener` is called in the publishing thread after each event of either kind; it must be
  // quick, and must not call back. Returns a token for RemoveListener(), after which it is not
  // called any more.
  int AddListener(Listener listener);
  void RemoveListener(int token);

 private:
  const RegionInfo region_;
  const std::function<uint64_t()> free_bytes_;
  mutable std::mutex mutex_;  // Guards all below.
  MembershipSnapshot replica_;
  std::vector<ServiceEntry> services_;
  ServiceLog service_log_;
  EventHistory<MembershipEvent> history_;
  std::map<int, Listener> listeners_;
  int next_token_ = 1;
};

}  // namespace tombolo::control

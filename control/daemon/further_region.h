// FurtherRegion: a region beside the first one of this program: a Daemon of its own, in a folder
// and in a scope of the descriptor store of its own, so that the two know nothing of each other.
//
// In that scope are what the Daemon keeps there (daemon_parts.h) and `spec`, in which stands what
// the region is to be. As long as `spec` is kept, the region exists: a successor that finds it goes
// on with the region, or makes it again if that had not come so far; one that finds the rest
// without it removes that. So each of the functions below may be killed at any instruction.
//
// Ownership: loop and store must outlive it. Thread safety: the loop's thread.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/daemon/daemon.h"
#include "control/daemon/region_spec.h"
#include "control/daemon/state_memory.h"
#include "control/event_loop/event_loop.h"
#include "control/holder/descriptor_store.h"
#include "control/holder/scoped_store.h"
#include "control/http/region_board.h"
#include "control/proto/region_values.h"
#include "transport/region/geometry.h"

namespace tombolo::control {

class FurtherRegion {
 public:
  // Of their names in the whole store, before the region's own.
  static constexpr char kScope[] = "region/";

  struct Place {
    EventLoop& loop;
    DescriptorStore& store;   // The whole one.
    std::string runtime_dir;  // Of the first region: this one's folder is in it.
    RegionBoard& board;       // Shows it while it is served.
  };

  // A new one, which is served when this returns. Errors are those of region_folder.h, of
  // Daemon::Start and of the store; then nothing is left of it.
  static absl::StatusOr<std::unique_ptr<FurtherRegion>> Create(const Place& place,
                                                               const std::string& name,
                                                               const RegionSpec& spec);

  // That of a predecessor, of which `kept` is kept. Null: it was not to be any more, or nobody had
  // been told of it yet and it cannot be made now, as the log says. An error: it cannot be gone on
  // with.
  static absl::StatusOr<std::unique_ptr<FurtherRegion>> Resume(const Place& place,
                                                               const std::string& name,
                                                               NamedDescriptors kept);

  // Stops serving; a successor goes on with the region.
  ~FurtherRegion() { board_.Remove(name_); }
  FurtherRegion(const FurtherRegion&) = delete;
  FurtherRegion& operator=(const FurtherRegion&) = delete;

  // Makes it anew. After an error it is as before but for its uuid, or, if the message says so,
  // gone (IsServed() is false).
  absl::Status Resize(const RegionLimits& limits);

  // Gives up all that it is; then it is not served any more.
  void End();

  bool IsServed() const { return daemon_ != nullptr; }
  const RegionLimits& Limits() const { return spec_.limits; }

  // Only while it is served.
  ServedRegion Look(bool with_check) const;

 private:
  FurtherRegion(const Place& place, const std::string& name, NamedDescriptors kept,
                StateMemory memory, const RegionSpec& spec);

  absl::Status Serve();
  absl::Status ShareSockets() const;
  void ShareSocketsOrSay() const;
  absl::Status Restored(const absl::Status& why, const absl::Status& restored);
  void StopServing();
  void Save(const RegionSpec& spec);

  EventLoop& loop_;
  RegionBoard& board_;
  const std::string name_;
  const std::string folder_;
  ScopedStore store_;
  StateMemory memory_;  // Has `spec_`.
  RegionSpec spec_;
  bool owns_folder_ = false;  // Once it was served.
  std::unique_ptr<Daemon> daemon_;
};

}  // namespace tombolo::control

// Client: uses a cache of a tombolo-kv that runs elsewhere: in another process, or on the host of
// the virtual machine that this is.
//
//   Get, GetMany, Look, ...  load from the memory file, or from the window of a guest that shows
//                            it: no system call, no lock, and nobody is told
//   all others, and          are asked of the owner (OwnerLink), each one moment for everybody else
//   what memory cannot tell
//
// Memory cannot tell what changes too fast (after eight retries), and nothing when nothing proves
// that the owner lives: neither its heartbeat, which changes twice a second, nor an answer. Then
// the owner is asked; if it cannot be reached that is an error, and the next call tries again. So
// the first get asks, and one after a pause of more than a second. Without an owner to ask, gets
// fail until its next beat.
//
// Reads know of an item's expiry what the owner has told the time, at least twice a second. What a
// client has stored itself it reads at once. Of its hits the owner learns by samples that go along
// with later requests; it uses them to decide what to evict.
//
// Errors are Unavailable or DeadlineExceeded when the owner cannot be asked, of something that was
// to be changed also when it is not known whether it was; others as OwnerLink says.
// InvalidArgument: a key of more than 250 bytes. That a key is not there, or was changed by
// somebody else, is an answer and no error, and so is a miss of a key that is too long.
//
// Not thread-safe: one per thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvcache/client/file_reader.h"
#include "kvcache/client/owner_link.h"
#include "kvcache/store/store_types.h"

namespace tombolo::kvcache {

struct ClientOptions {
  std::string window = {};  // The memory file, or the device's file that shows it; empty: none.
  std::string owner = {};   // As OwnerAddress has it; empty: nobody is asked.
  OwnerLinkOptions link = {};
  ClockNs clock = CoarseMonotonicNs;
};

struct ClientCounters {
  uint64_t window_hits = 0;
  uint64_t window_misses = 0;
  uint64_t asked = 0;  // Requests to the owner.
};

class Client {
 public:
  // The owner need not be there yet. Errors: those of FileReader::Open and OwnerAddress::Parse;
  // InvalidArgument when there is neither window nor owner.
  static absl::StatusOr<Client> Open(const ClientOptions& options);

  // The same with a window that was opened already, from `options.window`.
  static absl::StatusOr<Client> Open(const ClientOptions& options, FileReader window);

  // False: a miss. `use`: what it is to the owner, if that is asked, and whether it is sampled.
  absl::StatusOr<bool> Get(std::string_view key, StoredValue& item, GetUse use = GetUse::kCounts);

  // The same but for the value itself, which is left empty.
  absl::StatusOr<bool> Describe(std::string_view key, StoredValue& item,
                                GetUse use = GetUse::kCounts);

  // To the beginning of `buffer`; if it is too small, `item.value_bytes` says so, and nothing else
  // does. Allocates nothing when memory can tell.
  absl::StatusOr<bool> GetInto(std::string_view key, std::span<std::byte> buffer,
                               StoredValue& item);

  // The value in place, without a copy. Where memory cannot tell, or its loads may come out of
  // order (all but x86-64), it is a copy in this client, which is always valid. The next call of
  // anything but StillValid() ends the view: its bytes may not be touched any more.
  absl::StatusOr<bool> Look(std::string_view key, View& view);

  // Whether what was read through the view since Look() was its value.
  bool StillValid(const View& view) const;

  // As many Get()s, whose cache misses overlap; `answers` has the size of `keys`, and each is kHit
  // or kMiss. On an error those that could not be answered are neither.
  absl::Status GetMany(std::span<const std::string_view> keys, std::span<ManyAnswer> answers);

  // Requests to the owner, as in Store.
  absl::StatusOr<StoreAnswer> Put(const PutRequest& request);
  absl::StatusOr<StoreAnswer> Count(const CountRequest& request);
  absl::StatusOr<StoreAnswer> Remove(const RemoveRequest& request);
  absl::StatusOr<StoreAnswer> Visit(const VisitRequest& request, StoredValue& seen);
  // PermissionDenied: the owner's operator does not allow it.
  absl::Status FlushAll(int64_t when);
  absl::StatusOr<OwnerFacts> Facts();

  // Short forms.
  absl::StatusOr<StoreAnswer> Set(std::string_view key, std::string_view value, uint32_t flags = 0,
                                  int64_t exptime = 0) {
    return Put({.key = key, .value = value, .flags = flags, .exptime = exptime});
  }
  absl::StatusOr<StoreAnswer> Add(std::string_view key, std::string_view value, uint32_t flags = 0,
                                  int64_t exptime = 0) {
    return Put(
        {.mode = PutMode::kAdd, .key = key, .value = value, .flags = flags, .exptime = exptime});
  }
  absl::StatusOr<StoreAnswer> Replace(std::string_view key, std::string_view value,
                                      uint32_t flags = 0, int64_t exptime = 0) {
    return Put({.mode = PutMode::kReplace,
                .key = key,
                .value = value,
                .flags = flags,
                .exptime = exptime});
  }
  absl::StatusOr<StoreAnswer> Cas(std::string_view key, std::string_view value, uint64_t cas,
                                  uint32_t flags = 0, int64_t exptime = 0) {
    return Put({.mode = PutMode::kCas,
                .key = key,
                .value = value,
                .flags = flags,
                .exptime = exptime,
                .cas = cas});
  }
  absl::StatusOr<StoreAnswer> Append(std::string_view key, std::string_view tail) {
    return Put({.mode = PutMode::kAppend, .key = key, .value = tail});
  }
  absl::StatusOr<StoreAnswer> Prepend(std::string_view key, std::string_view head) {
    return Put({.mode = PutMode::kPrepend, .key = key, .value = head});
  }
  absl::StatusOr<StoreAnswer> Incr(std::string_view key, uint64_t delta) {
    return Count({.key = key, .delta = delta});
  }
  absl::StatusOr<StoreAnswer> Decr(std::string_view key, uint64_t delta) {
    return Count({.key = key, .is_down = true, .delta = delta});
  }
  absl::StatusOr<StoreAnswer> Delete(std::string_view key) { return Remove({.key = key}); }
  absl::StatusOr<StoreAnswer> Touch(std::string_view key, int64_t exptime) {
    StoredValue seen;
    return Visit({.key = key, .wants_value = false, .use = GetUse::kCounts, .exptime = exptime},
                 seen);
  }
  // Get and touch. `item` is what it was before.
  absl::StatusOr<StoreAnswer> Gat(std::string_view key, int64_t exptime, StoredValue& item) {
    return Visit({.key = key, .use = GetUse::kCounts, .exptime = exptime}, item);
  }

  // Of the largest item with its header, as the owner says, or the window as long as there is no
  // owner; 0: neither can say it now.
  uint64_t ItemMaxBytes();

  // The owner's time, as far as it was heard of.
  uint32_t NowS() const;

  // Whether the window shows another cache than the owner serves: then everything is asked of it.
  bool IsWindowForeign() const { return is_window_foreign_; }

  const ClientCounters& Counters() const { return counters_; }

 private:
  explicit Client(const ClientOptions& options) : options_(options) {}

  static absl::StatusOr<Client> Make(const ClientOptions& options,
                                     std::optional<FileReader> window);

  // Whether memory has answered, and what.
  std::optional<bool> Concluded(ReadResult result, const Found& found, GetUse use,
                                StoredValue& item);
  FileReader* Window();
  void CheckWindow();
  absl::StatusOr<OwnerReplyHeader> Ask(const OwnerRequest& request, std::string& value);
  absl::StatusOr<StoreAnswer> AskForAnswer(const OwnerRequest& request);
  absl::StatusOr<StoreAnswer> RefuseLarge(const PutRequest& request);
  absl::StatusOr<bool> AskForItem(const VisitRequest& request, StoredValue& item);
  absl::Status AskForMissing(std::span<const std::string_view> keys, std::span<ManyAnswer> answers);

  ClientOptions options_;
  std::optional<FileReader> window_;
  bool is_window_foreign_ = false;  // It shows another cache than the owner serves.
  std::optional<OwnerLink> link_;
  uint64_t checked_connection_ = 0;  // For which CheckWindow() was done.
  std::string scratch_;
  StoredValue looked_at_;  // What a view shows that memory could not.
  uint32_t hits_until_sample_ = 1;
  ClientCounters counters_;
};

}  // namespace tombolo::kvcache

// GuestBackend: what sessions ask for items in a virtual machine that does not own them: hits and
// misses come from the window, the rest from the owner (kvcache/client/client.h).
//
// Asked of the owner too: the first use of an item, which it has to mark as fetched. Its value
// comes from the window all the same.
//
// Not thread-safe: one for each thread; but any thread may read LockFreeHits().
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvcache/client/client.h"
#include "kvcache/protocol/backend.h"
#include "kvcache/protocol/counter.h"

namespace tombolo::kvcache {

// What somebody may want to be told of.
enum class GuestEvent {
  kAnswered,       // The owner was asked: each time.
  kLost,           // It could not be asked: each time. The status says why.
  kWindowForeign,  // The window shows another cache than the owner serves: all of it is asked.
  kWindowGood,     // It shows the same one again.
};

class GuestBackend final : public Backend {
 public:
  using Tell = std::function<void(GuestEvent event, const absl::Status& status)>;

  GuestBackend(Client client, Tell tell) : client_(std::move(client)), tell_(std::move(tell)) {}

  bool Get(std::string_view key, StoredValue& value, GetUse use) override;
  bool Describe(std::string_view key, StoredValue& value, GetUse use) override;
  StoreAnswer Put(const PutRequest& request) override;
  StoreAnswer Count(const CountRequest& request) override;
  StoreAnswer Remove(const RemoveRequest& request) override;
  StoreAnswer Visit(const VisitRequest& request, StoredValue& seen) override;
  bool FlushAll(int64_t when) override;
  bool Fits(uint64_t key_bytes, uint64_t value_bytes) override;
  uint32_t NowS() override { return client_.NowS(); }
  BackendFacts Facts() override;
  uint64_t LockFreeHits() const override { return lock_free_hits_.Get(); }
  bool TakeFailure() override { return std::exchange(has_failed_, false); }

 private:
  bool Look(const VisitRequest& request, StoredValue& value);
  bool IsMarked(const VisitRequest& request, StoredValue& value);
  StoreAnswer Take(const absl::StatusOr<StoreAnswer>& answer);
  void Note(const absl::Status& status);
  void TellOf(GuestEvent event, const absl::Status& status) const;

  Client client_;
  Tell tell_;
  bool is_foreign_ = false;  // As was told.
  bool has_failed_ = false;  // Since the last TakeFailure().
  Counter lock_free_hits_;
};

}  // namespace tombolo::kvcache

#include "kvcache/client/client.h"

#include <string.h>

#include "absl/strings/str_cat.h"
#include "kvcache/layout/item.h"
#include "kvcache/remote/owner_reply.h"

namespace tombolo::kvcache {
namespace {

constexpr uint32_t kHitsPerSample = 4;

absl::Status NoOwner() {
  return absl::UnavailableError(
      "only the owner of the cache can tell or do this, and its address was not given.");
}

absl::Status CheckKey(std::string_view key) {
  if (key.size() <= kMaxKeyBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the key has ", key.size(), " bytes; it may have ", kMaxKeyBytes, "."));
}

void TakeFound(const Found& found, StoredValue& item) {
  item.value_bytes = found.value_bytes;
  item.flags = found.flags;
  item.expiry_s = found.expiry_s;
  item.cas = found.cas;
  item.marks = found.marks;
}

Found FoundIn(const StoredValue& item) {
  return {.value_bytes = item.value_bytes,
          .flags = item.flags,
          .expiry_s = item.expiry_s,
          .cas = item.cas,
          .marks = item.marks};
}

bool IsAnswer(ReadResult result) {
  return result == ReadResult::kHit || result == ReadResult::kMiss;
}

bool IsSame(const OwnerHelloReply& owner, const FileShape& window) {
  return owner.file_bytes == window.file_bytes && owner.shard_count == window.shard_count &&
         owner.shard_seed == window.shard_seed;
}

}  // namespace

absl::StatusOr<Client> Client::Open(const ClientOptions& options) {
  if (options.window.empty() && options.owner.empty()) {
    return absl::InvalidArgumentError(
        "neither a window nor an owner is given; give one of them, or both.");
  }
  if (options.window.empty()) return Make(options, std::nullopt);
  absl::StatusOr<FileReader> window = FileReader::Open(options.window, options.clock);
  if (!window.ok()) return window.status();
  return Make(options, *std::move(window));
}

absl::StatusOr<Client> Client::Open(const ClientOptions& options, FileReader window) {
  return Make(options, std::move(window));
}

absl::StatusOr<Client> Client::Make(const ClientOptions& options,
                                    std::optional<FileReader> window) {
  Client client(options);
  client.window_ = std::move(window);
  if (options.owner.empty()) return client;
  absl::StatusOr<OwnerAddress> address = OwnerAddress::Parse(options.owner);
  if (!address.ok()) return address.status();
  client.link_.emplace(*std::move(address), options.link);
  return client;
}

// None: memory cannot tell anything now.
FileReader* Client::Window() {
  const bool is_good = window_ && !is_window_foreign_ && !window_->OwnerHasStopped();
  return is_good ? &*window_ : nullptr;
}

// Nothing: the owner has to be asked.
std::optional<bool> Client::Concluded(ReadResult result, const Found& found, GetUse use,
                                      StoredValue& item) {
  if (result == ReadResult::kMiss) {
    ++counters_.window_misses;
    return false;
  }
  if (result != ReadResult::kHit) return std::nullopt;
  ++counters_.window_hits;
  TakeFound(found, item);
  if (link_ && use == GetUse::kCounts && --hits_until_sample_ == 0) {
    hits_until_sample_ = kHitsPerSample;
    link_->Touched(found.shard, found.slot);
  }
  return true;
}

absl::StatusOr<bool> Client::Get(std::string_view key, StoredValue& item, GetUse use) {
  if (FileReader* window = Window()) {
    Found found;
    const ReadResult result = window->Get(key, item.value, found);
    if (const auto answer = Concluded(result, found, use, item)) return *answer;
  }
  return AskForItem({.key = key, .use = use}, item);
}

absl::StatusOr<bool> Client::Describe(std::string_view key, StoredValue& item, GetUse use) {
  item.value.clear();
  if (FileReader* window = Window()) {
    Found found;
    const ReadResult result = window->Describe(key, found);
    if (const auto answer = Concluded(result, found, use, item)) return *answer;
  }
  return AskForItem({.key = key, .wants_value = false, .use = use}, item);
}

absl::StatusOr<bool> Client::GetInto(std::string_view key, std::span<std::byte> buffer,
                                     StoredValue& item) {
  item.value.clear();
  if (FileReader* window = Window()) {
    Found found;
    ReadResult result = window->Get(key, buffer, found);
    if (result == ReadResult::kTooSmall) result = ReadResult::kHit;
    if (const auto answer = Concluded(result, found, GetUse::kCounts, item)) return *answer;
  }
  absl::StatusOr<bool> is_hit = AskForItem({.key = key, .use = GetUse::kCounts}, item);
  const bool is_copied = is_hit.ok() && *is_hit && item.value.size() <= buffer.size();
  if (is_copied && !item.value.empty()) {  // Without a value there need not be a buffer.
    memcpy(buffer.data(), item.value.data(), item.value.size());
  }
  item.value.clear();
  return is_hit;
}

absl::StatusOr<bool> Client::Look(std::string_view key, View& view) {
  if (FileReader* window = Window()) {
    const ReadResult result = window->Look(key, view);
    const auto answer = Concluded(result, view.found, GetUse::kCounts, looked_at_);
    if (answer) return *answer;
  }
  const absl::StatusOr<bool> is_hit = Get(key, looked_at_);
  if (!is_hit.ok() || !*is_hit) return is_hit;
  view = {.value = std::as_bytes(std::span(looked_at_.value)),
          .found = FoundIn(looked_at_),
          .token = {}};
  return true;
}

bool Client::StillValid(const View& view) const {
  return view.token.slot_word == 0 || (window_ && window_->StillValid(view));
}

absl::Status Client::GetMany(std::span<const std::string_view> keys,
                             std::span<ManyAnswer> answers) {
  FileReader* window = Window();
  if (window != nullptr) window->GetMany(keys, answers);
  StoredValue described;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (window == nullptr) answers[i].result = ReadResult::kAskOwner;
    if (!IsAnswer(answers[i].result)) continue;
    Concluded(answers[i].result, answers[i].found, GetUse::kCounts, described);
  }
  return AskForMissing(keys, answers);
}

absl::Status Client::AskForMissing(std::span<const std::string_view> keys,
                                   std::span<ManyAnswer> answers) {
  StoredValue item;
  for (size_t i = 0; i < keys.size(); ++i) {
    ManyAnswer& answer = answers[i];
    if (IsAnswer(answer.result)) continue;
    const auto is_hit = AskForItem({.key = keys[i], .use = GetUse::kCounts}, item);
    if (!is_hit.ok()) return is_hit.status();
    answer.result = *is_hit ? ReadResult::kHit : ReadResult::kMiss;
    if (!*is_hit) continue;
    answer.value = std::move(item.value);
    answer.found = FoundIn(item);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Client::AskForItem(const VisitRequest& request, StoredValue& item) {
  item.value.clear();
  if (!CheckKey(request.key).ok()) return false;
  const absl::StatusOr<StoreAnswer> answer = Visit(request, item);
  if (!answer.ok()) return answer.status();
  return answer->result == StoreResult::kDone;
}

absl::StatusOr<OwnerReplyHeader> Client::Ask(const OwnerRequest& request, std::string& value) {
  if (!link_) return NoOwner();
  ++counters_.asked;
  absl::StatusOr<OwnerReplyHeader> reply = link_->Ask(request, value);
  CheckWindow();
  if (reply.ok() && window_ && !is_window_foreign_) window_->OwnerWasHeard();
  return reply;
}

// Whether it shows the cache of the owner, who may have begun another one in the meantime. Then the
// path may lead to that now; in a virtual machine it does not.
void Client::CheckWindow() {
  if (!window_ || link_->Connections() == checked_connection_) return;
  checked_connection_ = link_->Connections();
  is_window_foreign_ = !IsSame(link_->Hello(), window_->Shape());
  if (!is_window_foreign_) return;
  absl::StatusOr<FileReader> window = FileReader::Open(options_.window, options_.clock);
  if (!window.ok() || !IsSame(link_->Hello(), window->Shape())) return;
  window_ = *std::move(window);
  is_window_foreign_ = false;
}

absl::StatusOr<StoreAnswer> Client::AskForAnswer(const OwnerRequest& request) {
  const absl::StatusOr<OwnerReplyHeader> reply = Ask(request, scratch_);
  if (!reply.ok()) return reply.status();
  if (IsStoreResult(*reply)) return AnswerIn(*reply);
  return absl::PermissionDeniedError("the owner of the cache does not allow this.");
}

absl::StatusOr<StoreAnswer> Client::Put(const PutRequest& request) {
  if (absl::Status status = CheckKey(request.key); !status.ok()) return status;
  if (request.value.size() > UINT32_MAX) return RefuseLarge(request);
  return AskForAnswer(ToOwner(request));
}

// What no request can say. Nobody may go on reading what a set was to replace, as with other items
// that are too large.
absl::StatusOr<StoreAnswer> Client::RefuseLarge(const PutRequest& request) {
  if (request.mode == PutMode::kSet) {
    const auto removed = AskForAnswer(ToOwner(RemoveRequest{.key = request.key}));
    if (!removed.ok()) return removed.status();
  }
  return StoreAnswer{.result = StoreResult::kTooLarge};
}

absl::StatusOr<StoreAnswer> Client::Count(const CountRequest& request) {
  if (absl::Status status = CheckKey(request.key); !status.ok()) return status;
  return AskForAnswer(ToOwner(request));
}

absl::StatusOr<StoreAnswer> Client::Remove(const RemoveRequest& request) {
  if (absl::Status status = CheckKey(request.key); !status.ok()) return status;
  return AskForAnswer(ToOwner(request));
}

absl::StatusOr<StoreAnswer> Client::Visit(const VisitRequest& request, StoredValue& seen) {
  seen.value.clear();
  if (absl::Status status = CheckKey(request.key); !status.ok()) return status;
  const absl::StatusOr<OwnerReplyHeader> reply = Ask(ToOwner(request), seen.value);
  if (!reply.ok()) return reply.status();
  if (!IsStoreResult(*reply)) {
    return absl::PermissionDeniedError("the owner of the cache does not allow this.");
  }
  TakeSeen(*reply, seen);
  return AnswerIn(*reply);
}

absl::Status Client::FlushAll(int64_t when) { return AskForAnswer(FlushOfOwner(when)).status(); }

absl::StatusOr<OwnerFacts> Client::Facts() {
  const absl::StatusOr<OwnerReplyHeader> reply = Ask(FactsOfOwner(), scratch_);
  if (!reply.ok()) return reply.status();
  OwnerFacts facts;
  if (scratch_.size() != sizeof(facts)) {
    return absl::DataLossError("the owner of the cache does not say what there is in it.");
  }
  memcpy(&facts, scratch_.data(), sizeof(facts));
  return facts;
}

uint64_t Client::ItemMaxBytes() {
  if (link_) {
    // Not as it was heard last: the owner may have been started anew, with another limit.
    const bool is_connected = link_->Connect().ok();
    CheckWindow();
    if (is_connected || !window_) return link_->Hello().item_max_bytes;
  }
  return window_->ItemMaxBytes();
}

uint32_t Client::NowS() const {
  const uint32_t heard_s = link_ ? link_->NowS() : 0;
  const bool has_window = window_ && !is_window_foreign_;
  return std::max(heard_s, has_window ? window_->NowS() : 0);
}

}  // namespace tombolo::kvcache

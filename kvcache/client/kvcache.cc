#include "kvcache/client/kvcache.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <cstddef>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvcache/client/client.h"
#include "kvcache/client/reader.h"
#include "kvcache/shard/file_shape.h"
#include "kvcache/store/store_types.h"

struct tombolo_kv {
  tombolo::kvcache::Client client;
  // Of tombolo_kv_get_many(): what they have room for is used again.
  std::vector<std::string_view> keys = {};
  std::vector<tombolo::kvcache::ManyAnswer> answers = {};
};

namespace tombolo::kvcache {
namespace {

static_assert(TOMBOLO_KV_STORED == static_cast<int>(StoreResult::kStored));
static_assert(TOMBOLO_KV_NOT_STORED == static_cast<int>(StoreResult::kNotStored));
static_assert(TOMBOLO_KV_EXISTS == static_cast<int>(StoreResult::kExists));
static_assert(TOMBOLO_KV_NOT_FOUND == static_cast<int>(StoreResult::kNotFound));
static_assert(TOMBOLO_KV_DONE == static_cast<int>(StoreResult::kDone));
static_assert(TOMBOLO_KV_BAD_KEY == static_cast<int>(StoreResult::kBadKey));
static_assert(TOMBOLO_KV_TOO_LARGE == static_cast<int>(StoreResult::kTooLarge));
static_assert(TOMBOLO_KV_NO_MEMORY == static_cast<int>(StoreResult::kNoMemory));
static_assert(TOMBOLO_KV_NOT_A_NUMBER == static_cast<int>(StoreResult::kNotANumber));

// A slot and its shard in one word: there are fewer than 2^40 slots.
constexpr int kShardBits = 8;
static_assert(kMaxShards <= 1u << kShardBits);

thread_local std::string last_error;

int Errno(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
      return ECONNREFUSED;
    case absl::StatusCode::kDeadlineExceeded:
      return ETIMEDOUT;
    case absl::StatusCode::kNotFound:
      return ENOENT;
    case absl::StatusCode::kPermissionDenied:
      return EPERM;
    case absl::StatusCode::kFailedPrecondition:
      return EAGAIN;
    case absl::StatusCode::kInvalidArgument:
      return EINVAL;
    case absl::StatusCode::kResourceExhausted:
      return ENOMEM;
    default:
      return EIO;
  }
}

int Fail(const absl::Status& status) {
  last_error = std::string(status.message());
  return -Errno(status.code());
}

// What the functions of the header do, but that nothing is thrown out of them: there is no memory.
// SUBTLE: the text is so short that a string has room for it without any.
template <typename Function>
int Guarded(Function function) {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    last_error = "out of memory";
    return -ENOMEM;
  } catch (...) {
    last_error = "it has thrown";
    return -EIO;
  }
}

int ResultOf(const absl::StatusOr<StoreAnswer>& answer) {
  return answer.ok() ? static_cast<int>(answer->result) : Fail(answer.status());
}

void Tell(const StoredValue& seen, tombolo_kv_item* item) {
  if (item == nullptr) return;
  *item = {.value_bytes = seen.value_bytes,
           .cas = seen.cas,
           .flags = seen.flags,
           .expiry_s = seen.expiry_s};
}

void Show(const View& shown, tombolo_kv_view* view) {
  const View::Token& token = shown.token;
  *view = {.value = shown.value.data(),
           .item = {.value_bytes = shown.value.size(),
                    .cas = shown.found.cas,
                    .flags = shown.found.flags,
                    .expiry_s = shown.found.expiry_s},
           .token = {token.slot_word, token.epoch, token.segment, token.generation,
                     shown.found.slot << kShardBits | shown.found.shard}};
}

View ViewOf(const tombolo_kv_view& view) {
  return {.value = {},
          .found = {.slot = view.token[4] >> kShardBits,
                    .shard = static_cast<uint32_t>(view.token[4] & (kMaxShards - 1))},
          .token = {.slot_word = view.token[0],
                    .epoch = view.token[1],
                    .segment = static_cast<uint32_t>(view.token[2]),
                    .generation = static_cast<uint32_t>(view.token[3])}};
}

int Look(tombolo_kv* handle, std::string_view key, tombolo_kv_view* view) {
  View shown;
  const auto is_hit = handle->client.Look(key, shown);
  if (!is_hit.ok()) return Fail(is_hit.status());
  if (*is_hit) Show(shown, view);
  return *is_hit ? 1 : 0;
}

int FailBySize(size_t value_bytes, size_t capacity) {
  last_error = "the value has " + std::to_string(value_bytes) + " bytes, and the buffer " +
               std::to_string(capacity) + "; give a larger one.";
  return -EMSGSIZE;
}

std::string_view Bytes(const void* bytes, size_t size) {
  return {static_cast<const char*>(bytes), size};
}

int Put(tombolo_kv* handle, const PutRequest& request) {
  return Guarded([&] { return ResultOf(handle->client.Put(request)); });
}

int Count(tombolo_kv* handle, const CountRequest& request, uint64_t* number) {
  return Guarded([&] {
    const absl::StatusOr<StoreAnswer> answer = handle->client.Count(request);
    const bool is_counted = answer.ok() && answer->result == StoreResult::kStored;
    if (is_counted && number != nullptr) *number = answer->number;
    return ResultOf(answer);
  });
}

int Open(const char* window, const char* owner, tombolo_kv** handle) {
  auto client = Client::Open(
      {.window = window == nullptr ? "" : window, .owner = owner == nullptr ? "" : owner});
  if (absl::IsPermissionDenied(client.status())) {
    Fail(client.status());
    return -EACCES;  // By the file, and not by the owner.
  }
  if (!client.ok()) return Fail(client.status());
  *handle = new tombolo_kv{.client = *std::move(client)};
  return 0;
}

int Get(tombolo_kv* handle, std::string_view key, std::span<std::byte> room,
        tombolo_kv_item* item) {
  StoredValue seen;
  const auto is_hit = handle->client.GetInto(key, room, seen);
  if (!is_hit.ok()) return Fail(is_hit.status());
  if (!*is_hit) return 0;
  Tell(seen, item);
  return seen.value_bytes > room.size() ? FailBySize(seen.value_bytes, room.size()) : 1;
}

// Whether it is there.
bool Take(const ManyAnswer& answer, tombolo_kv_wanted& wanted) {
  wanted.result = 0;
  if (answer.result != ReadResult::kHit) return false;
  const std::string& value = answer.value;
  wanted.item = {.value_bytes = value.size(),
                 .cas = answer.found.cas,
                 .flags = answer.found.flags,
                 .expiry_s = answer.found.expiry_s};
  wanted.result = value.size() > wanted.capacity ? -EMSGSIZE : 1;
  if (wanted.result == 1 && !value.empty()) memcpy(wanted.buffer, value.data(), value.size());
  return true;
}

int GetMany(tombolo_kv* handle, std::span<tombolo_kv_wanted> wanted) {
  if (wanted.size() > INT_MAX) return Fail(absl::InvalidArgumentError("too many keys at once."));
  handle->keys.clear();
  for (const tombolo_kv_wanted& one : wanted) handle->keys.emplace_back(one.key, one.key_bytes);
  if (handle->answers.size() < wanted.size()) handle->answers.resize(wanted.size());
  const auto answers = std::span(handle->answers).first(wanted.size());
  const absl::Status status = handle->client.GetMany(handle->keys, answers);
  if (!status.ok()) return Fail(status);
  int there = 0;
  for (size_t i = 0; i < wanted.size(); ++i) there += Take(answers[i], wanted[i]) ? 1 : 0;
  return there;
}

int Gat(tombolo_kv* handle, std::string_view key, int64_t exptime, std::span<std::byte> room,
        tombolo_kv_item* item) {
  StoredValue seen;
  const auto answer = handle->client.Gat(key, exptime, seen);
  if (!answer.ok()) return Fail(answer.status());
  if (answer->result != StoreResult::kDone) return 0;
  Tell(seen, item);
  if (seen.value.size() > room.size()) return FailBySize(seen.value.size(), room.size());
  if (!seen.value.empty()) memcpy(room.data(), seen.value.data(), seen.value.size());
  return 1;
}

std::span<std::byte> Room(void* buffer, size_t capacity) {
  return {static_cast<std::byte*>(buffer), capacity};
}

}  // namespace
}  // namespace tombolo::kvcache

using tombolo::kvcache::Bytes;
using tombolo::kvcache::Fail;
using tombolo::kvcache::Guarded;
using tombolo::kvcache::PutMode;
using tombolo::kvcache::Room;

int tombolo_kv_open(const char* window, const char* owner, tombolo_kv** handle) {
  return Guarded([&] {
    if (handle == nullptr) return Fail(absl::InvalidArgumentError("no place for the handle."));
    *handle = nullptr;
    return tombolo::kvcache::Open(window, owner, handle);
  });
}

void tombolo_kv_close(tombolo_kv* handle) { delete handle; }

const char* tombolo_kv_error(void) { return tombolo::kvcache::last_error.c_str(); }

int tombolo_kv_get(tombolo_kv* handle, const char* key, size_t key_bytes, void* buffer,
                   size_t capacity, tombolo_kv_item* item) {
  return Guarded([&] {
    return tombolo::kvcache::Get(handle, Bytes(key, key_bytes), Room(buffer, capacity), item);
  });
}

int tombolo_kv_get_many(tombolo_kv* handle, tombolo_kv_wanted* wanted, size_t count) {
  return Guarded([&] { return tombolo::kvcache::GetMany(handle, std::span(wanted, count)); });
}

int tombolo_kv_look(tombolo_kv* handle, const char* key, size_t key_bytes, tombolo_kv_view* view) {
  return Guarded([&] { return tombolo::kvcache::Look(handle, Bytes(key, key_bytes), view); });
}

int tombolo_kv_still_valid(const tombolo_kv* handle, const tombolo_kv_view* view) {
  return handle->client.StillValid(tombolo::kvcache::ViewOf(*view)) ? 1 : 0;
}

int tombolo_kv_gat(tombolo_kv* handle, const char* key, size_t key_bytes, int64_t exptime,
                   void* buffer, size_t capacity, tombolo_kv_item* item) {
  return Guarded([&] {
    return tombolo::kvcache::Gat(handle, Bytes(key, key_bytes), exptime, Room(buffer, capacity),
                                 item);
  });
}

int tombolo_kv_set(tombolo_kv* handle, const char* key, size_t key_bytes, const void* value,
                   size_t value_bytes, uint32_t flags, int64_t exptime) {
  return tombolo::kvcache::Put(handle, {.key = Bytes(key, key_bytes),
                                        .value = Bytes(value, value_bytes),
                                        .flags = flags,
                                        .exptime = exptime});
}

int tombolo_kv_add(tombolo_kv* handle, const char* key, size_t key_bytes, const void* value,
                   size_t value_bytes, uint32_t flags, int64_t exptime) {
  return tombolo::kvcache::Put(handle, {.mode = PutMode::kAdd,
                                        .key = Bytes(key, key_bytes),
                                        .value = Bytes(value, value_bytes),
                                        .flags = flags,
                                        .exptime = exptime});
}

int tombolo_kv_replace(tombolo_kv* handle, const char* key, size_t key_bytes, const void* value,
                       size_t value_bytes, uint32_t flags, int64_t exptime) {
  return tombolo::kvcache::Put(handle, {.mode = PutMode::kReplace,
                                        .key = Bytes(key, key_bytes),
                                        .value = Bytes(value, value_bytes),
                                        .flags = flags,
                                        .exptime = exptime});
}

int tombolo_kv_cas(tombolo_kv* handle, const char* key, size_t key_bytes, const void* value,
                   size_t value_bytes, uint32_t flags, int64_t exptime, uint64_t cas) {
  return tombolo::kvcache::Put(handle, {.mode = PutMode::kCas,
                                        .key = Bytes(key, key_bytes),
                                        .value = Bytes(value, value_bytes),
                                        .flags = flags,
                                        .exptime = exptime,
                                        .cas = cas});
}

int tombolo_kv_append(tombolo_kv* handle, const char* key, size_t key_bytes, const void* tail,
                      size_t tail_bytes) {
  return tombolo::kvcache::Put(
      handle,
      {.mode = PutMode::kAppend, .key = Bytes(key, key_bytes), .value = Bytes(tail, tail_bytes)});
}

int tombolo_kv_prepend(tombolo_kv* handle, const char* key, size_t key_bytes, const void* head,
                       size_t head_bytes) {
  return tombolo::kvcache::Put(
      handle,
      {.mode = PutMode::kPrepend, .key = Bytes(key, key_bytes), .value = Bytes(head, head_bytes)});
}

int tombolo_kv_delete(tombolo_kv* handle, const char* key, size_t key_bytes) {
  return Guarded(
      [&] { return tombolo::kvcache::ResultOf(handle->client.Delete(Bytes(key, key_bytes))); });
}

int tombolo_kv_touch(tombolo_kv* handle, const char* key, size_t key_bytes, int64_t exptime) {
  return Guarded([&] {
    return tombolo::kvcache::ResultOf(handle->client.Touch(Bytes(key, key_bytes), exptime));
  });
}

int tombolo_kv_incr(tombolo_kv* handle, const char* key, size_t key_bytes, uint64_t delta,
                    uint64_t* number) {
  return tombolo::kvcache::Count(handle, {.key = Bytes(key, key_bytes), .delta = delta}, number);
}

int tombolo_kv_decr(tombolo_kv* handle, const char* key, size_t key_bytes, uint64_t delta,
                    uint64_t* number) {
  return tombolo::kvcache::Count(
      handle, {.key = Bytes(key, key_bytes), .is_down = true, .delta = delta}, number);
}

int tombolo_kv_flush_all(tombolo_kv* handle, int64_t when) {
  return Guarded([&] {
    const absl::Status status = handle->client.FlushAll(when);
    return status.ok() ? 0 : Fail(status);
  });
}

#include "transport/c/tombolo.h"

#include <errno.h>
#include <string.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/endpoint/membership_view.h"
#include "transport/layout/link.h"

struct tombolo_endpoint {
  std::unique_ptr<tombolo::Endpoint> endpoint;
  std::unique_ptr<tombolo::Channel> channel;
};

namespace {

using tombolo::Claim;
using tombolo::EndpointId;

thread_local std::string last_error;

int Errno(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 0;
    case absl::StatusCode::kNotFound:
      return ENOENT;
    case absl::StatusCode::kUnavailable:
      return ECONNREFUSED;
    case absl::StatusCode::kResourceExhausted:
      return ENOSPC;
    case absl::StatusCode::kInvalidArgument:
      return EINVAL;
    case absl::StatusCode::kPermissionDenied:
      return EACCES;
    case absl::StatusCode::kDeadlineExceeded:
      return ETIMEDOUT;
    default:
      return EPROTO;
  }
}

int Fail(const absl::Status& status) {
  last_error = std::string(status.message());
  return -Errno(status.code());
}

int Fail(int error, const char* text) {
  last_error = text;
  return -error;
}

EndpointId FromC(tombolo_id id) { return {id.index, id.incarnation}; }
tombolo_id ToC(EndpointId id) { return {id.index, id.incarnation}; }

// A Claim is plain data, and travels in the caller's opaque words.
static_assert(std::is_trivially_copyable_v<Claim>);
static_assert(sizeof(Claim) <= sizeof(tombolo_claim::opaque));

Claim FromC(const tombolo_claim& claim) {
  Claim result;
  memcpy(static_cast<void*>(&result), claim.opaque, sizeof(result));
  return result;
}

// Calls the caller's functions.
class Callbacks final : public tombolo::ChannelHandler {
 public:
  Callbacks(tombolo_on_message on_message, tombolo_on_departed on_departed, void* context)
      : on_message_(on_message), on_departed_(on_departed), context_(context) {}

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override {
    if (on_message_) on_message_(context_, ToC(source), tag, payload.data(), payload.size());
  }
  void OnDeparted(EndpointId peer) override {
    if (on_departed_) on_departed_(context_, ToC(peer));
  }

 private:
  tombolo_on_message on_message_;
  tombolo_on_departed on_departed_;
  void* context_;
};

}  // namespace

int tombolo_attach(const char* broker_socket, const char* name, tombolo_endpoint** handle) {
  if (handle == nullptr || name == nullptr) return Fail(EINVAL, "name and handle must be given.");
  *handle = nullptr;
  const std::string path = broker_socket ? broker_socket : tombolo::kDefaultBrokerSocket;
  auto endpoint = tombolo::Endpoint::Attach(path, name);
  if (!endpoint.ok()) return Fail(endpoint.status());
  auto channel = tombolo::Channel::Create(**endpoint);
  if (!channel.ok()) return Fail(channel.status());
  *handle = new tombolo_endpoint{*std::move(endpoint), *std::move(channel)};
  return 0;
}

void tombolo_detach(tombolo_endpoint* handle) {
  if (handle == nullptr) return;
  handle->channel.reset();
  // A broker that is gone learns of the end from the process's own.
  handle->endpoint->Detach().IgnoreError();
  delete handle;
}

tombolo_id tombolo_self(const tombolo_endpoint* handle) { return ToC(handle->endpoint->Id()); }

uint32_t tombolo_slot(const tombolo_endpoint* handle) { return handle->endpoint->Slot(); }

int tombolo_peers(tombolo_endpoint* handle, tombolo_peer* peers, size_t capacity) {
  const auto live = tombolo::LiveEndpoints(handle->endpoint->SharedRegion());
  for (size_t i = 0; i < std::min(capacity, live.size()); ++i) {
    peers[i] =
        tombolo_peer{.id = ToC(live[i].id), .slot = live[i].slot, .pid = live[i].pid, .name = {}};
    memcpy(peers[i].name, live[i].name.data(),
           std::min(live[i].name.size(), size_t{TOMBOLO_NAME_BYTES - 1}));
  }
  return static_cast<int>(live.size());
}

int tombolo_open(tombolo_endpoint* handle, tombolo_id peer) {
  const absl::Status status = handle->channel->Open(FromC(peer));
  return status.ok() ? 0 : Fail(status);
}

size_t tombolo_max_message_bytes(void) { return tombolo::kBulkChunkBytes; }

int tombolo_try_claim(tombolo_endpoint* handle, tombolo_id peer, size_t size_bytes,
                      tombolo_claim* claim) {
  if (size_bytes > tombolo::kBulkChunkBytes) {
    return Fail(EMSGSIZE, "the message is larger than tombolo_max_message_bytes().");
  }
  if (handle->channel->MaxPayloadBytes(FromC(peer)) == 0) {
    return Fail(ENOENT, "the peer was not opened, or it has departed.");
  }
  Claim result;
  if (!handle->channel->TryClaim(FromC(peer), size_bytes, result)) {
    return Fail(EAGAIN, "no room now; poll and try again.");
  }
  *claim = tombolo_claim{.data = result.payload.data(), .size_bytes = size_bytes, .opaque = {}};
  memcpy(claim->opaque, static_cast<const void*>(&result), sizeof(result));
  return 0;
}

void tombolo_publish(tombolo_endpoint* handle, const tombolo_claim* claim, uint8_t tag,
                     size_t size_bytes) {
  handle->channel->Publish(FromC(*claim), tag, std::min(size_bytes, claim->size_bytes));
}

void tombolo_abandon(tombolo_endpoint* handle, const tombolo_claim* claim) {
  handle->channel->Abandon(FromC(*claim));
}

int tombolo_poll(tombolo_endpoint* handle, tombolo_on_message on_message,
                 tombolo_on_departed on_departed, void* context) {
  Callbacks callbacks(on_message, on_departed, context);
  return static_cast<int>(handle->channel->Poll(callbacks));
}

void tombolo_wait(tombolo_endpoint* handle, int64_t limit_ns) { handle->channel->Sleep(limit_ns); }

const char* tombolo_error(void) { return last_error.c_str(); }

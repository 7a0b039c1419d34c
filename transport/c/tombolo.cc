#include "transport/c/tombolo.h"

#include <errno.h>
#include <string.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/c/handle.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/membership_view.h"
#include "transport/layout/link.h"

namespace tombolo {
namespace {

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

// A Claim is plain data, and travels in the caller's opaque words.
static_assert(std::is_trivially_copyable_v<Claim>);
static_assert(sizeof(Claim) <= sizeof(tombolo_claim::opaque));

Claim ClaimFromC(const tombolo_claim& claim) {
  Claim result;
  memcpy(static_cast<void*>(&result), claim.opaque, sizeof(result));
  return result;
}

int Publish(tombolo_endpoint* handle, const tombolo_claim& claim, uint8_t tag, size_t size_bytes,
            More more) {
  if (const int refused = RefuseTag(tag); refused != 0) {
    handle->channel->Abandon(ClaimFromC(claim));
    return refused;
  }
  handle->channel->Publish(ClaimFromC(claim), tag, std::min(size_bytes, claim.size_bytes), more);
  return 0;
}

}  // namespace

int FailC(const absl::Status& status) {
  last_error = std::string(status.message());
  return -Errno(status.code());
}

int FailC(int error, const std::string& text) {
  last_error = text;
  return -error;
}

int RefuseTag(uint8_t tag) {
  if (tag != TOMBOLO_TAG_STREAM) return 0;
  return FailC(EINVAL,
               "the tag TOMBOLO_TAG_STREAM is that of byte streams; use tombolo_stream_*().");
}

}  // namespace tombolo

using tombolo::ClaimFromC;
using tombolo::FailC;
using tombolo::FromC;
using tombolo::ToC;

int tombolo_attach(const char* broker_socket, const char* name, tombolo_endpoint** handle) {
  if (handle == nullptr || name == nullptr) return FailC(EINVAL, "name and handle must be given.");
  *handle = nullptr;
  const std::string path = broker_socket ? broker_socket : tombolo::kDefaultBrokerSocket;
  auto endpoint = tombolo::Endpoint::Attach(path, name);
  if (!endpoint.ok()) return FailC(endpoint.status());
  auto channel = tombolo::Channel::Create(**endpoint);
  if (!channel.ok()) return FailC(channel.status());
  *handle = new tombolo_endpoint{.endpoint = *std::move(endpoint),
                                 .channel = *std::move(channel),
                                 .acceptor = nullptr,
                                 .streams = nullptr};
  return 0;
}

void tombolo_detach(tombolo_endpoint* handle) {
  if (handle == nullptr) return;
  handle->streams.reset();
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
  return status.ok() ? 0 : FailC(status);
}

size_t tombolo_max_message_bytes(void) { return tombolo::kBulkChunkBytes; }

size_t tombolo_max_now_bytes(tombolo_endpoint* handle, tombolo_id peer) {
  return handle->channel->MaxPayloadBytes(FromC(peer));
}

int tombolo_try_claim(tombolo_endpoint* handle, tombolo_id peer, size_t size_bytes,
                      tombolo_claim* claim) {
  if (size_bytes > tombolo::kBulkChunkBytes) {
    return FailC(EMSGSIZE, "the message is larger than tombolo_max_message_bytes().");
  }
  if (handle->channel->MaxPayloadBytes(FromC(peer)) == 0) {
    return FailC(ENOENT, "the peer was not opened, or it has departed.");
  }
  tombolo::Claim result;
  if (!handle->channel->TryClaim(FromC(peer), size_bytes, result)) {
    return FailC(EAGAIN, "no room now; poll and try again.");
  }
  *claim = tombolo_claim{.data = result.payload.data(), .size_bytes = size_bytes, .opaque = {}};
  memcpy(claim->opaque, static_cast<const void*>(&result), sizeof(result));
  return 0;
}

int tombolo_publish(tombolo_endpoint* handle, const tombolo_claim* claim, uint8_t tag,
                    size_t size_bytes) {
  return tombolo::Publish(handle, *claim, tag, size_bytes, tombolo::More::kNo);
}

int tombolo_publish_more(tombolo_endpoint* handle, const tombolo_claim* claim, uint8_t tag,
                         size_t size_bytes) {
  return tombolo::Publish(handle, *claim, tag, size_bytes, tombolo::More::kMoreFollows);
}

void tombolo_abandon(tombolo_endpoint* handle, const tombolo_claim* claim) {
  handle->channel->Abandon(ClaimFromC(*claim));
}

const char* tombolo_error(void) { return tombolo::last_error.c_str(); }

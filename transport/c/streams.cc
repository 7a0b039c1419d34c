// The C interface's byte streams.
#include <errno.h>
#include <string.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/c/handle.h"
#include "transport/c/tombolo.h"
#include "transport/stream/stream.h"
#include "transport/stream/stream_mux.h"

// Reads and writes ask the stream itself, so only its early end is to be kept.
struct tombolo_stream final : tombolo::StreamHandler {
  void OnReadable() override {}
  void OnWritable() override {}
  void OnReset(const absl::Status& status) override { why = status; }

  std::unique_ptr<tombolo::Stream> stream;
  absl::Status why;
};

namespace tombolo {
namespace {

class Acceptor final : public StreamAcceptor {
 public:
  Acceptor(tombolo_on_connect on_connect, void* context)
      : on_connect_(on_connect), context_(context) {}

  absl::Status OnConnect(EndpointId id, std::string_view service,
                         std::unique_ptr<Stream>& stream) override {
    auto taken = std::make_unique<tombolo_stream>();
    taken->stream = std::move(stream);
    taken->stream->SetHandler(taken.get());
    const std::string name(service);
    if (on_connect_(context_, ToC(id), name.c_str(), taken.get()) == 0) {
      (void)taken.release();  // The caller's until tombolo_stream_close().
      return absl::OkStatus();
    }
    taken->stream->SetHandler(nullptr);
    stream = std::move(taken->stream);
    return absl::PermissionDeniedError("the program refused the stream.");
  }

 private:
  tombolo_on_connect on_connect_;
  void* context_;
};

int64_t EndedEarly(const tombolo_stream& stream) {
  return FailC(ECONNRESET, std::string(stream.why.message()));
}

}  // namespace
}  // namespace tombolo

using tombolo::EndedEarly;
using tombolo::FailC;
using tombolo::FromC;

tombolo::StreamMux& tombolo_endpoint::Streams() {
  if (streams == nullptr) {
    streams = std::make_unique<tombolo::StreamMux>(*channel, acceptor.get());
  }
  return *streams;
}

int tombolo_stream_connect(tombolo_endpoint* handle, tombolo_id peer, const char* service,
                           tombolo_stream** stream) {
  auto result = std::make_unique<tombolo_stream>();
  auto connected = handle->Streams().Connect(FromC(peer), service, result.get());
  if (!connected.ok()) return FailC(connected.status());
  result->stream = *std::move(connected);
  *stream = result.release();
  return 0;
}

int tombolo_stream_listen(tombolo_endpoint* handle, tombolo_on_connect on_connect, void* context) {
  if (handle->streams != nullptr) {
    return FailC(EBUSY, "listen once, before the first stream is connected.");
  }
  handle->acceptor = std::make_unique<tombolo::Acceptor>(on_connect, context);
  handle->Streams();
  return 0;
}

int64_t tombolo_stream_read(tombolo_stream* stream, void* data, size_t size_bytes) {
  size_t taken = 0;
  while (taken < size_bytes) {
    const std::span<const std::byte> front = stream->stream->Front();
    if (front.empty()) break;
    const size_t bytes = std::min(front.size(), size_bytes - taken);
    memcpy(static_cast<std::byte*>(data) + taken, front.data(), bytes);
    stream->stream->Consume(bytes);
    taken += bytes;
  }
  if (taken != 0 || size_bytes == 0) return static_cast<int64_t>(taken);
  if (stream->stream->AtEnd()) return 0;
  if (!stream->why.ok()) return EndedEarly(*stream);
  return FailC(EAGAIN, "nothing to read now; poll.");
}

int64_t tombolo_stream_write(tombolo_stream* stream, const void* data, size_t size_bytes) {
  if (!stream->why.ok()) return EndedEarly(*stream);
  if (stream->stream->WriteClosed()) return FailC(EPIPE, "this side has ended the stream.");
  const size_t taken = stream->stream->Write({static_cast<const std::byte*>(data), size_bytes});
  if (taken == 0 && size_bytes != 0) return FailC(EAGAIN, "no room now; poll.");
  return static_cast<int64_t>(taken);
}

void tombolo_stream_end(tombolo_stream* stream) { stream->stream->CloseWrite(); }

void tombolo_stream_close(tombolo_stream* stream) { delete stream; }

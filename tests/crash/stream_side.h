// StreamSide: a member's byte streams: at most one stream, whose bytes tell on their own whether
// they are what should be at their place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/units.h"
#include "transport/stream/stream_mux.h"

namespace tombolo::crash {

class StreamSide final : public StreamAcceptor, public StreamHandler {
 public:
  // `channel` must outlive it. Until it is opened nothing here does anything.
  // The window is small, so that credits are due soon.
  void Open(Channel& channel) {
    mux_ =
        std::make_unique<StreamMux>(channel, this, StreamLimits{.largest_window_bytes = 16 * kKiB});
  }
  bool IsOpen() const { return mux_ != nullptr; }

  // A stream to the service of `peer`.
  void Connect(EndpointId peer);

  // Writes `bytes` bytes, or as many as there is room for.
  void Write(size_t bytes);

  // Prepares the text of the next Write() of so many bytes.
  void Draft(size_t bytes);
  void CloseWrite() { stream_->CloseWrite(); }

  // Leaves what comes where it is, until ReadAll().
  void BeSlow() { is_slow_ = true; }
  void ReadAll();
  void Discard();

  void OnMessage(EndpointId source, std::span<const std::byte> payload);
  void OnDeparted(EndpointId peer);
  void Flush();

  // Empty when all is well: every byte was the one that was due, and no stream outlived its peer.
  std::string WhatIsWrong() const;

 private:
  absl::Status OnConnect(EndpointId id, std::string_view service,
                         std::unique_ptr<Stream>& stream) override;
  void OnReadable() override;
  void OnWritable() override {}
  void OnReset(const absl::Status& why) override;

  std::unique_ptr<StreamMux> mux_;
  std::unique_ptr<Stream> stream_;
  EndpointId peer_;
  std::vector<std::byte> text_;
  size_t drafted_ = 0;
  uint64_t written_ = 0;
  uint64_t read_ = 0;
  uint64_t wrong_bytes_ = 0;
  bool is_slow_ = false;
  bool has_ended_ = false;
  bool peer_departed_ = false;
};

}  // namespace tombolo::crash

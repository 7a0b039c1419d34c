// V2Talk: what `tombolo v2` says to its like in another virtual machine, by messages of an
// ivshmem v2 device (transport/v2).
//
//   byte 0  kind   then
//        1  ping   64 bits, which a pong (2) gives back
//        3  data   bytes of a stream, up to the end of the message
//        4  end    64 bits: how many bytes the stream had
//        5  taken  64 bits: how many of them the receiver has written; 0 says that nobody received
//
// Whoever runs answers pings. A stream is over when its sender has seen `taken`; it then leaves,
// which the receiver sees in the state table. Numbers are little-endian.
//
// What it assumes of the peers: nothing. Messages that make no sense are dropped; one that comes in
// the middle of a stream without being a part of it ends nothing. A peer that is gone, or silent
// for longer than the patience, is an error.
//
// Not thread-safe. The endpoint must outlive it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/v2/v2_endpoint.h"

namespace tombolo::control {

class V2Talk {
 public:
  // Sleeps until something may have come, at most until a time of MonotonicNs(), and looks who is
  // there. Fails when all is to end.
  using Wait = std::function<absl::Status(int64_t until_ns)>;
  // Fills a piece; how much it has filled, 0 at the end.
  using Source = std::function<absl::StatusOr<size_t>(std::span<std::byte> piece)>;
  using Sink = std::function<absl::Status(std::span<const std::byte> piece)>;

  // `patience_ns`: how long a peer may say nothing.
  V2Talk(V2Endpoint& endpoint, uint32_t peer_count, Wait wait, int64_t patience_ns);

  // Takes and answers what has come, without waiting.
  void Turn();

  // InvalidArgument: there can be no such peer, or it is this one. DeadlineExceeded: it is not
  // there.
  absl::Status AwaitPeer(uint32_t peer);

  // How long the answer took. Aborted: the peer has gone. DeadlineExceeded: it does not answer.
  absl::StatusOr<int64_t> Ping(uint32_t peer, uint64_t number);

  // All of `source`; how many bytes. Errors as Ping, those of
  // `source`, and Aborted when the peer took less.
  absl::StatusOr<uint64_t> Send(uint32_t peer, const Source& source);

  // One stream of `peer`, which need not have begun; how many bytes. Errors as Ping, those of
  // `sink`, and DataLoss when the stream had more bytes than have come.
  absl::StatusOr<uint64_t> Receive(uint32_t peer, const Sink& sink);

  // Answers until the wait fails, and returns that.
  absl::Status Serve();

 private:
  struct Numbered {
    uint32_t peer = 0;
    uint64_t number = 0;
    bool operator==(const Numbered&) const = default;
  };
  struct Intake {
    uint32_t peer = 0;
    const Sink* sink = nullptr;
    uint64_t bytes = 0;
    std::optional<uint64_t> end;
    bool is_answered = false;
    absl::Status status;
  };

  void Handle(uint32_t from, std::span<const std::byte> message);
  void HandleData(uint32_t from, std::span<const std::byte> bytes);
  void HandleEnd(uint32_t from, uint64_t bytes);
  absl::Status SendWhole(uint32_t peer, std::span<const std::byte> message);
  absl::Status SendNumber(uint32_t peer, uint8_t kind, uint64_t number);
  bool Reply(uint32_t peer, uint8_t kind, uint64_t number);
  absl::Status Await(uint32_t peer, const std::function<bool()>& has_come, int64_t patience_ns);
  absl::Status AwaitEnd(Intake& intake);

  V2Endpoint& endpoint_;
  const uint32_t peer_count_;
  const Wait wait_;
  const int64_t patience_ns_;
  std::array<std::byte, kV2MaxMessageBytes> buffer_;
  std::optional<Numbered> pong_;
  std::optional<Numbered> taken_;
  Intake* intake_ = nullptr;
};

}  // namespace tombolo::control

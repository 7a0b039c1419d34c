// Pump: carries bytes between one connected socket and one stream, both ways, until both have
// ended.
//
//   socket            stream                      socket            stream
//   readable     ->   Write                       writable     <-   Front, Consume
//   end of file  ->   CloseWrite                  shutdown     <-   AtEnd
//   error        ->   Reset                       reset        <-   OnReset
//
// Back-pressure: the socket is not read while the stream takes nothing, and the stream is not
// consumed while the socket takes nothing. The pump holds no bytes itself.
//
// Ownership: owns both ends. Not thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "control/event_loop/event_loop.h"
#include "transport/base/unique_fd.h"
#include "transport/stream/stream.h"

namespace tombolo::control {

class Pump final : private StreamHandler {
 public:
  // Called once; the last thing that the pump does, so its owner may drop it. OK: both directions
  // ended in order.
  using Done = std::function<void(const absl::Status& why)>;

  // `socket` is connected and does not block. `loop` and `scratch` (memory for one read, which
  // other pumps of the same thread may use too) must outlive it.
  Pump(EventLoop& loop, std::span<std::byte> scratch, UniqueFd socket,
       std::unique_ptr<Stream> stream);

  // Begins; `done` may be called at once.
  void Start(Done done);

 private:
  void OnReadable() override { ToSocket(); }
  void OnWritable() override { ReadWhenReady(); }
  void OnReset(const absl::Status& why) override;

  void ReadWhenReady();
  void FromSocket();
  void ToSocket();
  bool SendFront();
  void FinishIfBothEnded();
  void Abort(const absl::Status& why);
  void End(const absl::Status& why);

  EventLoop& loop_;
  std::span<std::byte> scratch_;
  UniqueFd socket_;
  std::unique_ptr<Stream> stream_;
  Done done_;
  bool socket_ended_ = false;  // Nothing more comes from the socket.
  bool stream_ended_ = false;  // Nothing more goes to the socket.
  Watch read_watch_;
  Watch write_watch_;
};

}  // namespace tombolo::control

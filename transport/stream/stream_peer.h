// StreamPeer: all streams to and from one endpoint, and whose turn it is to send.
//
// Streams that have something to send take turns, one frame each; while the link has no room they
// wait in order, and those that only would like to write wait behind them in a queue of their own:
// so at most one write per stream is ever held in memory. Calls no handler but in TellWaiting().
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/stream/frame_sender.h"
#include "transport/stream/stream_core.h"

namespace tombolo {

class StreamPeer {
 public:
  StreamPeer(Channel& channel, EndpointId id) : sender_(channel, id), id_(id) {}
  StreamPeer(const StreamPeer&) = delete;
  StreamPeer& operator=(const StreamPeer&) = delete;

  EndpointId Id() const { return id_; }

  std::shared_ptr<StreamCore> Find(StreamKey key) const;
  void Add(std::shared_ptr<StreamCore> core);
  size_t CountOpened(bool here) const { return counts_[here ? 1 : 0]; }

  // An id that none of the streams opened here has.
  uint32_t NextId();

  // Sends what is due of this stream, now or when there is room.
  void Schedule(const std::shared_ptr<StreamCore>& core);

  // Its writer wants to be told when WritableBytes() is not 0.
  void Wait(const std::shared_ptr<StreamCore>& core);

  size_t Write(const std::shared_ptr<StreamCore>& core, std::span<const std::byte> data);

  // Sends until nothing is due or there is no room.
  void Flush();

  // Tells those that wait to write, while there is room. True: some are left though there is room.
  bool TellWaiting();

  // The link had no room when it was last tried.
  bool IsBlocked() const { return !scheduled_.empty(); }

  // The peer is gone: takes all streams out of the table and tells them. Their handlers are the
  // caller's to call.
  std::vector<std::shared_ptr<StreamCore>> TakeAll(const absl::Status& why);

  // A peer that talks nonsense is not listened to any more.
  void Ban() { banned_ = true; }
  bool IsBanned() const { return banned_; }

  uint64_t FramesSent() const { return sender_.FramesSent(); }

 private:
  void RemoveIfOver(const std::shared_ptr<StreamCore>& core);

  FrameSender sender_;
  EndpointId id_;
  bool banned_ = false;
  uint32_t last_id_ = 0;
  size_t counts_[2] = {};  // Opened by the peer, opened here.
  std::unordered_map<uint64_t, std::shared_ptr<StreamCore>> streams_;  // By packed key.
  std::deque<std::shared_ptr<StreamCore>> scheduled_;
  std::deque<std::shared_ptr<StreamCore>> waiting_;
};

}  // namespace tombolo

#include "transport/stream/stream_mux.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "transport/base/memory_type.h"
#include "transport/layout/link.h"
#include "transport/region/region.h"
#include "transport/region/region_copy.h"

namespace tombolo {
namespace {

absl::Status TooManyStreams(size_t count, size_t limit) {
  return absl::ResourceExhaustedError(
      absl::StrCat("there are ", count, " streams already, and ", limit, " are allowed"));
}

}  // namespace

StreamMux::StreamMux(Channel& channel, StreamAcceptor* acceptor, const StreamLimits& limits)
    : channel_(channel), acceptor_(acceptor), limits_(limits), budget_(limits) {}

StreamMux::~StreamMux() = default;

StreamPeer* StreamMux::FindPeer(EndpointId id) const {
  if (id.index >= peers_.size() || peers_[id.index] == nullptr) return nullptr;
  return peers_[id.index]->Id() == id ? peers_[id.index].get() : nullptr;
}

StreamPeer& StreamMux::EnsurePeer(EndpointId id) {
  if (StreamPeer* peer = FindPeer(id)) return *peer;
  if (id.index >= peers_.size()) peers_.resize(id.index + 1);
  if (peers_[id.index] == nullptr) {
    known_.push_back(id.index);
  } else {
    // Its departure was not told: it never had a link to us that was open. Banned, so that no
    // handler connects to it again; they may connect elsewhere, and peers_ may move meanwhile.
    StreamPeer& old = *peers_[id.index];
    old.Ban();
    EndAll(old, absl::UnavailableError("the other side is gone"));
  }
  peers_[id.index] = std::make_unique<StreamPeer>(channel_, id);
  return *peers_[id.index];
}

absl::StatusOr<std::unique_ptr<Stream>> StreamMux::Connect(EndpointId id, std::string_view service,
                                                           StreamHandler* handler) {
  if (!IsStreamTarget(service)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", absl::string_view(service.data(), service.size()), "' is no name for a service: 1 to ",
        kMaxServiceNameBytes, " printable characters without spaces."));
  }
  if (StreamCount() >= limits_.max_streams) {
    return TooManyStreams(StreamCount(), limits_.max_streams);
  }
  if (absl::Status status = channel_.Open(id); !status.ok()) return status;
  if (id.index < peers_.size() && peers_[id.index] != nullptr && peers_[id.index]->Id() != id) {
    // Handlers of its streams may be running, so it goes when the channel tells.
    return absl::UnavailableError("an endpoint with this index has just gone; try again");
  }
  StreamPeer& peer = EnsurePeer(id);
  if (peer.IsBanned()) return absl::UnavailableError("the other side broke the stream protocol");
  if (peer.CountOpened(true) >= limits_.max_streams_per_peer) {
    return TooManyStreams(peer.CountOpened(true), limits_.max_streams_per_peer);
  }
  const StreamKey key{.id = peer.NextId(), .opened_here = true};
  auto core = std::make_shared<StreamCore>(peer, key, service, budget_);
  core->handler = handler;
  ++counters_.opened;
  peer.Add(core);
  peer.Schedule(core);
  return std::unique_ptr<Stream>(new Stream(std::move(core)));
}

void StreamMux::OnMessage(EndpointId source, std::span<const std::byte> payload) {
  StreamPeer* peer = FindPeer(source);
  if (peer != nullptr && peer->IsBanned()) {
    ++counters_.ignored_frames;
    return;
  }
  // SUBTLE: What is offered is read in place, by memcpy and by system calls too, and in Device
  // memory all of them raise a fault where they are not aligned. There the users get a copy.
  std::vector<std::byte> copy;
  if (const Region& region = channel_.SharedRegion(); region.Type() == MemoryType::kDevice) {
    if (payload.size() > kBulkChunkBytes) return Ban(source);
    copy.resize(payload.size());
    CopyOut(region.Type(), copy.data(), payload);
    payload = copy;
  }
  const std::optional<StreamFrame> frame = ParseStreamFrame(payload);
  if (!frame) return Ban(source);
  const StreamKey key{.id = frame->stream_id, .opened_here = !frame->from_opener};
  if (std::shared_ptr<StreamCore> core = peer != nullptr ? peer->Find(key) : nullptr) {
    Dispatch(core, *frame);
  } else if (frame->type == StreamFrameType::kOpen) {
    OnOpen(source, *frame);
  } else {
    ++counters_.stray_frames;
  }
}

void StreamMux::Dispatch(const std::shared_ptr<StreamCore>& core, const StreamFrame& frame) {
  using Effect = StreamCore::Effect;
  const Effect effect = core->Apply(frame);
  if (effect == Effect::kReadable) {
    if (core->handler != nullptr) core->handler->OnReadable();
    core->Receiving().KeepOffered();
  } else if (effect == Effect::kWritable) {
    TellWritable(core);
  } else if (effect == Effect::kEnded || effect == Effect::kViolation) {
    if (effect == Effect::kViolation) ++counters_.violations;
    if (StreamHandler* handler = std::exchange(core->handler, nullptr)) {
      handler->OnReset(core->EndReason());
    }
  }
  if (core->peer != nullptr) core->peer->Schedule(core);
}

void StreamMux::TellWritable(const std::shared_ptr<StreamCore>& core) {
  if (!core->wants_writable || core->handler == nullptr || !core->WindowIsOpen()) return;
  if (core->peer->IsBlocked()) return core->peer->Wait(core);
  core->wants_writable = false;
  core->handler->OnWritable();
}

void StreamMux::OnOpen(EndpointId source, const StreamFrame& frame) {
  StreamPeer& peer = EnsurePeer(source);
  // Those that are refused wait until the refusal is sent; who has more than as many again open
  // does not wait for answers, and no honest peer does that.
  if (peer.CountOpened(false) >= 2 * limits_.max_streams_per_peer) return Ban(source);
  const StreamKey key{.id = frame.stream_id, .opened_here = false};
  auto core = std::make_shared<StreamCore>(peer, key, frame.value, budget_);
  peer.Add(core);
  const absl::Status answer = Offer(peer, frame, core);
  if (answer.ok()) {
    ++counters_.accepted;
  } else {
    ++counters_.refused;
    core->handler = nullptr;
    core->Reset(answer);
  }
  if (core->peer != nullptr) core->peer->Schedule(core);
}

absl::Status StreamMux::Offer(StreamPeer& peer, const StreamFrame& frame,
                              const std::shared_ptr<StreamCore>& core) {
  const std::string service = CopyText(frame.body);
  if (StreamCount() > limits_.max_streams) {
    return TooManyStreams(StreamCount() - 1, limits_.max_streams);
  }
  if (peer.CountOpened(false) > limits_.max_streams_per_peer) {
    return TooManyStreams(peer.CountOpened(false) - 1, limits_.max_streams_per_peer);
  }
  if (acceptor_ == nullptr) return absl::UnimplementedError("streams are not accepted here");
  std::unique_ptr<Stream> stream(new Stream(core));
  const absl::Status answer = acceptor_->OnConnect(peer.Id(), service, stream);
  // Before the stream is dropped, so that the peer is told this reason.
  if (!answer.ok()) core->Reset(answer);
  return answer;
}

void StreamMux::EndAll(StreamPeer& peer, const absl::Status& why) {
  for (const std::shared_ptr<StreamCore>& core : peer.TakeAll(why)) {
    if (StreamHandler* handler = std::exchange(core->handler, nullptr)) handler->OnReset(why);
  }
}

void StreamMux::OnDeparted(EndpointId id) {
  if (FindPeer(id) == nullptr) return;
  // Out of the table first, because handlers may connect elsewhere.
  const std::unique_ptr<StreamPeer> peer = std::move(peers_[id.index]);
  std::erase(known_, id.index);
  EndAll(*peer, absl::UnavailableError("the other side is gone"));
}

void StreamMux::Ban(EndpointId id) {
  ++counters_.banned_peers;
  StreamPeer& peer = EnsurePeer(id);
  peer.Ban();
  EndAll(peer, absl::InternalError("the other side broke the stream protocol"));
}

bool StreamMux::Flush() {
  bool again = false;
  // By index, because handlers may connect to new peers.
  for (size_t i = 0; i < known_.size(); ++i) {
    StreamPeer& peer = *peers_[known_[i]];
    peer.Flush();
    again |= peer.TellWaiting();
  }
  return again;
}

uint64_t StreamMux::FramesSent() const {
  uint64_t frames = 0;
  for (uint32_t index : known_) frames += peers_[index]->FramesSent();
  return frames;
}

}  // namespace tombolo

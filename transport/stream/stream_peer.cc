#include "transport/stream/stream_peer.h"

#include <utility>

#include "transport/stream/stream.h"

namespace tombolo {

std::shared_ptr<StreamCore> StreamPeer::Find(StreamKey key) const {
  const auto found = streams_.find(key.Packed());
  return found == streams_.end() ? nullptr : found->second;
}

void StreamPeer::Add(std::shared_ptr<StreamCore> core) {
  ++counts_[core->Key().opened_here ? 1 : 0];
  const uint64_t key = core->Key().Packed();
  streams_.emplace(key, std::move(core));
}

uint32_t StreamPeer::NextId() {
  do {
    ++last_id_;
  } while (Find({.id = last_id_, .opened_here = true}) != nullptr);
  return last_id_;
}

void StreamPeer::RemoveIfOver(const std::shared_ptr<StreamCore>& core) {
  if (!core->IsOver() || core->peer == nullptr) return;
  --counts_[core->Key().opened_here ? 1 : 0];
  core->peer = nullptr;
  streams_.erase(core->Key().Packed());
}

void StreamPeer::Schedule(const std::shared_ptr<StreamCore>& core) {
  if (core->HasDue() && !core->is_scheduled) {
    const bool was_blocked = IsBlocked();
    core->is_scheduled = true;
    scheduled_.push_back(core);
    if (!was_blocked) Flush();
  }
  RemoveIfOver(core);
}

void StreamPeer::Wait(const std::shared_ptr<StreamCore>& core) {
  if (core->is_waiting) return;
  core->is_waiting = true;
  waiting_.push_back(core);
}

size_t StreamPeer::Write(const std::shared_ptr<StreamCore>& core, std::span<const std::byte> data) {
  const size_t taken = core->Write(sender_, data);
  Schedule(core);
  return taken;
}

void StreamPeer::Flush() {
  while (!scheduled_.empty()) {
    const std::shared_ptr<StreamCore> core = scheduled_.front();
    if (!core->SendNext(sender_)) return;
    scheduled_.pop_front();
    core->is_scheduled = core->HasDue();
    if (core->is_scheduled) scheduled_.push_back(core);
    RemoveIfOver(core);
  }
}

bool StreamPeer::TellWaiting() {
  // Bounded, because a writer may ask again at once.
  for (size_t left = waiting_.size(); left > 0 && !IsBlocked(); --left) {
    const std::shared_ptr<StreamCore> core = std::move(waiting_.front());
    waiting_.pop_front();
    core->is_waiting = false;
    if (!core->wants_writable || core->handler == nullptr || core->WritableBytes() == 0) continue;
    core->wants_writable = false;
    core->handler->OnWritable();
  }
  return !waiting_.empty() && !IsBlocked();
}

std::vector<std::shared_ptr<StreamCore>> StreamPeer::TakeAll(const absl::Status& why) {
  std::vector<std::shared_ptr<StreamCore>> all;
  all.reserve(streams_.size());
  for (auto& [key, core] : streams_) all.push_back(std::move(core));
  streams_.clear();
  scheduled_.clear();
  waiting_.clear();
  counts_[0] = counts_[1] = 0;
  for (const auto& core : all) core->PeerGone(why);
  return all;
}

}  // namespace tombolo

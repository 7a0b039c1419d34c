#include "kvcache/server/connection_list.h"

namespace tombolo::kvcache {
namespace {

using State = ConnectionList::State;

const char* NameOf(State state) {
  switch (state) {
    case State::kListening:
      return "conn_listening";
    case State::kReading:
      return "conn_read";
    case State::kSending:
      return "conn_mwrite";
    case State::kWatching:
      break;
  }
  return "conn_watch";
}

}  // namespace

ConnectionList::Entry::Entry(ConnectionList& list, int socket, State state)
    : list_(list),
      socket_(socket),
      peer_(PeerNameOf(socket)),
      local_(LocalNameOf(socket).text),
      last_command_s_(NowS()),
      state_(state) {
  const std::lock_guard lock(list_.mutex_);
  list_.entries_[socket_] = this;
}

ConnectionList::Entry::~Entry() {
  const std::lock_guard lock(list_.mutex_);
  list_.entries_.erase(socket_);
}

ConnectionFacts ConnectionList::Entry::Facts(uint32_t now_s) const {
  const State state = state_.load(std::memory_order_relaxed);
  const bool listens = state == State::kListening;
  // It may have run a command since `now_s` was looked at.
  const uint32_t last_s = last_command_s_.load(std::memory_order_relaxed);
  return {.socket = socket_,
          .address = listens ? local_ : peer_.text,
          .listen_address = listens ? std::string() : local_,
          .state = NameOf(state),
          .idle_s = now_s > last_s ? now_s - last_s : 0};
}

std::vector<ConnectionFacts> ConnectionList::All() const {
  const uint32_t now_s = NowS();
  std::vector<ConnectionFacts> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [socket, entry] : entries_) {
    if (all.size() == kMostTold) break;
    all.push_back(entry->Facts(now_s));
  }
  return all;
}

}  // namespace tombolo::kvcache

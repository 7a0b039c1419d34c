#include "kvcache/server/region_peer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "kvcache/protocol/give_back.h"
#include "kvcache/remote/region_messages.h"
#include "transport/layout/link.h"
#include "transport/region/region_copy.h"

namespace tombolo::kvcache {

void RegionPeer::Take(std::span<const std::byte> bytes, size_t most_requests) {
  if (!session_) return;
  if (waiting_.empty()) {
    Feed(bytes, most_requests);
  } else if (waiting_.size() + bytes.size() <= kMostWaitingBytes) {
    waiting_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  } else {
    CutOff(absl::StrCat("it sends requests and does not take the replies: ", waiting_.size(),
                        " bytes wait"));
  }
  Send();
}

void RegionPeer::Feed(std::span<const std::byte> bytes, size_t most_requests) {
  const size_t taken = FeedSession(bytes, most_requests);
  if (!session_) return;
  const std::span<const std::byte> left = bytes.subspan(taken);
  waiting_.assign(reinterpret_cast<const char*>(left.data()), left.size());
}

// Afterwards it may be cut off.
size_t RegionPeer::FeedSession(std::span<const std::byte> bytes, size_t most_requests) {
  const size_t taken = session_->Feed(bytes, most_requests);
  if (!session_->IsClosed()) return taken;
  last_words_ = session_->Unsent();
  CutOff(session_->WhyClosed());
  return taken;
}

void RegionPeer::CutOff(std::string_view why) {
  if (!session_) return;
  why_cut_off_ = why;
  session_.reset();
  std::string().swap(waiting_);
}

bool RegionPeer::GoOn(size_t most_requests) {
  bool is_done = Send();
  if (!session_ || waiting_.empty()) return is_done;
  const size_t taken = FeedSession(std::as_bytes(std::span(waiting_)), most_requests);
  waiting_.erase(0, taken);  // Of one that is cut off there is none.
  if (waiting_.empty()) GiveBack(waiting_);
  is_done |= taken != 0;
  return Send() || is_done;
}

bool RegionPeer::IsWaiting() const {
  return session_ ? !waiting_.empty() || !session_->Unsent().empty() : !is_end_sent_;
}

// True: something was sent.
bool RegionPeer::Send() {
  if (!session_) return SendLastWords();
  bool is_sent = false;
  while (!session_->Unsent().empty()) {
    const size_t sent = SendSome(session_->Unsent());
    if (sent == 0) break;
    session_->Drained(sent);
    is_sent = true;
  }
  return is_sent;
}

bool RegionPeer::SendLastWords() {
  bool is_sent = false;
  while (!last_words_.empty()) {
    const size_t sent = SendSome(last_words_);
    if (sent == 0) return is_sent;
    last_words_.erase(0, sent);
    is_sent = true;
  }
  Claim claim;
  if (is_end_sent_ || !channel_.TryClaim(id_, 0, claim)) return is_sent;
  channel_.Publish(claim, ToTag(RegionTag::kEnd), 0);
  is_end_sent_ = true;
  return true;
}

// A message of them; gives how many bytes it has. 0: there is no room now.
size_t RegionPeer::SendSome(std::string_view bytes) {
  Claim claim;
  size_t size = std::min<size_t>(bytes.size(), kBulkChunkBytes);
  if (!channel_.TryClaim(id_, size, claim)) {
    const size_t most = channel_.MaxPayloadBytes(id_);
    if (most >= size || !channel_.TryClaim(id_, most, claim)) return 0;
    size = most;
  }
  CopyIn(channel_.SharedRegion().Type(), claim.payload.data(),
         std::as_bytes(std::span(bytes.data(), size)));
  channel_.Publish(claim, ToTag(RegionTag::kBytes), size);
  return size;
}

}  // namespace tombolo::kvcache

#include "kvcache/server/region_readers.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kvcache/remote/owner_session.h"
#include "kvcache/remote/region_messages.h"
#include "spdlog/spdlog.h"
#include "transport/endpoint/membership_view.h"
#include "transport/region/region_copy.h"

namespace tombolo::kvcache {
namespace {

constexpr auto kAttachEvery = std::chrono::seconds(1);

std::string Refusal() {
  return OwnerRefusal("the owner has as many readers as it takes; raise its --max-readers.");
}

}  // namespace

RegionReaders::RegionReaders(std::unique_ptr<Backend> backend, const RegionReadersOptions& options,
                             Attach attach)
    : options_(options),
      attach_(std::move(attach)),
      backend_(std::move(backend)),
      server_(*backend_) {}

RegionReaders::~RegionReaders() {
  Stop();
  Join();
  LeaveRegion();
}

absl::StatusOr<std::unique_ptr<RegionReaders>> RegionReaders::Create(
    std::unique_ptr<Backend> backend, const RegionReadersOptions& options, Attach attach) {
  std::unique_ptr<RegionReaders> readers(
      new RegionReaders(std::move(backend), options, std::move(attach)));
  if (absl::Status status = readers->EnterRegion(); !status.ok()) return status;
  return readers;
}

absl::Status RegionReaders::EnterRegion() {
  absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = attach_();
  if (!endpoint.ok()) return endpoint.status();
  auto channel = Channel::Create(**endpoint);
  if (!channel.ok()) {
    (*endpoint)->Detach().IgnoreError();
    return channel.status();
  }
  channel_ = *std::move(channel);
  peers_.resize(channel_->SharedRegion().Limits().endpoint_count);
  const std::lock_guard lock(mutex_);
  endpoint_ = *std::move(endpoint);
  return absl::OkStatus();
}

// SUBTLE: retired first. If the broker cannot be told, this endpoint stays a member for as long as
// the process lives, and nobody's death may wait for it.
void RegionReaders::LeaveRegion() {
  for (auto& peer : peers_) {
    if (peer != nullptr) End(peer);
  }
  waiting_.clear();
  if (channel_ != nullptr) channel_->Retire();
  channel_.reset();
  const std::lock_guard lock(mutex_);
  if (endpoint_ != nullptr) endpoint_->Detach().IgnoreError();
  endpoint_.reset();
}

void RegionReaders::Start() {
  thread_ = std::thread([this] {
    Run();
    LeaveRegion();
  });
}

void RegionReaders::Stop() {
  const std::lock_guard lock(mutex_);
  is_stopping_.store(true, std::memory_order_relaxed);
  stops_.notify_all();
  // Its own doorbell: a sleep ends, as by a message.
  if (endpoint_ != nullptr) eventfd_write(endpoint_->WakeFd(), 1);
}

void RegionReaders::Join() {
  if (thread_.joinable()) thread_.join();
}

uint64_t RegionReaders::OpenConnections() const {
  const uint64_t ended = counters_.ended.Get();
  const uint64_t begun = counters_.begun.Get();
  return begun - std::min(begun, ended);
}

void RegionReaders::Run() {
  while (!IsStopping()) {
    if (channel_ != nullptr) {
      Turn();
    } else if (!AttachAnew()) {
      std::unique_lock lock(mutex_);
      stops_.wait_for(lock, kAttachEvery, [this] { return IsStopping(); });
    }
  }
}

void RegionReaders::Turn() {
  const bool has_moved = ServeWaiting();
  const size_t messages = has_moved ? channel_->Poll(*this) : channel_->Wait(*this, kLongestWaitNs);
  // A system call, so not often; but readers who keep this thread busy must not keep it from that.
  const bool is_busy = has_moved || messages != 0;
  if (is_busy && ++busy_turns_ % kBusyTurnsPerLookAtBroker != 0) return;
  if (!BrokerIsGone()) return;
  spdlog::error(
      "the broker of the region is gone, and its readers with it; this owner attaches again once "
      "there is one");
  LeaveRegion();
}

bool RegionReaders::BrokerIsGone() const {
  if (endpoint_->BrokerFd() < 0) return false;
  char byte;
  const ssize_t got = recv(endpoint_->BrokerFd(), &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

bool RegionReaders::AttachAnew() {
  if (!EnterRegion().ok()) return false;
  spdlog::info("serves readers of the region again, as '{}'", options_.service);
  return true;
}

// Whether something was done for one of those that wait.
bool RegionReaders::ServeWaiting() {
  bool has_moved = false;
  for (const uint32_t index : std::exchange(waiting_, {})) {
    RegionPeer* peer = peers_[index].get();
    if (peer == nullptr) continue;  // It has departed.
    const bool was_served = peer->IsServed();
    has_moved |= peer->GoOn(options_.requests_per_turn);
    Settle(*peer, was_served);
  }
  return has_moved;
}

// SUBTLE: what was sent by one that is gone is delivered too. A reader that was not answered in
// time leaves, and asks anew as another endpoint: what it asked before is older than that, and run
// now it would undo what was acknowledged since.
void RegionReaders::OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) {
  if (!IsLive(channel_->SharedRegion(), source)) return;
  RegionPeer* peer = PeerOf(source);
  if (peer == nullptr) return;
  const bool was_served = peer->IsServed();
  if (tag != ToTag(RegionTag::kBytes) || payload.size() > buffer_.size()) {
    peer->CutOff("it sent a message of an unknown kind");
    peer->GoOn(0);
  } else {
    CopyOut(channel_->SharedRegion().Type(), buffer_.data(), payload);
    peer->Take(std::span(buffer_).first(payload.size()), options_.requests_per_turn);
  }
  Settle(*peer, was_served);
}

// Given back unread.
void RegionReaders::OnLoan(EndpointId source, uint8_t /*tag*/, Loan /*loan*/) {
  OnMessage(source, /*tag=*/0, {});
}

RegionPeer* RegionReaders::PeerOf(EndpointId source) {
  if (source.index >= peers_.size()) return nullptr;
  std::unique_ptr<RegionPeer>& peer = peers_[source.index];
  if (peer != nullptr && peer->Id() == source) return peer.get();
  if (peer != nullptr) End(peer);
  const absl::Status status = channel_->Open(source);
  if (status.ok()) {
    peer = Begin(source);
  } else {
    log_.Tell(absl::StrCat("there is no way to answer it: ", status.message()));
  }
  return peer.get();
}

std::unique_ptr<RegionPeer> RegionReaders::Begin(EndpointId source) {
  if (OpenConnections() >= options_.max_readers) {
    ++counters_.rejected;
    return std::make_unique<RegionPeer>(source, *channel_, Refusal());
  }
  ++counters_.begun;
  return std::make_unique<RegionPeer>(source, *channel_, server_);
}

// After whatever it did.
void RegionReaders::Settle(RegionPeer& peer, bool was_served) {
  if (was_served && !peer.IsServed()) {
    ++counters_.ended;
    log_.Tell(peer.WhyCutOff());
  }
  const uint32_t index = peer.Id().index;
  const auto listed = std::find(waiting_.begin(), waiting_.end(), index);
  if (peer.IsWaiting() && listed == waiting_.end()) waiting_.push_back(index);
}

void RegionReaders::End(std::unique_ptr<RegionPeer>& peer) {
  if (peer->IsServed()) ++counters_.ended;
  peer.reset();
}

void RegionReaders::OnDeparted(EndpointId peer) {
  if (peer.index >= peers_.size()) return;
  std::unique_ptr<RegionPeer>& departed = peers_[peer.index];
  if (departed != nullptr && departed->Id() == peer) End(departed);
}

}  // namespace tombolo::kvcache

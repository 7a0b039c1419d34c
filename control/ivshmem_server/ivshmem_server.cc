#include "control/ivshmem_server/ivshmem_server.h"

#include <errno.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "control/ivshmem_server/handshake.h"
#include "spdlog/spdlog.h"

namespace tombolo::control {
namespace {

constexpr uint32_t kHostSlot = 0;
// Stands for "any" where a client may want a slot, since nobody may want the host's.
constexpr uint32_t kAnySlot = kHostSlot;

// How long to wait for the kernel to have memory or room for descriptors in flight.
constexpr int64_t kRetryNs = 10 * kNsPerMs;

}  // namespace

std::string IvshmemServer::AnySlotPath(const std::string& folder) {
  return absl::StrCat(folder, "/ivshmem.sock");
}

std::string IvshmemServer::SlotPath(const std::string& folder, uint32_t slot) {
  return absl::StrCat(folder, "/slot-", slot, ".sock");
}

absl::StatusOr<std::unique_ptr<IvshmemServer>> IvshmemServer::Start(EventLoop& loop,
                                                                    IvshmemServerOptions options) {
  std::unique_ptr<IvshmemServer> server(new IvshmemServer(loop, std::move(options)));
  if (absl::Status status = server->Listen(); !status.ok()) return status;
  return server;
}

IvshmemServer::IvshmemServer(EventLoop& loop, IvshmemServerOptions options)
    : loop_(loop), options_(std::move(options)), slots_(options_.doorbells->SlotCount()) {}

absl::Status IvshmemServer::Listen() {
  absl::Status status = ListenAt(AnySlotPath(options_.folder), kAnySlot);
  for (uint32_t slot = kHostSlot + 1; status.ok() && slot < slots_.size(); ++slot) {
    status = ListenAt(SlotPath(options_.folder, slot), slot);
  }
  return status;
}

absl::Status IvshmemServer::ListenAt(const std::string& path, uint32_t slot) {
  absl::StatusOr<std::unique_ptr<SlotListener>> listener = SlotListener::Create(
      loop_, path, [this, slot](UniqueFd socket) { AcceptInto(slot, std::move(socket)); });
  if (!listener.ok()) return listener.status();
  listeners_.push_back(*std::move(listener));
  return absl::OkStatus();
}

bool IvshmemServer::MayAccept(uint32_t wanted_slot) const {
  if (handshaking_count_ == 0) return true;
  if (handshaking_count_ >= options_.max_handshaking) return false;
  if (wanted_slot == kAnySlot) return LowestVacantSlot() != kHostSlot;
  return !slots_[wanted_slot] || slots_[wanted_slot]->joined;
}

void IvshmemServer::UpdateListeners() {
  for (uint32_t wanted_slot = 0; wanted_slot < listeners_.size(); ++wanted_slot) {
    SlotListener& listener = *listeners_[wanted_slot];
    MayAccept(wanted_slot) ? listener.Resume() : listener.Pause();
  }
}

bool IvshmemServer::IsJoined(uint32_t slot) const {
  return slot < slots_.size() && slots_[slot] && slots_[slot]->joined;
}

void IvshmemServer::AcceptInto(uint32_t wanted_slot, UniqueFd socket) {
  DropThoseWhoLeft();
  const uint32_t slot = wanted_slot == kAnySlot ? LowestVacantSlot() : wanted_slot;
  if (slot == kHostSlot) {
    spdlog::warn("all {} slots are taken: {} was refused. Start tombolod with more --slots.",
                 slots_.size() - 1, IvshmemClient::Describe(socket.Get()));
    return IvshmemClient::Refuse(socket.Get(), ENOSPC);
  }
  if (slots_[slot]) {
    spdlog::warn("slot {} is taken by {}: {} was refused.", slot,
                 slots_[slot]->client.Description(), IvshmemClient::Describe(socket.Get()));
    return IvshmemClient::Refuse(socket.Get(), EBUSY);
  }
  Occupy(slot, std::move(socket));
}

// SUBTLE: a machine that was killed and started again may connect before the loop has come to its
// old socket's end. Without a look at all sockets first, it would find its own slot taken.
void IvshmemServer::DropThoseWhoLeft() {
  for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot] && slots_[slot]->client.HasLeft()) Vacate(slot);
  }
}

uint32_t IvshmemServer::LowestVacantSlot() const {
  for (uint32_t slot = kHostSlot + 1; slot < slots_.size(); ++slot) {
    if (!slots_[slot]) return slot;
  }
  return kHostSlot;
}

void IvshmemServer::Occupy(uint32_t slot, UniqueFd socket) {
  const Handshake handshake(*options_.doorbells, options_.memory_fd, slot);
  auto occupant = std::make_unique<Occupant>(IvshmemClient(std::move(socket), handshake, 0));
  // Whatever arrives, end of file, reset or bytes, means that the client is leaving.
  absl::StatusOr<Watch> readable =
      loop_.WatchReadable(occupant->client.Socket(), [this, slot] { Vacate(slot); });
  if (!readable.ok()) {
    spdlog::error("slot {}: cannot serve {}: {}", slot, occupant->client.Description(),
                  std::string(readable.status().message()));
    return;
  }
  occupant->readable = *std::move(readable);
  occupant->deadline =
      loop_.After(options_.handshake_deadline_ns, [this, slot] { MissedDeadline(slot); });
  slots_[slot] = std::move(occupant);
  ++handshaking_count_;
  SendMore(slot);
  UpdateListeners();
}

void IvshmemServer::SendMore(uint32_t slot) {
  switch (slots_[slot]->client.SendMore()) {
    case IvshmemClient::Progress::kSent:
      return Joined(slot);
    case IvshmemClient::Progress::kSocketIsFull:
      return SendMoreWhenWritable(slot);
    case IvshmemClient::Progress::kSystemIsShort:
      return SendMoreSoon(slot);
    case IvshmemClient::Progress::kGone:
      return Vacate(slot);
  }
}

void IvshmemServer::SendMoreWhenWritable(uint32_t slot) {
  Occupant& occupant = *slots_[slot];
  if (occupant.writable.IsActive()) return;
  absl::StatusOr<Watch> writable =
      loop_.WatchFd(occupant.client.Socket(), EventLoop::kWritable, EventLoop::Trigger::kLevel,
                    [this, slot](unsigned) { SendMore(slot); });
  if (!writable.ok()) return SendMoreSoon(slot);
  occupant.writable = *std::move(writable);
}

void IvshmemServer::SendMoreSoon(uint32_t slot) {
  Occupant& occupant = *slots_[slot];
  // The socket itself is writable, so watching it would spin.
  occupant.writable.Reset();
  const bool is_first_time = !occupant.retry.IsActive();
  occupant.retry = loop_.After(kRetryNs, [this, slot] { SendMore(slot); });
  if (!is_first_time) return;
  spdlog::warn(
      "slot {}: the kernel takes no more descriptors for {} now: some client does not read, and "
      "the limit of open files is too low for it. Trying again.",
      slot, occupant.client.Description());
}

void IvshmemServer::Joined(uint32_t slot) {
  Occupant& occupant = *slots_[slot];
  occupant.joined = true;
  occupant.writable.Reset();
  occupant.retry.Reset();
  occupant.deadline.Reset();
  spdlog::info("slot {}: {} joined", slot, occupant.client.Description());
  --handshaking_count_;
  UpdateListeners();
  if (options_.on_join) options_.on_join(slot);
}

void IvshmemServer::MissedDeadline(uint32_t slot) {
  const IvshmemClient& client = slots_[slot]->client;
  spdlog::warn("slot {}: {} was dropped: it took {} messages of the handshake in {} ms.", slot,
               client.Description(), client.Cursor(), options_.handshake_deadline_ns / kNsPerMs);
  IvshmemClient::Refuse(client.Socket(), ETIMEDOUT);
  Vacate(slot);
}

void IvshmemServer::Vacate(uint32_t slot) {
  const std::unique_ptr<Occupant> leaver = std::move(slots_[slot]);
  spdlog::info("slot {}: {} left{}", slot, leaver->client.Description(),
               leaver->joined ? "" : " during the handshake");
  if (!leaver->joined) --handshaking_count_;
  UpdateListeners();
  if (leaver->joined && options_.on_leave) options_.on_leave(slot);
}

}  // namespace tombolo::control

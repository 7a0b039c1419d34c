#include "control/ivshmem_server/ivshmem_server.h"

#include <errno.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "control/broker/pidfd.h"
#include "control/ivshmem_server/handshake.h"
#include "spdlog/spdlog.h"

namespace tombolo::control {
namespace {

constexpr uint32_t kHostSlot = 0;
// Stands for "any" where a client may want a slot, since nobody may want the host's.
constexpr uint32_t kAnySlot = kHostSlot;

// How long to wait for the kernel to have memory or room for descriptors in flight.
constexpr int64_t kRetryNs = 10 * kNsPerMs;

std::string ListenerName(uint32_t slot) { return absl::StrCat("slot/", slot, "/listener"); }
std::string ClientName(uint32_t slot) { return absl::StrCat("slot/", slot, "/client"); }

}  // namespace

std::string IvshmemServer::AnySlotPath(const std::string& folder) {
  return absl::StrCat(folder, "/ivshmem.sock");
}

std::string IvshmemServer::SlotPath(const std::string& folder, uint32_t slot) {
  return absl::StrCat(folder, "/slot-", slot, ".sock");
}

absl::StatusOr<std::unique_ptr<IvshmemServer>> IvshmemServer::Start(EventLoop& loop,
                                                                    DescriptorStore& store,
                                                                    NamedDescriptors& inherited,
                                                                    IvshmemServerOptions options) {
  const bool is_first = !inherited.contains(ListenerName(kAnySlot));
  std::unique_ptr<IvshmemServer> server(new IvshmemServer(loop, store, std::move(options)));
  if (absl::Status status = server->Listen(inherited); !status.ok()) {
    if (is_first) server->RemoveSocketFiles();
    return status;
  }
  server->AdoptClients(inherited);
  server->UpdateListeners();
  return server;
}

IvshmemServer::IvshmemServer(EventLoop& loop, DescriptorStore& store, IvshmemServerOptions options)
    : loop_(loop),
      store_(store),
      options_(std::move(options)),
      slots_(options_.doorbells->SlotCount()),
      is_lost_(slots_.size()) {}

absl::Status IvshmemServer::Listen(NamedDescriptors& inherited) {
  for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
    const std::string path =
        slot == kAnySlot ? AnySlotPath(options_.folder) : SlotPath(options_.folder, slot);
    absl::Status status = ListenAt(path, slot, TakeOut(inherited, ListenerName(slot)));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status IvshmemServer::ListenAt(const std::string& path, uint32_t slot, UniqueFd inherited) {
  const bool is_kept = inherited.IsOpen();
  absl::StatusOr<std::unique_ptr<SlotListener>> listener =
      SlotListener::Create(loop_, path, std::move(inherited),
                           [this, slot](UniqueFd socket) { AcceptInto(slot, std::move(socket)); });
  if (!listener.ok()) return listener.status();
  listeners_.push_back(*std::move(listener));
  return is_kept ? absl::OkStatus() : store_.Store(ListenerName(slot), listeners_.back()->Socket());
}

void IvshmemServer::AdoptClients(NamedDescriptors& inherited) {
  for (uint32_t slot = kHostSlot + 1; slot < slots_.size(); ++slot) {
    UniqueFd socket = TakeOut(inherited, ClientName(slot));
    const bool had_joined = options_.had_joined && options_.had_joined(slot);
    if (socket.IsOpen()) {
      const Stage stage = had_joined ? Stage::kJoined : Stage::kRefused;
      slots_[slot] = Watched(slot, std::move(socket), stage);
    }
    is_lost_[slot] = had_joined && !slots_[slot];
    if (slots_[slot] && !had_joined) RefuseUnfinished(slot);
  }
}

void IvshmemServer::RefuseUnfinished(uint32_t slot) {
  const IvshmemClient& client = slots_[slot]->client;
  if (client.HasLeft()) return Vacate(slot);
  spdlog::warn(
      "slot {}: {} was in the middle of its handshake when tombolod was started anew: start it "
      "again.",
      slot, client.Description());
  IvshmemClient::Refuse(client.Socket(), ECONNABORTED);
}

void IvshmemServer::RemoveSocketFiles() const {
  for (const std::unique_ptr<SlotListener>& listener : listeners_) listener->RemoveSocketFile();
}

bool IvshmemServer::MayAccept(uint32_t wanted_slot) const {
  if (handshaking_count_ == 0) return true;
  if (handshaking_count_ >= options_.max_handshaking) return false;
  if (wanted_slot == kAnySlot) return LowestVacantSlot() != kHostSlot;
  return !slots_[wanted_slot] || slots_[wanted_slot]->stage != Stage::kHandshaking;
}

void IvshmemServer::UpdateListeners() {
  for (uint32_t wanted_slot = 0; wanted_slot < listeners_.size(); ++wanted_slot) {
    SlotListener& listener = *listeners_[wanted_slot];
    MayAccept(wanted_slot) ? listener.Resume() : listener.Pause();
  }
}

bool IvshmemServer::IsJoined(uint32_t slot) const {
  return slot < slots_.size() && slots_[slot] && slots_[slot]->stage == Stage::kJoined;
}

absl::StatusOr<pid_t> IvshmemServer::Kill(uint32_t slot) const {
  if (!IsJoined(slot)) {
    return absl::NotFoundError(absl::StrCat("no virtual machine has joined slot ", slot, "."));
  }
  const absl::StatusOr<PeerProcess> process = OpenPeerProcess(slots_[slot]->client.Socket());
  if (!process.ok()) return process.status();
  if (absl::Status killed = KillProcess(process->pidfd, process->pid); !killed.ok()) return killed;
  return process->pid;
}

void IvshmemServer::AcceptInto(uint32_t wanted_slot, UniqueFd socket) {
  DropThoseWhoLeft();
  if (options_.is_draining && options_.is_draining()) {
    spdlog::warn("the region is being drained: {} was refused. `tombolo admin undrain` ends that.",
                 IvshmemClient::Describe(socket.Get()));
    return IvshmemClient::Refuse(socket.Get(), ESHUTDOWN);
  }
  const uint32_t slot = wanted_slot == kAnySlot ? LowestVacantSlot() : wanted_slot;
  if (slot == kHostSlot) {
    spdlog::warn("all {} slots are taken: {} was refused. Start tombolod with more --slots.",
                 slots_.size() - 1, IvshmemClient::Describe(socket.Get()));
    return IvshmemClient::Refuse(socket.Get(), ENOSPC);
  }
  if (slots_[slot] || is_lost_[slot]) {
    spdlog::warn("slot {} is taken by {}: {} was refused.", slot,
                 is_lost_[slot] ? "a machine that was lost" : slots_[slot]->client.Description(),
                 IvshmemClient::Describe(socket.Get()));
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
    if (!slots_[slot] && !is_lost_[slot]) return slot;
  }
  return kHostSlot;
}

// Null, when it cannot be watched.
std::unique_ptr<IvshmemServer::Occupant> IvshmemServer::Watched(uint32_t slot, UniqueFd socket,
                                                                Stage stage) {
  const Handshake handshake(*options_.doorbells, options_.memory_fd, slot);
  const uint32_t cursor = stage == Stage::kJoined ? handshake.MessageCount() : 0;
  auto occupant = std::make_unique<Occupant>(IvshmemClient(std::move(socket), handshake, cursor));
  occupant->stage = stage;
  // Whatever arrives, end of file, reset or bytes, means that the client is leaving.
  absl::StatusOr<Watch> readable =
      loop_.WatchReadable(occupant->client.Socket(), [this, slot] { Vacate(slot); });
  if (!readable.ok()) {
    spdlog::error("slot {}: cannot serve {}: {}", slot, occupant->client.Description(),
                  std::string(readable.status().message()));
    return nullptr;
  }
  occupant->readable = *std::move(readable);
  return occupant;
}

// SUBTLE: the socket is kept before anything is said. A client whose server was killed in the
// middle of the handshake would otherwise read for ever (IvshmemClient::Refuse).
void IvshmemServer::Occupy(uint32_t slot, UniqueFd socket) {
  std::unique_ptr<Occupant> occupant = Watched(slot, std::move(socket), Stage::kHandshaking);
  if (!occupant) return;
  if (auto kept = store_.Store(ClientName(slot), occupant->client.Socket()); !kept.ok()) {
    spdlog::error("slot {}: {} was refused: {}", slot, occupant->client.Description(),
                  std::string(kept.message()));
    return IvshmemClient::Refuse(occupant->client.Socket(), EAGAIN);
  }
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
  occupant.stage = Stage::kJoined;
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
  const bool joined = leaver->stage == Stage::kJoined;
  spdlog::info("slot {}: {} left{}", slot, leaver->client.Description(),
               joined ? "" : " during the handshake");
  if (leaver->stage == Stage::kHandshaking) --handshaking_count_;
  UpdateListeners();
  if (joined && options_.on_leave) options_.on_leave(slot);
  // Last: a successor that finds the socket, and that its client has not joined or has left, tells
  // it so.
  store_.Remove(ClientName(slot)).IgnoreError();
  // The store's copy would keep the connection open for a moment.
  shutdown(leaver->client.Socket(), SHUT_RDWR);
}

}  // namespace tombolo::control

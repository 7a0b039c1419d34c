#include "control/ivshmem_v2/v2_server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "spdlog/spdlog.h"

namespace tombolo::control {
namespace {

constexpr char kMemoryName[] = "tombolo-ivshmem2";

}  // namespace

absl::StatusOr<std::unique_ptr<V2Server>> V2Server::Start(EventLoop& loop,
                                                          const V2ServerOptions& options) {
  const uint64_t size_bytes = options.sections.TotalBytes();
  absl::StatusOr<UniqueFd> fd = CreateSealedMemfd(kMemoryName, size_bytes);
  if (!fd.ok()) return fd.status();
  absl::StatusOr<Mapping> memory = Mapping::Map(fd->Get(), 0, size_bytes);
  if (!memory.ok()) return memory.status();
  std::unique_ptr<V2Server> server(new V2Server(loop, options, *std::move(fd), *std::move(memory)));
  if (absl::Status status = server->Listen(); !status.ok()) return status;
  return server;
}

V2Server::V2Server(EventLoop& loop, const V2ServerOptions& options, UniqueFd memory_fd,
                   Mapping memory)
    : loop_(loop),
      options_(options),
      memory_fd_(std::move(memory_fd)),
      memory_(std::move(memory)),
      peers_(options.sections.peer_count),
      bus_(std::make_unique<V2Bus>(
          V2Bus::Options{.sections = options.sections,
                         .protocols = options.protocols,
                         .vectors = options.vectors,
                         .memory = memory_.Bytes(),
                         .interrupt = [this](uint32_t peer, uint16_t vector) {
                           peers_[peer].device->Interrupt(vector);
                         }})) {}

std::string V2Server::SocketPath(const std::string& folder, uint32_t peer) {
  return absl::StrCat(folder, "/peer-", peer, ".sock");
}

absl::Status V2Server::Listen() {
  for (uint32_t peer = 0; peer < peers_.size(); ++peer) {
    peers_[peer].device =
        std::make_unique<PeerDevice>(*bus_, peer, memory_fd_.Get(), options_.mappable);
    auto listener =
        SlotListener::Create(loop_, SocketPath(options_.folder, peer), UniqueFd(),
                             [this, peer](UniqueFd socket) { OnAccept(peer, std::move(socket)); });
    if (!listener.ok()) return listener.status();
    peers_[peer].listener = *std::move(listener);
  }
  return absl::OkStatus();
}

void V2Server::RemoveSocketFiles() const {
  for (const Peer& peer : peers_) peer.listener->RemoveSocketFile();
}

// SUBTLE: a QEMU that was killed and its successor may be seen in one turn, the successor first.
void V2Server::OnAccept(uint32_t peer, UniqueFd socket) {
  std::unique_ptr<vfio_user::Connection>& connection = peers_[peer].connection;
  if (connection && connection->HasHungUp()) OnEnd(peer, absl::OkStatus());
  if (connection) {
    spdlog::warn("peer {}: a second QEMU is sent away, because the first one is still there.",
                 peer);
    return;
  }
  auto created = vfio_user::Connection::Create(
      loop_, std::move(socket), *peers_[peer].device,
      [this, peer](const absl::Status& status) { OnEnd(peer, status); });
  if (!created.ok()) {
    spdlog::warn("peer {}: {}", peer, std::string(created.status().message()));
    return;
  }
  connection = *std::move(created);
  bus_->Connect(peer);
  spdlog::info("peer {}: a QEMU has come", peer);
}

void V2Server::OnEnd(uint32_t peer, const absl::Status& status) {
  if (status.ok()) {
    spdlog::info("peer {}: its QEMU is gone", peer);
  } else {
    spdlog::warn("peer {}: its QEMU is hung up on: {}", peer, std::string(status.message()));
  }
  peers_[peer].connection.reset();
  peers_[peer].device->ForgetVectors();
  bus_->Disconnect(peer);
}

}  // namespace tombolo::control

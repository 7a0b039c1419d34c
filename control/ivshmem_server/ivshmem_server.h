// IvshmemServer: gives the slots of one region to virtual machines, by the server's side of QEMU's
// ivshmem protocol (handshake.h).
//
// Slots are permanent. A slot is *reserved* when a client is accepted into it, *joined* when the
// client was sent the whole handshake, and *vacant* again when its socket closes. Slot 0 is the
// host's and never given out. No joined client ever hears of another's joining or leaving.
//
//   folder/ivshmem.sock   gives the lowest vacant slot
//   folder/slot-N.sock    gives slot N, for a machine that must come back to its slot
//
// A client that does not take the handshake within the deadline is dropped; while too many are in
// the middle of it, newcomers wait in the kernel's queue, as do those whose slot is reserved by one
// that may still be dropped. So clients that never read cost the others a wait, and never the
// daemon's descriptors. A newcomer for a slot that is joined is refused at once (handshake.h).
//
// Listeners and clients are in the DescriptorStore, each from before it is of use:
//
//   slot/N/listener   the socket that gives slot N; N = 0: any
//   slot/N/client     who has slot N
//
// So the server may be killed and a successor goes on with both; who had joined is known to the
// caller, whose on_join and on_leave remember it. A client in the middle of its handshake cannot be
// served on, since nobody knows how far it got: it is told so, and its slot stays reserved until it
// has closed its end, because it may have got the region. A client that had joined and whose socket
// was lost keeps its slot for good: nothing proves its end.
//
// What it does not do: it keeps no record of members and rings nothing; the callbacks do.
// Ownership: memory, doorbells, store and loop stay the caller's and must outlive it. Its end keeps
// the socket files and tells no client: RemoveSocketFiles() is for an orderly end. Thread safety:
// the loop's thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "control/doorbells/doorbell_table.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/holder/descriptor_store.h"
#include "control/ivshmem_server/ivshmem_client.h"
#include "control/ivshmem_server/slot_listener.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo::control {

struct IvshmemServerOptions {
  std::string folder;  // Exists.
  int memory_fd = -1;
  const DoorbellTable* doorbells = nullptr;
  int64_t handshake_deadline_ns = kNsPerSecond;
  // How many clients may be in the middle of the handshake at once.
  uint32_t max_handshaking = 4;
  // Whether newcomers are refused; unset: never.
  std::function<bool()> is_draining = nullptr;
  // Of a successor: whether the client of `slot` had joined its predecessor and not left.
  std::function<bool(uint32_t slot)> had_joined = nullptr;
  // The slot's client was sent the whole handshake. Must not end the server.
  std::function<void(uint32_t slot)> on_join = nullptr;
  // The client of a slot for which on_join was called is gone. Must not end the server.
  std::function<void(uint32_t slot)> on_leave = nullptr;
};

class IvshmemServer {
 public:
  // Listens at all sockets, or takes listeners and clients of a former server out of `inherited`
  // (what DescriptorStore::Take() gave), without any callback. Errors as ListenUnix.
  static absl::StatusOr<std::unique_ptr<IvshmemServer>> Start(EventLoop& loop,
                                                              DescriptorStore& store,
                                                              NamedDescriptors& inherited,
                                                              IvshmemServerOptions options);
  IvshmemServer(const IvshmemServer&) = delete;
  IvshmemServer& operator=(const IvshmemServer&) = delete;

  static std::string AnySlotPath(const std::string& folder);
  static std::string SlotPath(const std::string& folder, uint32_t slot);

  // Whether the client of `slot` was sent the whole handshake.
  bool IsJoined(uint32_t slot) const;

  // Ends the process that has joined `slot`, and gives its pid: the slot is vacated when its socket
  // has closed, as after any other death. NotFound when nobody has joined there; else as
  // OpenPeerProcess() and KillProcess().
  absl::StatusOr<pid_t> Kill(uint32_t slot) const;

  uint32_t HandshakingCount() const { return handshaking_count_; }

  void RemoveSocketFiles() const;

 private:
  enum class Stage {
    kHandshaking,
    kJoined,
    kRefused,  // Was left in the middle of its handshake by a former server.
  };

  // The client of one slot, with what waits for it.
  struct Occupant {
    explicit Occupant(IvshmemClient its_client) : client(std::move(its_client)) {}

    IvshmemClient client;
    Stage stage = Stage::kHandshaking;
    Watch readable;
    Watch writable;
    Watch retry;
    Watch deadline;
  };

  IvshmemServer(EventLoop& loop, DescriptorStore& store, IvshmemServerOptions options);
  absl::Status Listen(NamedDescriptors& inherited);
  absl::Status ListenAt(const std::string& path, uint32_t slot, UniqueFd inherited);
  void AdoptClients(NamedDescriptors& inherited);
  void RefuseUnfinished(uint32_t slot);
  bool MayAccept(uint32_t wanted_slot) const;
  void UpdateListeners();

  void AcceptInto(uint32_t wanted_slot, UniqueFd socket);
  void DropThoseWhoLeft();
  uint32_t LowestVacantSlot() const;
  std::unique_ptr<Occupant> Watched(uint32_t slot, UniqueFd socket, Stage stage);
  void Occupy(uint32_t slot, UniqueFd socket);
  void SendMore(uint32_t slot);
  void SendMoreWhenWritable(uint32_t slot);
  void SendMoreSoon(uint32_t slot);
  void Joined(uint32_t slot);
  void MissedDeadline(uint32_t slot);
  void Vacate(uint32_t slot);

  EventLoop& loop_;
  DescriptorStore& store_;
  const IvshmemServerOptions options_;
  uint32_t handshaking_count_ = 0;
  std::vector<std::unique_ptr<Occupant>> slots_;  // Null: vacant, or lost.
  std::vector<bool> is_lost_;                     // Its client had joined, and lives perhaps.
  std::vector<std::unique_ptr<SlotListener>> listeners_;  // By wanted slot; 0: any.
};

}  // namespace tombolo::control

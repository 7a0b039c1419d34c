#include "mpi_btl/engine/engine.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "mpi_btl/engine/address.h"
#include "mpi_btl/engine/atomic_op.h"
#include "mpi_btl/engine/idle_policy.h"
#include "mpi_btl/engine/memory_handle.h"
#include "mpi_btl/engine/origin.h"
#include "mpi_btl/engine/rank_engine.h"
#include "mpi_btl/engine/registrations.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/layout/link.h"

struct tombolo_engine {
  std::unique_ptr<tombolo::mpi::RankEngine> rep;
  tombolo::mpi::IdlePolicy idle;
  int64_t sleep_ns = 0;  // From falling asleep to waking up.
};

namespace {

using tombolo::Claim;
using tombolo::mpi::AtomicOp;
using tombolo::mpi::IdleTimes;
using tombolo::mpi::MemoryHandle;
using tombolo::mpi::Operation;
using tombolo::mpi::OperationKind;
using tombolo::mpi::Peer;
using tombolo::mpi::RankEngine;

static_assert(sizeof(Claim) <= sizeof(tombolo_claim) && alignof(Claim) <= alignof(tombolo_claim));
static_assert(std::is_trivially_copyable_v<Claim> && std::is_trivially_destructible_v<Claim>);
static_assert(TOMBOLO_MAX_SMALL_BYTES == tombolo::kMaxInlineBytes);
static_assert(sizeof(MemoryHandle) == sizeof(tombolo_handle));
static_assert(TOMBOLO_MAY_READ == tombolo::mpi::kMayRead &&
              TOMBOLO_MAY_WRITE == tombolo::mpi::kMayWrite &&
              TOMBOLO_MAY_OPERATE == tombolo::mpi::kMayOperate);

MemoryHandle HandleAt(const void* handle) {
  MemoryHandle copy;
  memcpy(&copy, handle, sizeof(copy));
  return copy;
}

OperationKind KindOf(tombolo_operation_kind kind) {
  if (kind == TOMBOLO_PUT) return OperationKind::kPut;
  return kind == TOMBOLO_GET ? OperationKind::kGet : OperationKind::kAtomic;
}

AtomicOp AtomicOf(tombolo_operation_kind kind) {
  switch (kind) {
    case TOMBOLO_AND:
      return AtomicOp::kAnd;
    case TOMBOLO_OR:
      return AtomicOp::kOr;
    case TOMBOLO_XOR:
      return AtomicOp::kXor;
    case TOMBOLO_SWAP:
      return AtomicOp::kSwap;
    case TOMBOLO_COMPARE_SWAP:
      return AtomicOp::kCompareSwap;
    default:
      return AtomicOp::kAdd;
  }
}

IdleTimes Now() {
  timespec cpu;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
  return {.wall_ns = tombolo::MonotonicNs(),
          .cpu_ns = int64_t{cpu.tv_sec} * tombolo::kNsPerSecond + cpu.tv_nsec};
}

void Explain(const absl::Status& status, tombolo_text why) {
  std::snprintf(why, TOMBOLO_TEXT_BYTES, "%s", std::string(status.message()).c_str());
}

// tombolo_peer is Peer under the name that C sees.
Peer& Rep(tombolo_peer* peer) { return *reinterpret_cast<Peer*>(peer); }
const Peer& Rep(const tombolo_peer* peer) { return *reinterpret_cast<const Peer*>(peer); }

// SAFETY: tombolo_claim_message() made a Claim there; the asserts above check room and alignment.
Claim& Rep(tombolo_claim* claim) { return *std::launder(reinterpret_cast<Claim*>(claim)); }

}  // namespace

extern "C" {

tombolo_engine* tombolo_attach(const char* broker_path, const char* name, tombolo_text why) {
  absl::StatusOr<std::unique_ptr<RankEngine>> rep = RankEngine::Attach(broker_path, name);
  if (rep.ok()) return new tombolo_engine{.rep = *std::move(rep), .idle = {}};
  Explain(rep.status(), why);
  return nullptr;
}

void tombolo_detach(tombolo_engine* engine, bool keeps_memory) {
  if (keeps_memory) engine->rep->KeepMemory();
  delete engine;
}

tombolo_address tombolo_own_address(const tombolo_engine* engine) {
  return engine != nullptr ? engine->rep->Address() : tombolo::mpi::NoAddress();
}

size_t tombolo_max_message_bytes(const tombolo_engine* engine) {
  return engine->rep->MaxMessageBytes();
}

bool tombolo_is_in_region(const tombolo_engine* engine, const void* address, size_t bytes) {
  return engine->rep->IsInRegion(address, bytes);
}

tombolo_peer* tombolo_open_peer(tombolo_engine* engine, const void* address, size_t bytes,
                                void* peer_context, tombolo_text why) {
  const absl::StatusOr<Peer*> peer = engine->rep->OpenPeer(address, bytes, peer_context);
  if (peer.ok()) return reinterpret_cast<tombolo_peer*>(*peer);
  Explain(peer.status(), why);
  return nullptr;
}

void tombolo_close_peer(tombolo_engine* engine, tombolo_peer* peer) {
  engine->rep->ClosePeer(&Rep(peer));
}

bool tombolo_peer_is_lost(const tombolo_peer* peer) { return Rep(peer).is_lost; }

void* tombolo_claim_message(tombolo_engine* engine, tombolo_peer* peer, size_t bytes,
                            tombolo_claim* claim) {
  return engine->rep->TryClaim(Rep(peer), bytes, *new (claim) Claim);
}

bool tombolo_will_have_room(const tombolo_engine* engine, const tombolo_peer* peer, size_t bytes) {
  return engine->rep->WillHaveRoom(Rep(peer), bytes);
}

void tombolo_publish(tombolo_engine* engine, tombolo_claim* claim, uint8_t tag, size_t bytes) {
  engine->rep->Publish(Rep(claim), tag, bytes);
}

void tombolo_abandon(tombolo_engine* engine, tombolo_claim* claim) {
  engine->rep->Abandon(Rep(claim));
}

bool tombolo_send_copy(tombolo_engine* engine, tombolo_peer* peer, uint8_t tag, const void* message,
                       size_t bytes, size_t* sent_bytes) {
  return engine->rep->TrySendCopy(Rep(peer), tag, {static_cast<const std::byte*>(message), bytes},
                                  *sent_bytes);
}

void* tombolo_allocate(tombolo_engine* engine, size_t bytes) {
  return engine->rep->AllocateMemory(bytes);
}

bool tombolo_release(tombolo_engine* engine, void* memory) {
  return engine->rep->FreeMemory(static_cast<std::byte*>(memory));
}

bool tombolo_is_region_memory(const tombolo_engine* engine, const void* memory, size_t bytes) {
  return engine->rep->IsRegionMemory(static_cast<const std::byte*>(memory), bytes);
}

void tombolo_region_extents(const tombolo_engine* engine, void** first, size_t* bytes) {
  const std::span<std::byte> extents = engine->rep->RegionExtents();
  *first = extents.data();
  *bytes = extents.size();
}

tombolo_handle tombolo_register(tombolo_engine* engine, void* memory, size_t bytes,
                                uint32_t access) {
  const MemoryHandle handle = engine->rep->Register(static_cast<std::byte*>(memory), bytes, access);
  tombolo_handle opaque;
  memcpy(&opaque, &handle, sizeof(opaque));
  return opaque;
}

void tombolo_deregister(tombolo_engine* engine, const tombolo_handle* handle) {
  engine->rep->Deregister(HandleAt(handle));
}

bool tombolo_start_operation(tombolo_engine* engine, tombolo_peer* peer,
                             const tombolo_operation* operation) {
  engine->idle.Worked();
  return engine->rep->StartOperation(
      Rep(peer),
      Operation{
          .kind = KindOf(operation->kind),
          .target = operation->handle != nullptr ? Rep(peer).id : engine->rep->Self(),
          .local = static_cast<std::byte*>(operation->local),
          .address = operation->address,
          .handle = operation->handle != nullptr ? HandleAt(operation->handle) : MemoryHandle{},
          .bytes = operation->bytes,
          .atomic = AtomicOf(operation->kind),
          .operand = operation->operand,
          .expected = operation->expected,
          .context = operation->context});
}

int tombolo_poll(tombolo_engine* engine, const tombolo_handlers* handlers) {
  const int delivered = engine->rep->Poll(*handlers);
  engine->idle.Polled(delivered != 0);
  return delivered;
}

void tombolo_set_pool_bytes(tombolo_engine* engine, size_t bytes) {
  engine->rep->SetPoolBytes(bytes);
}

void tombolo_set_idle(tombolo_engine* engine, int64_t idle_ns, int64_t longest_sleep_ns,
                      bool is_crowded) {
  engine->idle.Set(idle_ns, longest_sleep_ns, is_crowded);
}

bool tombolo_fall_asleep(tombolo_engine* engine) {
  if (!engine->idle.IsTimeToLook()) return false;
  engine->sleep_ns = engine->idle.SleepNs(Now());
  return engine->sleep_ns != 0 && engine->rep->PrepareToSleep();
}

void tombolo_sleep(const tombolo_engine* engine) {
  pollfd doorbell = {.fd = engine->rep->Readable(), .events = POLLIN, .revents = 0};
  const timespec limit = {.tv_sec = engine->sleep_ns / tombolo::kNsPerSecond,
                          .tv_nsec = engine->sleep_ns % tombolo::kNsPerSecond};
  // Whatever it returns, the caller polls.
  ppoll(&doorbell, 1, &limit, nullptr);
}

void tombolo_wake_up(tombolo_engine* engine) {
  engine->rep->WakeUp();
  engine->idle.Slept(Now());
}

}  // extern "C"

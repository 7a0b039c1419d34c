#include "mpi_btl/engine/atomic_op.h"

#include <atomic>

#include "transport/layout/shared_word.h"

namespace tombolo::mpi {
namespace {

template <typename T>
T CompareSwap(SharedWord<T>& word, T desired, T expected) {
  word.compare_exchange_strong(expected, desired, std::memory_order_acq_rel,
                               std::memory_order_acquire);
  return expected;
}

template <typename T>
std::optional<uint64_t> Apply(std::byte* address, AtomicOp op, T operand, T expected) {
  if (reinterpret_cast<uintptr_t>(address) % sizeof(T) != 0) return std::nullopt;
  // SAFETY: the caller has sizeof(T) bytes there, and they are aligned.
  auto& word = *reinterpret_cast<SharedWord<T>*>(address);
  switch (op) {
    case AtomicOp::kAdd:
      return word.fetch_add(operand, std::memory_order_acq_rel);
    case AtomicOp::kAnd:
      return word.fetch_and(operand, std::memory_order_acq_rel);
    case AtomicOp::kOr:
      return word.fetch_or(operand, std::memory_order_acq_rel);
    case AtomicOp::kXor:
      return word.fetch_xor(operand, std::memory_order_acq_rel);
    case AtomicOp::kSwap:
      return word.exchange(operand, std::memory_order_acq_rel);
    case AtomicOp::kCompareSwap:
      return CompareSwap(word, operand, expected);
  }
  return std::nullopt;
}

}  // namespace

std::optional<uint64_t> ApplyAtomic(std::byte* address, AtomicOp op, uint64_t width_bytes,
                                    uint64_t operand, uint64_t expected) {
  switch (width_bytes) {
    case sizeof(uint32_t):
      return Apply(address, op, static_cast<uint32_t>(operand), static_cast<uint32_t>(expected));
    case sizeof(uint64_t):
      return Apply(address, op, operand, expected);
    default:
      return std::nullopt;
  }
}

}  // namespace tombolo::mpi

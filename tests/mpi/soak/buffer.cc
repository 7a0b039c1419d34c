#include "tests/mpi/soak/buffer.h"

#include <algorithm>

namespace tombolo::mpi_check {
namespace {

constexpr std::byte kUntouched{0xA5};
constexpr size_t kBlockBytes = 8;
constexpr size_t kStrideBytes = 24;

size_t ExtentBytes(size_t bytes, Shape shape) {
  return shape == Shape::kWithGaps ? bytes / kBlockBytes * kStrideBytes : bytes;
}

MPI_Datatype TypeWithGaps(size_t bytes) {
  MPI_Datatype type;
  MPI_Type_vector(static_cast<int>(bytes / kBlockBytes), kBlockBytes, kStrideBytes, MPI_BYTE,
                  &type);
  MPI_Type_commit(&type);
  return type;
}

}  // namespace

Buffer::Buffer(size_t bytes, Memory memory, Shape shape) : shape_(shape), memory_(memory) {
  const size_t all_bytes = ExtentBytes(bytes, shape) + 2 * kGuardBytes;
  if (memory == Memory::kAllocMem) {
    std::byte* allocated = nullptr;
    MPI_Alloc_mem(static_cast<MPI_Aint>(all_bytes), MPI_INFO_NULL, &allocated);
    all_ = {allocated, all_bytes};
  } else {
    ordinary_.resize(all_bytes);
    all_ = ordinary_;
  }
  std::ranges::fill(all_, kUntouched);
  if (shape == Shape::kWithGaps) type_ = TypeWithGaps(bytes);
  count_ = shape == Shape::kWithGaps ? 1 : static_cast<int>(bytes);
}

Buffer::~Buffer() {
  if (shape_ == Shape::kWithGaps) MPI_Type_free(&type_);
  if (memory_ == Memory::kAllocMem) MPI_Free_mem(all_.data());
}

void Buffer::Fill(const Origin& origin) {
  if (shape_ == Shape::kOnePiece) return mpi_check::Fill(origin, Payload());
  std::vector<std::byte> packed(origin.bytes);
  mpi_check::Fill(origin, packed);
  const std::span<std::byte> payload = Payload();
  for (size_t at = 0; at < packed.size(); at += kBlockBytes) {
    std::copy_n(packed.begin() + static_cast<ptrdiff_t>(at), kBlockBytes,
                payload.begin() + static_cast<ptrdiff_t>(at / kBlockBytes * kStrideBytes));
  }
}

void Buffer::Check(Checks& checks, const Origin& origin) {
  if (shape_ == Shape::kOnePiece) {
    checks.Payload("message", origin, Payload().first(origin.bytes));
    checks.Untouched("memory behind a message", Payload().subspan(origin.bytes), kUntouched);
  } else {
    checks.Payload("message with gaps", origin, TakeOut(origin.bytes));
    checks.Untouched("gaps of a message", Payload(), kUntouched);
  }
  checks.Untouched("memory before a buffer", all_.first(kGuardBytes), kUntouched);
  checks.Untouched("memory behind a buffer", all_.last(kGuardBytes), kUntouched);
}

// What it takes looks untouched afterwards.
std::vector<std::byte> Buffer::TakeOut(size_t bytes) {
  std::vector<std::byte> packed;
  const std::span<std::byte> payload = Payload();
  for (size_t at = 0; at < bytes; at += kBlockBytes) {
    const auto block = payload.subspan(at / kBlockBytes * kStrideBytes, kBlockBytes);
    packed.insert(packed.end(), block.begin(), block.end());
    std::ranges::fill(block, kUntouched);
  }
  return packed;
}

}  // namespace tombolo::mpi_check

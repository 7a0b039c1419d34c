#include <algorithm>
#include <string_view>
#include <vector>

#include "tests/mpi/groups.h"
#include "tests/mpi/text.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 300;

// On both sides of the usual limits; all divide by 8.
constexpr size_t kPackedSizes[] = {8,     64,    248,    256,    1016,   1024,  2048,
                                   4080,  4096,  4104,   8192,   16384,  32728, 32768,
                                   32776, 65536, 131072, 262144, 1048576};

// A datatype and where its bytes lie: blocks of the same length at growing offsets.
struct Layout {
  std::string_view name;
  MPI_Datatype type;
  size_t block_bytes;
  std::vector<size_t> offsets;  // of all `count` elements
  int count;
  size_t extent_bytes;  // of all `count` elements

  size_t bytes() const { return block_bytes * offsets.size(); }
};

Layout Contiguous(size_t bytes) {
  MPI_Datatype type;
  MPI_Type_contiguous(static_cast<int>(bytes), MPI_BYTE, &type);
  MPI_Type_commit(&type);
  return {"contiguous", type, bytes, {0}, 1, bytes};
}

Layout Vector(size_t blocks, size_t block_bytes, size_t stride_bytes) {
  Layout layout = {"vector", MPI_DATATYPE_NULL, block_bytes, {}, 1, blocks * stride_bytes};
  MPI_Type_vector(static_cast<int>(blocks), static_cast<int>(block_bytes),
                  static_cast<int>(stride_bytes), MPI_BYTE, &layout.type);
  MPI_Type_commit(&layout.type);
  for (size_t i = 0; i < blocks; ++i) layout.offsets.push_back(i * stride_bytes);
  return layout;
}

// Elements of {4 bytes, gap of 4, 4 bytes, gap of 12}.
Layout StructWithGaps(size_t elements) {
  constexpr size_t kFieldBytes = 4;
  constexpr size_t kSecondOffset = 8;
  constexpr size_t kExtent = 24;
  const int lengths[2] = {kFieldBytes, 1};
  const MPI_Aint displacements[2] = {0, kSecondOffset};
  const MPI_Datatype types[2] = {MPI_BYTE, MPI_INT};
  MPI_Datatype packed;
  MPI_Type_create_struct(2, lengths, displacements, types, &packed);
  Layout layout = {"struct", MPI_DATATYPE_NULL,          kFieldBytes,
                   {},       static_cast<int>(elements), elements * kExtent};
  MPI_Type_create_resized(packed, 0, kExtent, &layout.type);
  MPI_Type_commit(&layout.type);
  MPI_Type_free(&packed);
  for (size_t i = 0; i < elements; ++i) {
    layout.offsets.push_back(i * kExtent);
    layout.offsets.push_back(i * kExtent + kSecondOffset);
  }
  return layout;
}

// Blocks with growing gaps between them.
Layout Indexed(size_t blocks, size_t block_bytes) {
  Layout layout = {"indexed", MPI_DATATYPE_NULL, block_bytes, {}, 1, 0};
  std::vector<int> displacements;
  for (size_t i = 0; i < blocks; ++i) {
    displacements.push_back(static_cast<int>(layout.extent_bytes));
    layout.offsets.push_back(layout.extent_bytes);
    layout.extent_bytes += block_bytes + i % 7;
  }
  MPI_Type_create_indexed_block(static_cast<int>(blocks), static_cast<int>(block_bytes),
                                displacements.data(), MPI_BYTE, &layout.type);
  MPI_Type_commit(&layout.type);
  return layout;
}

void Scatter(const Layout& layout, std::span<const std::byte> packed, std::span<std::byte> memory) {
  for (size_t i = 0; i < layout.offsets.size(); ++i) {
    const std::span<const std::byte> block =
        packed.subspan(i * layout.block_bytes, layout.block_bytes);
    std::copy(block.begin(), block.end(),
              memory.begin() + static_cast<ptrdiff_t>(layout.offsets[i]));
  }
}

// Moves the blocks out of `memory` and leaves guard bytes in their place, so that only what never
// belonged remains.
std::vector<std::byte> TakeOut(const Layout& layout, std::span<std::byte> memory) {
  std::vector<std::byte> packed;
  for (const size_t offset : layout.offsets) {
    const std::span<std::byte> block = memory.subspan(offset, layout.block_bytes);
    packed.insert(packed.end(), block.begin(), block.end());
    std::fill(block.begin(), block.end(), kGuard);
  }
  return packed;
}

// Both directions at once with the neighbours of the ring.
void Shift(World& world, const Layout& out, const Layout& in) {
  const int next = (world.rank + 1) % world.size;
  const int previous = (world.rank - 1 + world.size) % world.size;
  std::vector<std::byte> packed(out.bytes());
  Fill({world.rank, kTag, packed.size()}, packed);
  std::vector<std::byte> from(out.extent_bytes, kGuard);
  Scatter(out, packed, from);
  GuardedBuffer to(in.extent_bytes);
  MPI_Status status;
  MPI_Sendrecv(from.data(), out.count, out.type, next, kTag, to.payload().data(), in.count, in.type,
               previous, kTag, world.comm, &status);
  const Origin origin = {previous, kTag, in.bytes()};
  CheckStatus(world.checks, status, origin);
  const std::vector<std::byte> seen = TakeOut(in, to.payload());
  world.checks.Payload(Text(out.name, " to ", in.name), origin, seen);
  world.checks.Untouched(Text("gaps of ", in.name), to.payload(), kGuard);
  to.CheckGuards(world.checks);
}

// The same bytes in five shapes.
std::vector<Layout> ShapesOf(size_t bytes) {
  constexpr size_t kLine = 64;
  std::vector<Layout> shapes = {Contiguous(bytes), Vector(bytes / 8, 8, 24), Indexed(bytes / 8, 8),
                                StructWithGaps(bytes / 8)};
  if (bytes % kLine == 0) shapes.push_back(Vector(bytes / kLine, kLine, 3 * kLine + 1));
  return shapes;
}

}  // namespace

void CheckDatatypes(World& world) {
  for (const size_t bytes : kPackedSizes) {
    std::vector<Layout> shapes = ShapesOf(bytes);
    for (size_t i = 0; i < shapes.size(); ++i) {
      Shift(world, shapes[i], shapes[0]);
      Shift(world, shapes[0], shapes[i]);
      Shift(world, shapes[i], shapes[(i + 1) % shapes.size()]);
    }
    for (Layout& shape : shapes) MPI_Type_free(&shape.type);
  }
}

}  // namespace tombolo::mpi_check

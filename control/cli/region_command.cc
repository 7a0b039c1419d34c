#include "control/cli/region_command.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cli/byte_streams.h"
#include "control/cli/ivshmem_option.h"
#include "control/cli/own_endpoint.h"
#include "control/cli/region_option.h"
#include "control/ivshmem_peer/ivshmem_peer.h"
#include "control/region_source/region_source.h"
#include "transport/alloc/extent_map.h"
#include "transport/base/offset.h"
#include "transport/base/units.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/service_view.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/region_header.h"
#include "transport/layout/service_record.h"
#include "transport/region/region.h"
#include "transport/region/region_copy.h"

namespace tombolo::control {
namespace {

constexpr char kOwnName[] = "tombolo-region";

struct RegionFlags {
  std::string name;
  std::string file;  // --region
  uint64_t offset = 0;
  uint64_t length = UINT64_MAX;
  uint64_t size = 0;
  IvshmemFlags ivshmem;
};

// Memory of service `index`, if it has any: its first run that is for applications.
std::span<std::byte> MemoryOf(const Region& region, uint32_t index) {
  const std::span<SharedU64> map = region.ExtentMap();
  for (uint32_t first = 0; first < map.size(); ++first) {
    const ExtentWord word = UnpackExtentWord(map[first].load(std::memory_order_acquire));
    if (word.state == ExtentState::kHead && word.kind == ExtentKind::kMemory &&
        word.owner == ServiceOwner(index)) {
      return region.Bytes(region.ExtentOffset(first), uint64_t{word.length} * kExtentBytes);
    }
  }
  return {};
}

absl::StatusOr<std::span<std::byte>> FindMemory(const Region& region, const std::string& name) {
  const std::optional<tombolo::ServiceInfo> service = FindService(region, name);
  const std::span<std::byte> memory =
      service ? MemoryOf(region, service->index) : std::span<std::byte>();
  if (!memory.empty()) return memory;
  return absl::NotFoundError(
      absl::StrCat("there is no memory '", name, "'; `tombolo region write ", name,
                   " --size BYTES` makes some, `tombolo services` lists it."));
}

// The whole region: the header is its first byte.
std::span<std::byte> Everything(const Region& region) {
  return {region.Extent(0) - region.ExtentOffset(0).bytes, region.Limits().region_bytes};
}

// The bytes from flags.offset on, at most flags.length.
absl::StatusOr<std::span<std::byte>> Part(std::span<std::byte> memory, const RegionFlags& flags) {
  if (flags.offset > memory.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--offset ", flags.offset, " is beyond the end; there are ", memory.size(), " bytes."));
  }
  return memory.subspan(flags.offset,
                        std::min<uint64_t>(flags.length, memory.size() - flags.offset));
}

absl::Status PrintPart(const Region& region, const RegionFlags& flags) {
  absl::StatusOr<std::span<std::byte>> memory =
      flags.name.empty() ? Everything(region) : FindMemory(region, flags.name);
  if (memory.ok()) memory = Part(*memory, flags);
  return memory.ok() ? PrintBytes(region.Type(), *memory) : memory.status();
}

absl::Status CheckNoName(const RegionFlags& flags) {
  if (flags.name.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("memory has names in Tombolo only; leave '",
                                                 flags.name, "' out, and say where by --offset."));
}

absl::Status ReadIvshmem(const RegionFlags& flags) {
  if (absl::Status status = CheckNoName(flags); !status.ok()) return status;
  const absl::StatusOr<std::unique_ptr<IvshmemPeer>> self = JoinIvshmem(flags.ivshmem);
  if (!self.ok()) return self.status();
  absl::StatusOr<std::span<std::byte>> memory = (*self)->Memory(Access::kRead);
  if (memory.ok()) memory = Part(*memory, flags);
  return memory.ok() ? PrintBytes((*self)->Type(), *memory) : memory.status();
}

// As a member where there is a broker; else as `tombolo fsck` finds regions.
absl::Status Read(const CliContext& context, const RegionFlags& flags) {
  if (flags.ivshmem.IsChosen()) return ReadIvshmem(flags);
  if (flags.file.empty()) {
    const absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, kOwnName);
    if (endpoint.ok()) return PrintPart((*endpoint)->SharedRegion(), flags);
    if (!absl::IsUnavailable(endpoint.status())) return endpoint.status();
  }
  const absl::StatusOr<RegionSource> source = OpenRegion(context, flags.file);
  return source.ok() ? PrintPart(source->View(), flags) : source.status();
}

absl::StatusOr<std::span<std::byte>> ClaimMemory(const Region& region, ServiceId service,
                                                 uint64_t size_bytes) {
  if (size_bytes == 0) {
    return absl::InvalidArgumentError("this memory is new: say how large it is, with --size.");
  }
  const uint64_t count = (size_bytes + kExtentBytes - 1) / kExtentBytes;
  ExtentMap extents(region.ExtentMap());
  std::optional<uint32_t> first;
  if (count <= extents.Count()) {
    first = extents.Claim(static_cast<uint32_t>(count), service.Owner(), ExtentKind::kMemory);
  }
  if (!first) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the region has no ", count * kExtentBytes,
                     " free bytes in a row; `tombolo fsck` tells who has them."));
  }
  const std::span<std::byte> memory =
      region.Bytes(region.ExtentOffset(*first), count * kExtentBytes);
  Zero(region.Type(), memory);
  return memory;
}

absl::Status WriteInto(const Region& region, ServiceId service, const RegionFlags& flags) {
  absl::StatusOr<std::span<std::byte>> memory = MemoryOf(region, service.index);
  if (memory->empty()) memory = ClaimMemory(region, service, flags.size);
  if (memory.ok()) memory = Part(*memory, flags);
  return memory.ok() ? FillFromStdin(region.Type(), *memory) : memory.status();
}

// Bytes anywhere in it would break what others rely on.
absl::Status CheckNoRegion(MemoryType type, std::span<const std::byte> memory) {
  uint64_t magic = 0;
  if (memory.size() >= sizeof(magic)) {
    CopyOut(type, reinterpret_cast<std::byte*>(&magic), memory.first(sizeof(magic)));
  }
  if (magic != kRegionMagic) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "there is a region of Tombolo in this memory; write into memory that has a name there: "
      "tombolo region write NAME, without --ivshmem-server and --ivshmem-device.");
}

absl::Status WriteIvshmem(const RegionFlags& flags) {
  if (absl::Status status = CheckNoName(flags); !status.ok()) return status;
  const absl::StatusOr<std::unique_ptr<IvshmemPeer>> self = JoinIvshmem(flags.ivshmem);
  if (!self.ok()) return self.status();
  absl::StatusOr<std::span<std::byte>> memory = (*self)->Memory(Access::kReadAndWrite);
  if (!memory.ok()) return memory.status();
  absl::Status status = CheckNoRegion((*self)->Type(), *memory);
  if (!status.ok()) return status;
  memory = Part(*memory, flags);
  return memory.ok() ? FillFromStdin((*self)->Type(), *memory) : memory.status();
}

absl::Status Write(const CliContext& context, const RegionFlags& flags) {
  if (flags.ivshmem.IsChosen()) return WriteIvshmem(flags);
  if (flags.name.empty()) {
    return absl::InvalidArgumentError("say the NAME of the memory: tombolo region write NAME.");
  }
  const absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, kOwnName);
  if (!endpoint.ok()) return endpoint.status();
  const absl::StatusOr<ServiceId> service = (*endpoint)->OpenService(flags.name);
  if (!service.ok()) return service.status();
  absl::Status status = WriteInto((*endpoint)->SharedRegion(), *service, flags);
  // So that the next one may write at once.
  status.Update((*endpoint)->Detach());
  return status;
}

void AddOffset(CLI::App& command, RegionFlags& flags) {
  command.add_option("--offset", flags.offset, "Begin at this byte (default 0)")
      ->option_text("BYTES")
      ->transform(CLI::AsSizeValue(false));
}

void AddRead(CLI::App& parent, CliContext& context) {
  CLI::App* command = parent.add_subcommand(
      "read", "Bytes of the region, or of memory that was written by a name, to stdout.");
  command->footer(
      "  tombolo region read | sha1sum              the same on all machines, if nobody writes\n"
      "  tombolo region read plan | sha256sum       of what `tombolo region write plan` wrote\n"
      "  tombolo region read --length 320 | xxd     the region's header (docs/layout.md)\n"
      "  tombolo region read --ivshmem-server /run/ivshmem.sock | sha1sum   without Tombolo");
  const auto flags = std::make_shared<RegionFlags>();
  command->add_option("NAME", flags->name, "Of the memory; none: the whole region")
      ->option_text(" ");
  AddOffset(*command, *flags);
  command->add_option("--length", flags->length, "At most so many bytes (default: all)")
      ->option_text("BYTES")
      ->transform(CLI::AsSizeValue(false));
  AddRegionOption(*command, flags->file);
  AddIvshmemOptions(*command, flags->ivshmem);
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Read(context, *flags); }; });
}

void AddWrite(CLI::App& parent, CliContext& context) {
  CLI::App* command = parent.add_subcommand(
      "write",
      "Write stdin into memory of a name, which stays until `tombolo services --close NAME`. One "
      "at a time may write it, all may read.");
  command->footer(
      "  tombolo region write plan --size 64M < plan.bin   makes it, whole pages\n"
      "  printf x | tombolo region write plan --offset 4K  a byte of what is there\n"
      "  tombolo region write --ivshmem-device auto < a    in a guest without Tombolo");
  const auto flags = std::make_shared<RegionFlags>();
  command->add_option("NAME", flags->name, "Of the memory; without Tombolo: none")
      ->option_text(" ");
  AddOffset(*command, *flags);
  command->add_option("--size", flags->size, "Of memory that is not there yet: 4K, 64M")
      ->option_text("BYTES")
      ->transform(CLI::AsSizeValue(false));
  AddIvshmemOptions(*command, flags->ivshmem);
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Write(context, *flags); }; });
}

}  // namespace

void AddRegionCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("region", "Read and write bytes of the region.");
  command->require_subcommand(1);
  command->footer(
      "  tombolo region write plan --size 64M < plan.bin\n"
      "  tombolo region read plan | sha256sum");
  AddRead(*command, context);
  AddWrite(*command, context);
}

}  // namespace tombolo::control

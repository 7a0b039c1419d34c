#include "transport/device/v2/v2_module_device.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "guest/module/tombolo_uapi.h"
#include "transport/base/errno_status.h"
#include "transport/device/module/module_setup.h"
#include "transport/device/v2/v2_finder.h"
#include "transport/device/v2/v2_registers.h"

namespace tombolo {
namespace {

constexpr uint32_t kGone = 0xffffffff;
constexpr char kWho[] = "one process of this guest is the peer, and it may be ended first";

absl::StatusOr<V2Sections> ReadSections(int file) {
  tombolo_sections told{};
  if (ioctl(file, TOMBOLO_GET_SECTIONS, &told) == 0) {
    return CheckV2Sections({.state_table_bytes = told.table_bytes,
                            .rw_bytes = told.rw_bytes,
                            .output_bytes = told.output_bytes},
                           told.peers);
  }
  if (errno != ENODEV) return ErrnoStatus(errno, "ask the kernel module tombolo for the sections");
  return absl::FailedPreconditionError(
      "the device's registers read as ones: it was unplugged, or who served it has ended. Start "
      "this virtual machine again.");
}

// That nobody has a state who did not look at the lock.
absl::Status BeReset(int file, const std::string& path) {
  if (ioctl(file, TOMBOLO_SET_STATE, static_cast<unsigned long>(kV2StateReset)) == 0) {
    return absl::OkStatus();
  }
  if (errno != EBUSY) return ErrnoStatus(errno, absl::StrCat("reset the state of ", path));
  return absl::UnavailableError(absl::StrCat(path, " is held by another process: ", kWho, "."));
}

absl::Status MapSection(int file, std::span<std::byte> section, uint64_t offset_bytes,
                        int protection) {
  if (section.empty()) return absl::OkStatus();
  void* const mapped = mmap(section.data(), section.size(), protection, MAP_SHARED | MAP_FIXED,
                            file, static_cast<off_t>(offset_bytes));
  if (mapped != MAP_FAILED) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("map the section of ", section.size(), " bytes at ",
                                         offset_bytes, " of the device"));
}

absl::Status MapSections(int file, const V2Sections& sections, uint32_t own,
                         std::span<std::byte> memory) {
  constexpr int kWritten = PROT_READ | PROT_WRITE;
  const auto map = [&](uint64_t offset_bytes, uint64_t size_bytes, int protection) {
    return MapSection(file, memory.subspan(offset_bytes, size_bytes), offset_bytes, protection);
  };
  if (auto status = map(0, sections.state_table_bytes, PROT_READ); !status.ok()) return status;
  if (auto status = map(sections.RwOffset(), sections.rw_bytes, kWritten); !status.ok()) {
    return status;
  }
  for (uint32_t peer = 0; peer < sections.peer_count; ++peer) {
    const int protection = peer == own ? kWritten : PROT_READ;
    auto status = map(sections.OutputOffset(peer), sections.output_bytes, protection);
    if (!status.ok()) return status;
  }
  madvise(memory.data(), memory.size(), MADV_DONTFORK);
  return absl::OkStatus();
}

// Room for all of them, in which nothing may be accessed yet.
absl::StatusOr<std::span<std::byte>> Reserve(uint64_t size_bytes) {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* const room = mmap(nullptr, size_bytes, PROT_NONE, kFlags, -1, 0);
  if (room != MAP_FAILED) return std::span(static_cast<std::byte*>(room), size_bytes);
  return ErrnoStatus(errno, absl::StrCat("find room for ", size_bytes, " bytes of the device"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<V2ModuleDevice>> V2ModuleDevice::Open(const SystemPaths& paths,
                                                                     const std::string& address) {
  const absl::StatusOr<std::string> path = FindModulePath(paths, address);
  if (!path.ok()) return path.status();
  absl::StatusOr<UniqueFd> file = OpenModuleFile(*path);
  if (!file.ok()) return file.status();
  const int fd = file->Get();
  if (auto status = LockModuleFile(fd, *path, kWho); !status.ok()) return status;
  const absl::StatusOr<tombolo_info> info = ReadModuleInfo(fd);
  if (!info.ok()) return info.status();
  const absl::StatusOr<V2Sections> sections = ReadSections(fd);
  if (!sections.ok()) return sections.status();
  if (auto status = BeReset(fd, *path); !status.ok()) return status;
  auto eventfds = SignalModuleEventfds(fd, std::min(info->vectors, kV2MostVectors));
  if (!eventfds.ok()) return eventfds.status();
  const absl::StatusOr<std::span<std::byte>> memory = Reserve(sections->TotalBytes());
  if (!memory.ok()) return memory.status();
  std::unique_ptr<V2ModuleDevice> device(
      new V2ModuleDevice(*sections, *std::move(eventfds), *std::move(file), *memory));
  if (auto status = MapSections(fd, *sections, info->slot, *memory); !status.ok()) return status;
  return device;
}

V2ModuleDevice::V2ModuleDevice(const V2Sections& sections, std::vector<UniqueFd> eventfds,
                               UniqueFd file, std::span<std::byte> memory)
    : V2GuestDevice(sections, std::move(eventfds)), file_(std::move(file)), memory_(memory) {}

V2ModuleDevice::~V2ModuleDevice() { munmap(memory_.data(), memory_.size()); }

uint32_t V2ModuleDevice::ReadRegister(uint64_t offset) {
  tombolo_info info{};
  tombolo_sections sections{};
  const bool is_there = ioctl(file_.Get(), TOMBOLO_GET_SECTIONS, &sections) == 0 &&
                        ioctl(file_.Get(), TOMBOLO_GET_INFO, &info) == 0;
  if (!is_there) return kGone;
  switch (offset) {
    case kV2IdRegister:
      return info.slot;
    case kV2MaxPeersRegister:
      return sections.peers;
    case kV2InterruptControlRegister:
      return kV2InterruptEnable;
    case kV2StateRegister:
      return info.slot < Sections().peer_count ? StateOf(info.slot) : kGone;
    default:
      return 0;
  }
}

// The device tells it in its state table too.
uint32_t V2ModuleDevice::StateOf(uint32_t peer) const {
  // SAFETY: the state table is a page, and has a word for each peer.
  return reinterpret_cast<const volatile uint32_t*>(memory_.data())[peer];
}

// A register that cannot be written is nobody's error: the device is gone, or nobody is there to
// be rung.
void V2ModuleDevice::WriteRegister(uint64_t offset, uint32_t value) {
  const int error = errno;
  if (offset == kV2DoorbellRegister) {
    ioctl(file_.Get(), TOMBOLO_RING, static_cast<unsigned long>(value));
  } else if (offset == kV2StateRegister) {
    ioctl(file_.Get(), TOMBOLO_SET_STATE, static_cast<unsigned long>(value));
  }
  errno = error;
}

}  // namespace tombolo

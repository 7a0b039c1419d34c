// alignment: which accesses a mapping of the region bears. On arm64 that depends on its type:
// Device memory raises SIGBUS where an address is not aligned to its access.
//
//   alignment file PATH TYPE   a file of sysfs, resource2 or resource2_wc, or any other file; TYPE,
//                              of which the copy routines are told: write-back, write-combining,
//                              uncached or device
//   alignment vfio|module      the machine's only ivshmem device, through vfio or the kernel module
//
// Uses the last 16 KiB of the file, which must be zero and nobody's, and leaves them so. Prints one
// JSON object, {"aligned word": "ok" or "SIGBUS", ..., "our copies": "ok", "SIGBUS" or "wrong"}.
// Exit codes: 0, 1 with a sentence why there is no mapping, 2 usage.
#include <fcntl.h>
#include <stdio.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "tests/vm/alignment/accesses.h"
#include "tests/vm/alignment/fault_guard.h"
#include "transport/base/memory_type.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"
#include "transport/device/mapping.h"
#include "transport/device/module/module_pci_device.h"
#include "transport/device/vfio/pci_finder.h"
#include "transport/device/vfio/system_paths.h"
#include "transport/device/vfio/vfio_pci_device.h"
#include "transport/region/region_copy.h"

namespace tombolo::alignment {
namespace {

std::optional<MemoryType> TypeOf(std::string_view name) {
  if (name == "write-back") return MemoryType::kWriteBack;
  if (name == "write-combining") return MemoryType::kWriteCombining;
  if (name == "uncached") return MemoryType::kUncached;
  if (name == "device") return MemoryType::kDevice;
  return std::nullopt;
}

struct Plain {
  const Access* access;
  std::byte* at;
};

std::string TryPlain(const Access& access, std::byte* scratch) {
  Plain plain{&access, scratch};
  const auto run = [](void* argument) {
    const auto* tried = static_cast<Plain*>(argument);
    tried->access->run(tried->at);
  };
  return Faults(run, &plain) ? "SIGBUS" : "ok";
}

struct Copies {
  MemoryType type;
  std::byte* scratch;
  bool are_right;
};

std::string TryCopies(MemoryType type, std::byte* scratch) {
  Copies copies{type, scratch, false};
  const auto run = [](void* argument) {
    auto* tried = static_cast<Copies*>(argument);
    tried->are_right = CopiesAreRight(tried->type, tried->scratch);
  };
  if (Faults(run, &copies)) return "SIGBUS";
  return copies.are_right ? "ok" : "wrong";
}

void Try(MemoryType type, std::span<std::byte> memory) {
  CatchSigbus();
  std::byte* const scratch = memory.last(kScratchBytes).data();
  std::string said;
  for (const Access& access : PlainAccesses()) {
    absl::StrAppend(&said, "\"", access.name, "\": \"", TryPlain(access, scratch), "\", ");
  }
  printf("{%s\"our copies\": \"%s\"}\n", said.c_str(), TryCopies(type, scratch).c_str());
  // As any memory bears it, whatever the copies were told.
  Zero(MemoryType::kDevice, {scratch, kScratchBytes});
}

absl::Status TryFile(const std::string& path, MemoryType type) {
  const UniqueFd file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.IsOpen()) return absl::NotFoundError(absl::StrCat(path, " cannot be opened."));
  const absl::StatusOr<uint64_t> bytes = FileBytes(file.Get());
  if (!bytes.ok()) return bytes.status();
  if (*bytes < kScratchBytes)
    return absl::FailedPreconditionError(absl::StrCat(path, " is small."));
  absl::StatusOr<Mapping> mapping = Mapping::Map(file.Get(), 0, *bytes);
  if (!mapping.ok()) return mapping.status();
  Try(type, mapping->Bytes());
  return absl::OkStatus();
}

template <typename PciDevice>
absl::Status TryDevice() {
  const auto device = PciDevice::Open(SystemPaths{}, kAnyPciDevice);
  if (!device.ok()) return device.status();
  Try((*device)->Type(), (*device)->Memory());
  return absl::OkStatus();
}

int Main(const std::vector<std::string>& words) {
  absl::Status end;
  if (words.size() == 1 && words[0] == "vfio") {
    end = TryDevice<VfioPciDevice>();
  } else if (words.size() == 1 && words[0] == "module") {
    end = TryDevice<ModulePciDevice>();
  } else if (words.size() == 3 && words[0] == "file" && TypeOf(words[2])) {
    end = TryFile(words[1], *TypeOf(words[2]));
  } else {
    fprintf(stderr, "usage: alignment file PATH TYPE | vfio | module\n");
    return 2;
  }
  if (end.ok()) return 0;
  fprintf(stderr, "error: %s\n", std::string(end.message()).c_str());
  return 1;
}

}  // namespace
}  // namespace tombolo::alignment

int main(int argc, char** argv) { return tombolo::alignment::Main({argv + 1, argv + argc}); }

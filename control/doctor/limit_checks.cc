#include "control/doctor/limit_checks.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "control/cli/short_units.h"
#include "control/doctor/system_file.h"
#include "transport/base/units.h"
#include "transport/region/geometry.h"

namespace tombolo::control {
namespace {

// Of QEMU beside its doorbells: disks, network, its own.
constexpr uint64_t kOtherDescriptors = 124;

// The kernel's own default: who has less was restricted.
constexpr uint64_t kLeastLockedBytes = 64 * kKiB;

// What containers are given unless they ask for more; Open MPI's vader takes 4 MiB a rank.
constexpr uint64_t kLeastSharedBytes = 64 * kMiB;

std::string Limit(rlim_t limit) {
  return limit == RLIM_INFINITY ? "any number" : absl::StrCat(limit);
}

// Nothing when there is no limit.
void AddLimit(const char* name, rlim_t limit, std::map<std::string, double>& numbers) {
  if (limit != RLIM_INFINITY) numbers[name] = static_cast<double>(limit);
}

// The numbers of lines such as "HugePages_Free:       12" or "Hugepagesize:    2048 kB", by name.
std::map<std::string, uint64_t> ReadMeminfo(const Machine& machine) {
  std::map<std::string, uint64_t> numbers;
  std::istringstream lines(ReadSystemFile(machine.proc + "/meminfo").value_or(""));
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string key;
    uint64_t number = 0;
    if (words >> key >> number && key.ends_with(':'))
      numbers[key.substr(0, key.size() - 1)] = number;
  }
  return numbers;
}

}  // namespace

Finding CheckOpenFiles(const Machine&) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const RegionLimits usual;
  const uint64_t needed = uint64_t{usual.slot_count} * usual.vector_count + kOtherDescriptors;
  const std::string text =
      absl::StrCat("a process of this user may open ", Limit(limit.rlim_cur), " files, at most ",
                   Limit(limit.rlim_max), "; a QEMU in a region of ", usual.slot_count,
                   " slots with ", usual.vector_count, " vectors opens about ", needed);
  std::map<std::string, double> numbers;
  AddLimit("soft_limit", limit.rlim_cur, numbers);
  AddLimit("hard_limit", limit.rlim_max, numbers);
  if (limit.rlim_cur >= needed) return Well(text, numbers);
  return Warning(text,
                 absl::StrCat("ulimit -n ", std::min<uint64_t>(limit.rlim_max, 2 * needed),
                              " where QEMU is started; max_files in libvirt's qemu.conf"),
                 numbers);
}

Finding CheckLockedMemory(const Machine&) {
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  const bool any = limit.rlim_cur == RLIM_INFINITY;
  const std::string text =
      absl::StrCat(any ? "any amount" : ShortBytes(limit.rlim_cur),
                   " of memory may be locked; the region needs none, `tombolo-kv -k` all of its "
                   "--memory-limit");
  std::map<std::string, double> numbers;
  AddLimit("bytes", limit.rlim_cur, numbers);
  if (any || limit.rlim_cur >= kLeastLockedBytes) return Well(text, numbers);
  return Warning(text, "ulimit -l 65536, or LimitMEMLOCK=64M in a unit", numbers);
}

Finding CheckHugePages(const Machine& machine) {
  std::map<std::string, uint64_t> meminfo = ReadMeminfo(machine);
  if (!meminfo.contains("HugePages_Total") || !meminfo.contains("Hugepagesize")) {
    return Warning(absl::StrCat(machine.proc, "/meminfo tells nothing of huge pages"),
                   "only `tombolod --huge-pages` needs them: a kernel with CONFIG_HUGETLBFS");
  }
  const uint64_t total = meminfo["HugePages_Total"];
  const uint64_t free = meminfo["HugePages_Free"];
  const uint64_t page_bytes = meminfo["Hugepagesize"] * kKiB;
  const std::map<std::string, double> numbers = {{"total", static_cast<double>(total)},
                                                 {"free", static_cast<double>(free)},
                                                 {"page_bytes", static_cast<double>(page_bytes)}};
  if (total == 0) {
    return Well(absl::StrCat("none reserved; only `tombolod --huge-pages` needs them (sysctl "
                             "vm.nr_hugepages, pages of ",
                             ShortBytes(page_bytes), ")"),
                numbers);
  }
  return Well(absl::StrCat(free, " of ", total, " free, ", ShortBytes(free * page_bytes),
                           ", for `tombolod --huge-pages`"),
              numbers);
}

Finding CheckSharedMemoryFolder(const Machine& machine) {
  const std::string folder = machine.system.dev + "/shm";
  struct statvfs about {};
  if (statvfs(folder.c_str(), &about) != 0) {
    return Warning(absl::StrCat("cannot look at ", folder, ": ", strerror(errno)),
                   absl::StrCat("mount -t tmpfs tmpfs ", folder,
                                "; tombolo-kv and Open MPI between ranks of one machine use it"));
  }
  const uint64_t free_bytes = uint64_t{about.f_bavail} * about.f_frsize;
  const uint64_t bytes = uint64_t{about.f_blocks} * about.f_frsize;
  const std::string text =
      absl::StrCat(ShortBytes(free_bytes), " of ", ShortBytes(bytes), " free in ", folder,
                   "; tombolo-kv and Open MPI use it, the region does not");
  const std::map<std::string, double> numbers = {{"free_bytes", static_cast<double>(free_bytes)},
                                                 {"bytes", static_cast<double>(bytes)}};
  if (free_bytes >= kLeastSharedBytes) return Well(text, numbers);
  return Warning(text,
                 absl::StrCat("mount -o remount,size=1G ", folder, " (--shm-size of a container)"),
                 numbers);
}

}  // namespace tombolo::control

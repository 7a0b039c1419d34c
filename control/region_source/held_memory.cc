#include "control/region_source/held_memory.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "transport/device/mapping.h"

namespace tombolo::control {
namespace {

namespace fs = std::filesystem;

// What the kernel calls a memfd in links and maps.
std::string MemfdName() { return absl::StrCat("/memfd:", kRegionMemfdName, " (deleted)"); }

void Add(HeldMemories& memories, std::pair<uint64_t, uint64_t> id, const std::string& path,
         pid_t pid) {
  auto known = std::ranges::find(memories.found, id, &HeldMemory::id);
  if (known == memories.found.end()) {
    known = memories.found.insert(known, {.id = id, .path = path, .pids = {}});
  }
  if (known->pids.empty() || known->pids.back() != pid) known->pids.push_back(pid);
}

// Descriptors. False when they cannot be read.
bool AddOpen(const fs::path& process, pid_t pid, HeldMemories& memories) {
  std::error_code error;
  for (fs::directory_iterator it(process / "fd", error), end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;
    const fs::path target = fs::read_symlink(it->path(), gone);
    struct stat info;
    if (gone || target != MemfdName() || stat(it->path().c_str(), &info) != 0) continue;
    Add(memories, {info.st_dev, info.st_ino}, it->path().string(), pid);
  }
  return error.value() != EACCES && error.value() != EPERM;
}

// Mappings: an endpoint of the host closes its descriptor once it has mapped it. Only root may open
// what stands in map_files.
void AddMapped(const fs::path& process, pid_t pid, HeldMemories& memories) {
  std::ifstream maps(process / "maps");
  std::string line;
  while (std::getline(maps, line)) {
    if (!line.ends_with(MemfdName())) continue;
    // proc(5): address range, permissions, offset, device, inode, name.
    std::istringstream words(line);
    std::string range, permissions, offset;
    unsigned major_number = 0, minor_number = 0;
    uint64_t inode = 0;
    char colon = 0;
    words >> range >> permissions >> offset >> std::hex >> major_number >> colon >> minor_number >>
        std::dec >> inode;
    if (!words || offset.find_first_not_of('0') != std::string::npos) continue;
    Add(memories, {makedev(major_number, minor_number), inode},
        (process / "map_files" / range).string(), pid);
  }
}

void AddProcess(const std::string& proc, pid_t pid, HeldMemories& memories) {
  const fs::path process = fs::path(proc) / std::to_string(pid);
  if (!AddOpen(process, pid, memories)) {
    ++memories.unreadable;
    return;
  }
  AddMapped(process, pid, memories);
}

std::vector<pid_t> AllProcesses(const std::string& proc) {
  std::vector<pid_t> pids;
  std::error_code error;
  for (fs::directory_iterator it(proc, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    pid_t pid = 0;
    const auto [stop, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad == std::errc() && stop == name.data() + name.size()) pids.push_back(pid);
  }
  std::ranges::sort(pids);
  return pids;
}

std::string CommandOf(const std::string& proc, pid_t pid) {
  std::ifstream file(fs::path(proc) / std::to_string(pid) / "comm");
  std::string command;
  std::getline(file, command);
  return command.empty() ? "process" : command;
}

}  // namespace

std::string HeldMemory::Holders(const std::string& proc) const {
  return absl::StrJoin(pids, ", ", [&proc](std::string* text, pid_t pid) {
    absl::StrAppend(text, CommandOf(proc, pid), " ", pid);
  });
}

HeldMemories FindHeldMemories(const std::string& proc) {
  HeldMemories memories;
  for (const pid_t pid : AllProcesses(proc)) AddProcess(proc, pid, memories);
  return memories;
}

HeldMemories FindHeldMemoriesOf(const std::string& proc, pid_t pid) {
  HeldMemories memories;
  AddProcess(proc, pid, memories);
  return memories;
}

}  // namespace tombolo::control

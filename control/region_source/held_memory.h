// Which regions are in the memory of this machine's processes: memfds as tombolod makes them, found
// in /proc by what processes hold. A region lives as long as anybody does: the daemon, a QEMU, an
// agent, an endpoint. Nobody is asked, and nothing is changed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tombolo::control {

struct HeldMemory {
  std::pair<uint64_t, uint64_t> id;  // Device and inode: two holders of one region have the same.
  std::string path;                  // In /proc; can be opened.
  std::vector<pid_t> pids;           // Who holds it, by pid.

  // As in "tombolod 17, qemu-system-x86 21".
  std::string Holders(const std::string& proc) const;
};

struct HeldMemories {
  std::vector<HeldMemory> found;
  // Processes that this user may not look into.
  uint32_t unreadable = 0;
};

// `proc`: where the kernel shows processes.
HeldMemories FindHeldMemories(const std::string& proc);

// Of one process only.
HeldMemories FindHeldMemoriesOf(const std::string& proc, pid_t pid);

}  // namespace tombolo::control

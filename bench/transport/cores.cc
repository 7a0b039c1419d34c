#include "bench/transport/cores.h"

#include <sched.h>
#include <sys/resource.h>

#include "bench/transport/require.h"

namespace tombolo::bench {

std::vector<int> AllowedCores() {
  cpu_set_t allowed;
  Require(sched_getaffinity(0, sizeof(allowed), &allowed) == 0, "asking for the cores");
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &allowed)) cores.push_back(core);
  }
  return cores;
}

void PinTo(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  Require(sched_setaffinity(0, sizeof(set), &set) == 0, "pinning to a core");
}

uint64_t TimesPreempted() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_nivcsw);
}

}  // namespace tombolo::bench

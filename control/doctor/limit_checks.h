// What the machine lets this user have: descriptors, locked memory, huge pages, room in /dev/shm.
#pragma once

#include "control/doctor/finding.h"
#include "control/doctor/machine.h"

namespace tombolo::control {

// QEMU and tombolod hold one descriptor for each doorbell of the region.
Finding CheckOpenFiles(const Machine& machine);

Finding CheckLockedMemory(const Machine& machine);

// For `tombolod --huge-pages`.
Finding CheckHugePages(const Machine& machine);

// For tombolo-kv's memory file and Open MPI's own shared memory. The region is not there.
Finding CheckSharedMemoryFolder(const Machine& machine);

}  // namespace tombolo::control

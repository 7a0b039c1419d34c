// One round of messages between all ranks: what this rank sends and receives of it.
#pragma once

#include "tests/mpi/message.h"
#include "tests/mpi/soak/plan.h"

namespace tombolo::mpi_check {

// Returns when all messages from and to this rank are complete and checked. The caller sees to it
// that no message of another round is on its way to a rank that receives by wildcards.
void Exchange(World& world, const RoundPlan& plan);

}  // namespace tombolo::mpi_check

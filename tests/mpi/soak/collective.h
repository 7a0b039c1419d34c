// One collective operation of random kind and size.
#pragma once

#include "tests/mpi/message.h"
#include "tests/mpi/soak/plan.h"

namespace tombolo::mpi_check {

// `round` tells its payload from others.
void RunCollective(World& world, const RoundPlan& plan, int round);

}  // namespace tombolo::mpi_check

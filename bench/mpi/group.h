// Group: the ranks of one job, as one of them sees them. Neighbours form pairs, 0 and 1, 2 and 3
// and so on, of which the even one leads.
#pragma once

#include <mpi.h>

namespace tombolo::bench {

struct Group {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0;
  int size = 0;

  bool Leads() const { return rank % 2 == 0; }
  int Partner() const { return rank ^ 1; }
};

}  // namespace tombolo::bench

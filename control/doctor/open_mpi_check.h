// Whether Open MPI finds Tombolo's component.
#pragma once

#include "control/doctor/finding.h"

namespace tombolo::control {

// Asks ompi_info, with this process's environment: OMPI_MCA_mca_base_component_path counts.
Finding CheckOpenMpi();

}  // namespace tombolo::control

#include "control/doctor/open_mpi_check.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "control/doctor/command_output.h"

namespace tombolo::control {
namespace {

constexpr char kComponent[] = "mca:btl:tombolo:";

}  // namespace

Finding CheckOpenMpi() {
  const absl::StatusOr<CommandOutput> asked =
      RunCommand({"ompi_info", "--parsable", "--param", "btl", "tombolo"});
  if (!asked.ok()) return Well("there is no Open MPI (ompi_info); only MPI jobs need it");
  if (asked->exit_code != 0) {
    return Warning(absl::StrCat("ompi_info fails with exit code ", asked->exit_code, ": ",
                                asked->text.substr(0, asked->text.find('\n'))),
                   "run `ompi_info --param btl tombolo` and see");
  }
  if (absl::StrContains(asked->text, kComponent)) {
    return Well("Open MPI finds the component btl tombolo");
  }
  return Warning("Open MPI does not find the component btl tombolo; MPI jobs go over TCP",
                 "apt install openmpi-tombolo; without the package: ./dev install-btl DIR, then "
                 "export OMPI_MCA_mca_base_component_path=DIR:SYS_DEFAULT");
}

}  // namespace tombolo::control

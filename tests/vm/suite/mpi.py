"""Our MPI checker with two ranks in each guest, over Tombolo alone."""

import re

from lab.deadline import LabError

from .checks import Checks, expect
from .world import World

SECONDS = 240
RESULT = r"4 ranks on 2 nodes: (\d+) checks passed"
LOG = "mpi_check"


def run(world: World, checks: Checks) -> None:
    with checks.check("MPI: every check of mpi_check, 2 ranks per guest, over Tombolo alone") as note:
        guest = world.lab.guest(1)
        command = f"{_environment(world)} {_mpirun(world)} > /lab/{LOG}.log 2>&1"
        code = guest.run(command, SECONDS, check=False).code
        expect(code, 0, f"exit code of mpirun (its log is {guest.log(LOG)})")
        said = re.search(RESULT, guest.log(LOG).read_text())
        if not said:
            raise LabError(f"mpi_check did not say `{RESULT}`; its log is {guest.log(LOG)}")
        note(f"{said[1]} checks")


def _environment(world: World) -> str:
    path = f"{world.programs.component_folder}:SYS_DEFAULT"
    return f"OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mca_base_component_path={path}"


def _mpirun(world: World) -> str:
    # The ranks of a guest share its one processor.
    return (
        "mpirun -n 4 --host vm1:2,vm2:2 -x OMPI_MCA_mca_base_component_path --mca pml ob1 --mca btl self,tombolo"
        f" --mca mpi_yield_when_idle 1 --mca oob_tcp_if_include eth0 {world.tests.mpi_check}"
    )

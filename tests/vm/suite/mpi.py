"""Our MPI programs with ranks in both guests, over Tombolo alone."""

import re
import shlex
from pathlib import Path

from lab.deadline import LabError

from .checks import Checks
from .world import World

CHECK_SECONDS = 300
DEATH_SECONDS = 60
TIMED_OUT = 124
TOLD = r"tombolo: lost rank 1 on node .*is dead"
_ENVIRONMENT = ["env", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"]
_MPIRUN = [
    "mpirun",
    *("-x", "OMPI_MCA_mca_base_component_path"),
    *("--mca", "pml", "ob1", "--mca", "btl", "self,tombolo"),
    # The ranks of a guest share its one processor.
    *("--mca", "mpi_yield_when_idle", "1"),
    *("--mca", "oob_tcp_if_include", "eth0"),
]


def run(world: World, checks: Checks) -> None:
    with checks.check("MPI: every check of mpi_check, 2 ranks per guest, over Tombolo alone") as note:
        program = ["-n", "4", "--host", "vm1:2,vm2:2", world.tests.mpi_check]
        code, log = _mpirun(world, "mpi_check", program, CHECK_SECONDS)
        said = re.search(r"4 ranks on 2 nodes: (\d+) checks passed", log.read_text())
        if code != 0 or not said:
            raise LabError(f"mpirun ended with exit code {code}; its log is {log}")
        note(f"{said[1]} checks")
    for kind in ("linked", "stranger"):
        with checks.check(f"MPI: a rank in vm1 is told of the death of a rank in vm2 ({kind})"):
            program = ["-n", "2", "--host", "vm1,vm2", "--enable-recovery", world.tests.peer_death, kind]
            code, log = _mpirun(world, f"peer_death-{kind}", program, DEATH_SECONDS)
            if code == TIMED_OUT or not re.search(TOLD, log.read_text()):
                raise LabError(f"exit code {code}, expected an error that matches `{TOLD}`; the log is {log}")


def _mpirun(world: World, name: str, words: list, seconds: float) -> tuple[int, Path]:
    """Runs mpirun in vm1; its exit code and its log."""
    guest = world.lab.guest(1)
    command = shlex.join(str(word) for word in [*_ENVIRONMENT, _component_path(world), *_MPIRUN, *words])
    code = guest.run(f"{command} > /lab/{name}.log 2>&1", seconds, check=False).code
    return code, guest.log(name)


def _component_path(world: World) -> str:
    return f"OMPI_MCA_mca_base_component_path={world.programs.component_folder}:SYS_DEFAULT"

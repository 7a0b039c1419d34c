"""Our MPI programs with ranks in both guests, over Tombolo alone."""

import re
import shlex
import time
from pathlib import Path
from typing import Sequence

from lab.deadline import Deadline, LabError

from .checks import Checks
from .world import World, place

CHECK_SECONDS = 300
DEATH_SECONDS = 60
# Longer than two agents take to come back beside it.
SOAK_SECONDS = 30
RANKS_PER_GUEST = 2
TOMBOLO_ALONE = "self,tombolo"
LOOK_SECONDS = 0.05
CARD = "eth0"
TIMED_OUT = 124
TOLD = r"tombolo: lost rank 1 on node .*is dead"
_ENVIRONMENT = ["env", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"]
_MPIRUN = [
    "mpirun",
    *("-x", "OMPI_MCA_mca_base_component_path"),
    *("--mca", "pml", "ob1"),
    # The ranks of a guest share its one processor.
    *("--mca", "mpi_yield_when_idle", "1"),
]


def run(world: World, checks: Checks) -> None:
    with checks.check("MPI: every check of mpi_check, 2 ranks per guest, over Tombolo alone") as note:
        note(mpi_check(world, "mpi_check", (1, 2)))
    with checks.check("MPI: one-sided communication and memory of MPI_Alloc_mem, 2 ranks per guest") as note:
        note(mpi_check(world, "one_sided", (1, 2), flags=("--one-sided", "--threads")))
    for kind in ("linked", "stranger"):
        with checks.check(f"MPI: a rank in vm1 is told of the death of a rank in vm2 ({kind})"):
            program = ["-n", "2", "--host", "vm1,vm2", "--enable-recovery", world.tests.peer_death, kind]
            code, log = mpirun(world, f"peer_death-{kind}", program, DEATH_SECONDS)
            if code == TIMED_OUT or not re.search(TOLD, log.read_text()):
                raise LabError(f"exit code {code}, expected an error that matches `{TOLD}`; the log is {log}")


def mpi_check(
    world: World, name: str, guests: Sequence[int], flags: Sequence[str] = (), parameters: Sequence[str] = ()
) -> str:
    """With RANKS_PER_GUEST in each of `guests`, over Tombolo alone; how much it checked. `parameters` are mpirun's."""
    ranks = RANKS_PER_GUEST * len(guests)
    hosts = ",".join(f"{place(guest)}:{RANKS_PER_GUEST}" for guest in guests)
    program = [*parameters, "-n", ranks, "--host", hosts, world.tests.mpi_check, *flags]
    code, log = mpirun(world, name, program, CHECK_SECONDS)
    said = re.search(rf"{ranks} ranks on {len(guests)} nodes: (\d+) checks passed", log.read_text())
    if code != 0 or not said:
        raise LabError(f"mpirun ended with exit code {code}; its log is {log}")
    return f"{said[1]} checks"


class WaitingJob:
    """A rank in `witness` waits for one in `victim`, whose machine somebody kills."""

    def __init__(self, world: World, witness: int, victim: int):
        self._log = world.lab.guest(witness).log("peer_death-machine")
        hosts = f"{place(witness)},{place(victim)}"
        program = ["-n", "2", "--host", hosts, "--enable-recovery", world.tests.peer_death, "killed"]
        # mpirun may wait for its other half, which is gone.
        limit = ["timeout", "--kill-after=5", str(3 * DEATH_SECONDS)]
        world.lab.guest(witness).spawn("peer_death-machine", [*limit, *command(world, program)])
        wait_said(self._log, "^waiting$", DEATH_SECONDS)

    def expect_told(self, seconds: float) -> None:
        wait_said(self._log, TOLD, seconds)


class Soak:
    """Two ranks per guest exchange random messages, and check them, for SOAK_SECONDS."""

    def __init__(self, world: World):
        self._log = world.lab.guest(1).log("soak")
        program = ["-n", "4", "--host", "vm1:2,vm2:2", world.tests.soak, "--seconds", SOAK_SECONDS]
        world.lab.guest(1).spawn("soak", ["timeout", "--kill-after=5", CHECK_SECONDS, *command(world, program)])
        wait_said(self._log, "^soak: begun", DEATH_SECONDS)

    def goes_on(self) -> bool:
        return "soak: good" not in self._log.read_text()

    def expect_good(self) -> str:
        """What it says in the end."""
        return wait_said(self._log, "^soak: good: (.*)$", CHECK_SECONDS)[1]


def wait_said(log: Path, regex: str, seconds: float) -> re.Match:
    deadline = Deadline(seconds)
    while not log.exists() or not (said := re.search(regex, log.read_text(), re.MULTILINE)):
        if deadline.passed():
            raise LabError(f"no line of {log} matches `{regex}` after {seconds:.0f} s")
        time.sleep(LOOK_SECONDS)
    return said


def mpirun(
    world: World, name: str, words: list, seconds: float, btl: str = TOMBOLO_ALONE, interface: str = CARD
) -> tuple[int, Path]:
    """Runs mpirun in vm1, with its control traffic over `interface`; its exit code and its log."""
    return run_in(world, 1, name, command(world, words, btl, interface), seconds)


def run_in(world: World, slot: int, name: str, words: list[str], seconds: float) -> tuple[int, Path]:
    """Runs a command in a guest; its exit code and its log."""
    guest = world.lab.guest(slot)
    code = guest.run(f"{shlex.join(words)} > /lab/{name}.log 2>&1", seconds, check=False).code
    return code, guest.log(name)


def command(world: World, words: list, btl: str = TOMBOLO_ALONE, interface: str = CARD) -> list[str]:
    component_path = f"OMPI_MCA_mca_base_component_path={world.programs.component_folder}:SYS_DEFAULT"
    ways = ["--mca", "oob_tcp_if_include", interface, "--mca", "btl", btl]
    return [str(word) for word in [*_ENVIRONMENT, component_path, *_MPIRUN, *ways, *words]]

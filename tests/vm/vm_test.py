#!/usr/bin/python3
"""The tests with virtual machines; `./dev vm` builds what they need and starts this.

    vm_test.py [--qemu VERSION] [GROUP...]

All groups, or some: GROUPS over one lab of two guests, FOUR_GUESTS and ARM64 over one of their own each. With the installed
QEMU, or one of Debian's backports (lab/qemu_versions.py), as the arm64 guest always has.
One line per check; the last line is "N passed, M failed". The logs are in out/vm_test, or out/vm_test-VERSION.
"""

import os
import signal
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOLDERS = ("scripts/main_job", "tests/control/ivshmem_peer", "tests/mpi", "tests/support")
sys.path[:0] = [str(HERE), *(str(ROOT / folder) for folder in FOLDERS)]

from lab import containment, qemu_versions  # noqa: E402
from lab.deadline import LabError  # noqa: E402
from lab.lab import Lab  # noqa: E402
from programs import Programs, fresh_folder  # noqa: E402
from suite import bad_input, cache, calls, daemon_dies, diagnosis, exchanges, four_guests, hot_unplug, joining  # noqa: E402
from suite import kernel_module, machines_die, mpi, net, processes_die, without_driver, without_network  # noqa: E402
from suite.checks import Checks  # noqa: E402
from suite.world import TestPrograms, World, devices_of_two  # noqa: E402
from suite import arm64  # noqa: E402

WORK = ROOT / "out/vm_test"
DEADLINE_SECONDS = 900
GROUPS = {
    "diagnosis": diagnosis.run,
    "exchanges": exchanges.run,
    "calls": calls.run,
    "mpi": mpi.run,
    "without_network": without_network.run,
    "net": net.run,
    "cache": cache.run,
    "processes_die": processes_die.run,
    "machines_die": machines_die.run,
    "daemon_dies": daemon_dies.run,
    "hot_unplug": hot_unplug.run,
    "without_driver": without_driver.run,
    "kernel_module": kernel_module.run,
    "bad_input": bad_input.run,  # Last: it leaves vm2 without an agent.
}
FOUR_GUESTS = "four_guests"
ARM64 = "arm64"


class TooLate(Exception):
    """No check may go on after it, so it is none of the errors that a check catches."""


def run(groups: list[str], work: Path) -> int:
    fresh_folder(work)
    programs, tests = Programs.copy(ROOT / "bazel-bin", work / "bin"), TestPrograms.copy(ROOT, work / "bin")
    checks = Checks()
    _limit_time()
    try:
        of_two = [group for group in groups if group in GROUPS]
        if of_two:
            with Lab(work, 2, devices_of_two()) as lab:
                _run_groups(of_two, World(lab, programs, tests), checks)
        if FOUR_GUESTS in groups:
            with Lab(work / FOUR_GUESTS, 4, four_guests.devices()) as lab:
                four_guests.run(World(lab, programs, tests), checks)
        if ARM64 in groups:
            with Lab(work / ARM64, 2, arm64.devices(), arm64.kernels()) as lab:
                arm64.run(World(lab, programs, tests), checks, ROOT / "bazel-arm64-bin")
    except (LabError, TooLate) as error:
        print(f"error: {error}", file=sys.stderr)
        checks.failed = max(checks.failed, 1)
    return checks.finish()


def _run_groups(groups: list[str], world: World, checks: Checks) -> None:
    joining.run(world, checks)
    for group in groups:
        _run_group(group, world, checks)


def _run_group(group: str, world: World, checks: Checks) -> None:
    """What an essential check cuts short is this group only."""
    try:
        GROUPS[group](world, checks)
    except LabError:
        print(f"       the rest of {group} is left out", flush=True)


def _limit_time() -> None:
    def too_late(*_) -> None:
        raise TooLate(f"the tests took longer than {DEADLINE_SECONDS} s")

    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(DEADLINE_SECONDS)


def _split(words: list[str]) -> tuple[str | None, list[str]]:
    """The version of --qemu, if there is one, and the groups."""
    return (words[1], words[2:]) if words[:1] == ["--qemu"] and len(words) > 1 else (None, words)


def _choose_qemu(version: str | None) -> None:
    """Before the lab is entered, which has no network. Who is not root yet is started again, and comes here as root."""
    if version and os.geteuid() == 0:
        qemu_versions.choose(version)
    print(f"QEMU {qemu_versions.shown(qemu_versions.chosen())}", flush=True)


def main() -> int:
    known = [*GROUPS, FOUR_GUESTS, ARM64]
    version, words = _split(sys.argv[1:])
    groups = words or known
    unknown = [group for group in groups if group not in known]
    if unknown:
        print(f"error: no group '{unknown[0]}'; there are: {' '.join(known)}", file=sys.stderr)
        return 2
    try:
        _choose_qemu(version)
        if ARM64 in groups:
            arm64.prepare()
        work = WORK.with_name(f"{WORK.name}-{version}") if version else WORK
        return containment.run(lambda: run(groups, work))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

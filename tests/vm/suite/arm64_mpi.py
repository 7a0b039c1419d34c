"""MPI jobs with ranks in an arm64 guest: two there, and one there with one of x86-64 on the host. The guest has neither network nor
ssh: mpirun on the host is reached through a tunnel, and the guest's own start of it takes no other node."""

import re
from pathlib import Path

from lab.deadline import LabError
from lab.guest import Guest

from . import mpi
from .checks import Checks
from .world import World

SECONDS = 120
PORT = 11300  # Where mpirun listens, on the host and at the tunnel's end in the guest.
FORWARD = ("--forward", f"127.0.0.1:{PORT}=mpirun")
ALLOW = f"mpirun=127.0.0.1:{PORT}"
# What Open MPI calls to start its daemon on a node, as it calls ssh: NODE COMMAND. Whoever looks at the file starts it.
LEAVE_COMMAND = """#!/bin/sh
shift
printf '%s' "$*" > {file}.new && mv {file}.new {file}
"""


def inside(world: World, checks: Checks, guest: Guest, memory: str, group: str, *flags: str) -> None:
    with checks.check(f"MPI: {group} of mpi_check, 2 ranks in arm64, over Tombolo alone, in {memory}") as note:
        program = ["--mca", "plm", "isolated", "-n", 2, "--oversubscribe", *_mpi_check(world, group, flags)]
        words = mpi.command(world, program, interface="lo")
        code, log = mpi.run_in(world, guest.number, f"mpi-{group}", words, SECONDS)
        note(_passed(code, log, nodes=1))


def with_host(world: World, checks: Checks, guest: Guest, memory: str, group: str, *flags: str) -> None:
    with checks.check(f"MPI: {group} of mpi_check, a rank on the host and one in arm64, in {memory}") as note:
        file, agent = world.lab.work / "orted", world.lab.work / "start_node.sh"
        agent.write_text(LEAVE_COMMAND.format(file=file))
        agent.chmod(0o755)
        options = ["--mca", "plm_rsh_agent", agent, "--mca", "plm_rsh_no_tree_spawn", 1, "--mca", "oob_tcp_static_ipv4_ports", PORT]
        program = [*options, "--host", f"localhost:1,{guest.name}:1", "-n", 2, *_mpi_check(world, group, flags)]
        job = world.lab.spawn("mpi-host", mpi.command(world, program, interface="lo"))
        job.wait_until(file.exists, SECONDS, "the start of Open MPI's daemon in arm64")
        # It looks for the program that would start others.
        guest.run(f"mkdir -p {agent.parent} && ln -sf /bin/true {agent}")
        guest.spawn("orted", ["bash", "-c", file.read_text()])
        note(_passed(job.wait(SECONDS), job.log, nodes=2))


def _mpi_check(world: World, group: str, flags: tuple[str, ...]) -> list:
    return [world.tests.mpi_check, *flags, "--only", group]


def _passed(code: int, log: Path, nodes: int) -> str:
    said = re.search(rf"2 ranks on {nodes} nodes: (\d+) checks passed", log.read_text())
    if code != 0 or not said:
        raise LabError(f"mpirun ended with exit code {code}; its log is {log}")
    return f"{said[1]} checks"

"""Four guests and two regions: MPI in a machine that is in both, and with ranks in all four machines.

Each region has a tombolod of its own, and a machine has a device and an agent for each region that it is in:

             vm1  vm2  vm3  vm4
    FIRST     x    x    -    x
    SECOND         x    x

vm3 has a device for FIRST as well, and joins it when the job of mixed regions is over. vm4 has one at a server that is
no tombolod (example_server.py).
"""

import json
import re
import time
from pathlib import Path

import host_side
from btl_choices import choices
from host_side import AGENT_ENDPOINT, RUNTIME
from lab.deadline import Deadline, LabError

from . import bad_input, example_server, mpi
from .checks import Checks, expect
from .world import AGENT_SECONDS, HOST, World, device, place

GUESTS = (1, 2, 3, 4)
IN_FIRST, IN_BOTH, IN_SECOND, ELSEWHERE = 1, 2, 3, 4
FIRST, SECOND = REGIONS = (RUNTIME, Path("/run/tombolo-2"))
# FIRST is the first device of everybody.
DEVICES = {1: [FIRST], 2: [FIRST, SECOND], 3: [FIRST, SECOND], 4: [FIRST]}
# A rank that waits lets another guest run: the host has fewer cores than they have processors.
SLEEPS_SOON = ("--mca", "btl_tombolo_idle_us", "1")
BOOT_SECONDS = 180
MIXED_SECONDS = 120
CLEAN_SECONDS = 10
LOOK_SECONDS = 0.05
NOT_USED = re.compile(r"^\[vm(\d):\d+\] btl:tombolo: not used: .*?(/run/[\w-]+)/broker\.sock", re.MULTILINE)


def devices() -> dict:
    """Of the guests of this lab."""
    all_devices = {guest: [device(guest, region) for region in regions] for guest, regions in DEVICES.items()}
    all_devices[ELSEWHERE].append(example_server.device())
    return all_devices


def run(world: World, checks: Checks) -> None:
    other_server = example_server.start()
    try:
        _run(world, checks)
    finally:
        other_server.close()


def _run(world: World, checks: Checks) -> None:
    with checks.check("two tombolods start, and four guests boot, two of them with two devices", essential=True):
        for region in REGIONS:
            host_side.start_daemon(world.lab, world.programs, region)
        world.lab.boot(BOOT_SECONDS)
    with checks.check("an agent that finds two devices asks for a choice, and names both"):
        bad_input.copy_agent(world, IN_BOTH)
        found = ", ".join(_addresses(world, IN_BOTH))
        bad_input.refused(world, IN_BOTH, [], bad_input.USAGE, f"there are 2 ivshmem devices: {found}")
    example_server.run(world, checks, ELSEWHERE, _addresses(world, ELSEWHERE)[1])
    with checks.check("vm1 and vm2 join the first region", essential=True):
        for guest in (IN_FIRST, IN_BOTH):
            _join(world, guest, FIRST)
    with checks.check("an agent for the second device does not take the folder of the first one's"):
        flags = ["--device", _addresses(world, IN_BOTH)[1]]
        bad_input.refused(world, IN_BOTH, flags, bad_input.FAILED, f"serves {FIRST}/broker.sock", runtime=FIRST)
    with checks.check("vm2 and vm3 join the second region", essential=True):
        for guest in (IN_BOTH, IN_SECOND):
            _join(world, guest, SECOND)
    with checks.check("MPI: vm1 - vm2 - vm3 talk through one region and the other, vm1 - vm3 over tcp") as note:
        note(_mixed_job(world))
    with checks.check("vm3 and vm4 join the first region", essential=True):
        for guest in (3, 4):
            _join(world, guest, FIRST)
    with checks.check("MPI: every check of mpi_check, 2 ranks in each of four guests, over Tombolo alone") as note:
        note(mpi.mpi_check(world, "mpi_check", GUESTS, parameters=SLEEPS_SOON))
    with checks.check("nothing of the jobs is left in the two regions"):
        for region in REGIONS:
            _expect_clean(world, region)


def _addresses(world: World, guest: int) -> list[str]:
    """Of the guest's ivshmem devices on the PCI bus."""
    return world.lab.guest(guest).run("grep -l 0x1110 /sys/bus/pci/devices/*/device | cut -d / -f 6").output.split()


def _join(world: World, guest: int, region: Path) -> None:
    """Starts an agent for the guest's device of `region`, and returns when it has joined that and no other."""
    address = _addresses(world, guest)[DEVICES[guest].index(region)]
    name = f"tombolo-agent-of-{region.name}"
    world.lab.guest(guest).spawn(name, [world.programs.agent, "--runtime-dir", region, "--device", address])
    deadline = Deadline(AGENT_SECONDS)
    while AGENT_ENDPOINT not in host_side.endpoints(world.programs, guest, region):
        if deadline.passed():
            log = world.lab.guest(guest).log(name)
            raise LabError(f"{place(guest)}'s agent for {address} did not join {region}; its log is {log}")
        time.sleep(LOOK_SECONDS)


def _mixed_job(world: World) -> str:
    """All ranks are told of both brokers, and take what serves in their machine."""
    brokers = ",".join(f"{region}/broker.sock" for region in REGIONS)
    parameters = ["--mca", "btl_tombolo_broker", brokers, "--mca", "btl_base_verbose", "1"]
    # Two in the machine that is in both regions: they share both, and vader.
    program = ["-n", "4", "--host", "vm1:1,vm2:2,vm3:1", world.tests.mpi_check, "--only", "unexpected"]
    code, log = mpi.mpirun(world, "mixed", [*parameters, *program], MIXED_SECONDS, btl="self,vader,tcp,tombolo")
    said = log.read_text()
    passed = re.search(r"4 ranks on 3 nodes: (\d+) checks passed", said)
    if code != 0 or not passed:
        raise LabError(f"mpirun ended with exit code {code}; its log is {log}")
    expect(set(NOT_USED.findall(said)), {("1", str(SECOND)), ("3", str(FIRST))}, f"brokers that do not serve, by {log}")
    expect(choices(said), _expected_choices(), f"transports, by {log}")
    return f"{passed[1]} checks"


def _expected_choices() -> dict:
    pairs = {("vm2", "vm2"): "vader", ("vm1", "vm2"): "tombolo", ("vm2", "vm3"): "tombolo", ("vm1", "vm3"): "tcp"}
    both_ways = {**pairs, **{(other, one): btl for (one, other), btl in pairs.items()}}
    return {pair: {btl} for pair, btl in both_ways.items()}


def _expect_clean(world: World, region: Path) -> None:
    """The agents stay; of ranks nothing does."""
    fsck = [world.programs.cli, "--runtime-dir", region, "fsck", "--json"]
    deadline = Deadline(CLEAN_SECONDS)
    while True:
        report = json.loads(world.must_run(HOST, fsck, CLEAN_SECONDS))
        owners = {owner["name"] for owner in report["owners"]} - {AGENT_ENDPOINT}
        if not report["violations"] and not owners:
            return
        if deadline.passed():
            raise LabError(f"{region}: memory of {sorted(owners)}, violations {report['violations']}")
        time.sleep(LOOK_SECONDS)

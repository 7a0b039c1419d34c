"""Two guests without a network card, and the host, in one IP network over the region: ping, streams, ssh, mpirun."""

import re
import shlex
import time
from pathlib import Path

from lab.deadline import LabError

from .checks import Checks, expect
from .mpi import mpirun, wait_said
from .world import HOST, World, place, program_log

STREAM = Path(__file__).resolve().parents[2] / "support/net_stream.py"
MEMBERS = (HOST, 1, 2)
FROM, TO = 1, 2
PORT = 5001
MIB = 8
UP_SECONDS = 20
STREAM_SECONDS = 120
SOAK_SECONDS = 3
MPI_SECONDS = 90
NAME = "tombolo-net"


def address(slot: int) -> str:
    return f"10.77.{slot}.1"


def ipv6_address(slot: int) -> str:
    return f"fd74:6f6d:626f:6c6f::a4d:{slot}01"


def run(world: World, checks: Checks) -> None:
    with checks.check("the host and two guests whose cables are pulled become members", essential=True):
        for slot in (FROM, TO):
            world.lab.guest(slot).unplug()
            _up(world, slot)
        host = world.lab.spawn(NAME, world.cli("net", "up"))
        for slot in MEMBERS:
            _wait_said(world, slot, f"^tombolo0 is {re.escape(address(slot))} ")
    with checks.check("everybody pings everybody else") as note:
        for slot in MEMBERS:
            for other in MEMBERS:
                if other != slot:
                    note(f"{slot}-{other} {_ping(world, slot, other)}")
    for giver, taker in ((FROM, TO), (TO, FROM), (HOST, TO)):
        with checks.check(f"a TCP stream of {MIB} MiB from {place(giver)} to {place(taker)} comes whole") as note:
            note(_stream(world, giver, taker, address(taker)))
    with checks.check("so does one by IPv6") as note:
        note(_stream(world, FROM, TO, ipv6_address(TO)))
    with checks.check("ssh from one guest to the other"):
        said = world.must_run(FROM, ["ssh", address(TO), "hostname"], 60)
        expect(said.strip(), place(TO), "hostname")
    with checks.check("a member that is killed leaves, and comes back"):
        world.lab.guest(TO).run("pkill -9 -f ' net u[p]'")
        _wait_said(world, FROM, f"^left   {re.escape(address(TO))}:")
        _up(world, TO)
        _ping(world, FROM, TO)
    with checks.check("mpirun over it, its messages over Tombolo alone, 2 ranks per guest") as note:
        note(_mpi(world))
    with checks.check("members end when they are told to"):
        for slot in (FROM, TO):
            world.lab.guest(slot).run("pkill -f ' net u[p]'")
            _wait_said(world, slot, "^packets: [1-9]")
            world.lab.guest(slot).plug()
        host.stop()


def _up(world: World, slot: int) -> None:
    """Returns when the interface is there; a log that there is already goes on."""
    guest = world.lab.guest(slot)
    command = shlex.join(world.cli("net", "up"))
    is_up = f"ip address show dev tombolo0 2> /dev/null | grep -q {address(slot)}"
    guest.run(
        f"setsid {command} < /dev/null >> /lab/{NAME}.log 2>&1 & until {is_up}; do sleep 0.1; done", UP_SECONDS
    )


def _ping(world: World, slot: int, other: int) -> str:
    """The median of some round trips."""
    said = world.must_run(slot, ["busybox", "ping", "-c", "3", "-i", "0.1", "-W", "5", address(other)], 60)
    times = sorted(float(ms) for ms in re.findall(r"time=([\d.]+) ms", said))
    return f"{times[len(times) // 2]:.2f} ms"


def _stream(world: World, giver: int, taker: int, to: str) -> str:
    """How fast it was, checksums on both sides included."""
    log = world.lab.guest(taker).log("net_stream")
    log.unlink(missing_ok=True)
    world.lab.guest(taker).spawn("net_stream", [STREAM, "take", to, str(PORT)])
    wait_said(log, "^listening$", UP_SECONDS)
    start = time.monotonic()
    given = world.must_run(giver, [STREAM, "give", to, PORT, MIB, 7], STREAM_SECONDS).strip()
    seconds = time.monotonic() - start
    taken = wait_said(log, "^([0-9a-f]{64})$", UP_SECONDS)[1]
    expect(taken, given, "SHA-256 of what came")
    return f"{MIB / seconds:.0f} MiB/s"


def _mpi(world: World) -> str:
    hosts = ",".join(f"{address(slot)}:2" for slot in (FROM, TO))
    program = ["-n", "4", "--host", hosts, world.tests.soak, "--seconds", SOAK_SECONDS]
    code, log = mpirun(world, "over_net", program, MPI_SECONDS, interface="tombolo0")
    said = re.search("^soak: good: (.*)$", log.read_text(), re.MULTILINE)
    if code != 0 or not said:
        raise LabError(f"mpirun ended with exit code {code}; its log is {log}")
    return said[1]


def _wait_said(world: World, slot: int, regex: str) -> re.Match:
    return wait_said(program_log(slot, world.lab, NAME), regex, UP_SECONDS)

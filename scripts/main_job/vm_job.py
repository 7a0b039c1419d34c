"""The main job: two virtual machines, one region, an MPI program, and a guest without a network that uses the host's
caches."""

import shlex
from pathlib import Path

import cache_job
import host_side
import keep
import kvcache
import netpipe
import result_table
from host_side import RUNTIME
from lab.deadline import LabError
from lab.guest import Guest
from lab.lab import Lab
from lab.qemu_options import Ivshmem, Window
from lab.process import run as run_command
from netpipe import Measurement
from programs import Programs
from steps import Steps

GUESTS = 2
WITHOUT_NETWORK = 2  # The guest whose cable is pulled. It is shown the kvcache.
VECTORS = 16  # tombolod's default.
AGENT_SECONDS = 30
GUEST_INTERFACE = "eth0"
ROUNDS = 3
TRANSPORTS = ("tombolo", "tcp")


def run(work: Path, programs: Programs, steps: Steps, keep_up: bool) -> None:
    with Lab(work, GUESTS, _devices()) as lab:
        _join(lab, programs, steps)
        result_table.show(_compare(lab.guest(1), programs, steps), work / "result.json")
        _without_network(lab.guest(WITHOUT_NETWORK), programs, steps)
        steps.finish()
        if keep_up:
            lab.guest(WITHOUT_NETWORK).plug()
            keep.leave_up(work, [guest.name for guest in lab.guests])


def _devices() -> dict[int, list[Ivshmem | Window]]:
    devices: dict[int, list[Ivshmem | Window]] = {
        number: [Ivshmem(RUNTIME / f"slot-{number}.sock", VECTORS)] for number in range(1, GUESTS + 1)
    }
    devices[WITHOUT_NETWORK].append(kvcache.DEVICE)
    return devices


def _join(lab: Lab, programs: Programs, steps: Steps) -> None:
    with steps.step("Start tombolod, the host's agent, a stock memcached and tombolo-kv"):
        host_side.start_daemon(lab, programs)
        host_side.start_agent(lab, programs, [kvcache.ALLOW])
        host_side.start_memcached(lab)
        kvcache.start_owner(lab, programs)
    with steps.step(f"Boot {GUESTS} virtual machines"):
        lab.boot()
    with steps.step("Start tombolo-agent in each"):
        for guest in lab.guests:
            start_agent(guest, programs)
    with steps.step("Ask tombolod for its peers"):
        peers = run_command(host_side.peers_command(programs))
    print(peers)


def start_agent(guest: Guest, programs: Programs) -> None:
    """Returns when the agent forwards the control API and has an endpoint of its own."""
    name = "tombolo-agent"
    forwards = ["--forward", f"{host_side.MEMCACHED}=memcached", "--forward", kvcache.FORWARD]
    pid = guest.spawn(name, [programs.agent, "--runtime-dir", RUNTIME, *forwards])
    asks = shlex.join(host_side.peers_command(programs))
    result = guest.run(
        f"until {asks} > /dev/null 2>&1; do kill -0 {pid} || exit 1; sleep 0.1; done", AGENT_SECONDS, check=False
    )
    if result.code != 0 or host_side.AGENT_ENDPOINT not in host_side.endpoints(programs, guest.number):
        raise LabError(
            f"tombolo-agent in {guest.name} did not join within {AGENT_SECONDS} s; its log is {guest.log(name)}"
        )


def _compare(guest: Guest, programs: Programs, steps: Steps) -> list[Measurement]:
    """The transports take turns, because the machine itself is faster in some minutes than in others."""
    rounds = []
    for number in range(1, ROUNDS + 1):
        with steps.step(f"NetPIPE between vm1 and vm2 over {' and '.join(TRANSPORTS)}, round {number} of {ROUNDS}"):
            rounds.append([_measure(guest, transport, programs) for transport in TRANSPORTS])
    return [netpipe.median(list(column)) for column in zip(*rounds)]


def _measure(guest: Guest, transport: str, programs: Programs) -> Measurement:
    times = [_half_round_trip(guest, transport, point, programs) for point in netpipe.GUEST_POINTS]
    return netpipe.measurement(transport, *times)


def _half_round_trip(guest: Guest, transport: str, point: netpipe.Point, programs: Programs) -> float:
    """mpirun runs in vm1 and starts the rank in vm2 by ssh."""
    name = f"{transport}-{point.size_bytes}"
    command = netpipe.command(transport, point, ["vm1", "vm2"], GUEST_INTERFACE, Path(f"/lab/netpipe-{name}.txt"))
    variables = [f"{key}={value}" for key, value in netpipe.environment(programs).items()]
    mpirun = shlex.join(["env", *variables, *command])
    result = guest.run(f"{mpirun} > /lab/mpirun-{name}.log 2>&1", netpipe.SECONDS, check=False)
    if result.code != 0:
        raise LabError(f"mpirun ended with exit code {result.code}; its log is {guest.log(f'mpirun-{name}')}")
    return netpipe.parse_seconds((guest.folder / f"netpipe-{name}.txt").read_text())


def _without_network(guest: Guest, programs: Programs, steps: Steps) -> None:
    with steps.step(f"Pull the network cable of {guest.name}; use the host's memcached"):
        guest.unplug()
        memcached_us = cache_job.through_the_tunnel(guest)
    with steps.step(f"Serve the host's kvcache in {guest.name}, and use it"):
        kvcache_us, asked = cache_job.in_shared_memory(guest, programs)
    print(cache_job.told(memcached_us, kvcache_us, asked))
    with steps.step(f"Ask for the peers by gRPC from {guest.name}, still without a network"):
        peers = guest.run(host_side.peers_command(programs)).output
    print(peers)

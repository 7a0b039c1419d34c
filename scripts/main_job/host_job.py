"""`./run --host`: the measurement between two processes of this host; vader is Open MPI's own shared memory."""

import os
from pathlib import Path

import host_side
import netpipe
import result_table
from lab.lab import HostPrograms
from lab.process import Program
from lab.process import run as run_command
from netpipe import Measurement
from programs import Programs
from steps import Steps

TRANSPORTS = ("tombolo", "tcp", "vader")
ROUNDS = 3


def run(work: Path, programs: Programs, steps: Steps) -> None:
    with HostPrograms(work) as host:
        with steps.step("Start tombolod"):
            host_side.start_daemon(host, programs)
        with steps.step(f"NetPIPE over {', '.join(TRANSPORTS)}, {ROUNDS} rounds"):
            # Rounds are interleaved because the machine itself is faster in some minutes than in others.
            rounds = [[_measure(transport, work, programs) for transport in TRANSPORTS] for _ in range(ROUNDS)]
        result_table.show([netpipe.median(list(column)) for column in zip(*rounds)], work / "result.json")
        with steps.step("Ask tombolod for its peers"):
            peers = run_command(host_side.peers_command(programs))
        print(peers)
    steps.finish()


def _measure(transport: str, work: Path, programs: Programs) -> Measurement:
    times = [_half_round_trip(transport, point, work, programs) for point in netpipe.HOST_POINTS]
    return netpipe.measurement(transport, *times)


def _half_round_trip(transport: str, point: netpipe.Point, work: Path, programs: Programs) -> float:
    output = work / f"netpipe-{transport}.txt"
    command = netpipe.command(transport, point, ["localhost:2"], "lo", output)
    mpirun = Program(
        f"mpirun-{transport}",
        command,
        work / f"mpirun-{transport}.log",
        env={**os.environ, **netpipe.environment(programs)},
    )
    mpirun.finish(netpipe.SECONDS)
    return netpipe.parse_seconds(output.read_text())

"""Measures one MPI transport with NetPIPE: half round trip of small messages, bandwidth of large ones."""

import statistics
from dataclasses import dataclass
from pathlib import Path

from programs import Programs

MEGABITS_PER_SECOND = (1 << 20) / 8  # NetPIPE's "Mbps" counts 2^20 bits; here in bytes per second.
SECONDS = 90
ALLOW_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


@dataclass(frozen=True)
class Point:
    """One size of message, and how often it goes back and forth in each of NetPIPE's trials, whose best counts."""

    size_bytes: int
    repeats: int


SMALL_BYTES = 8
LARGE_BYTES = 1 << 20
# As many as take a noticeable fraction of a second over the slowest transport, and some hundred times the pieces of a large
# message: emulated machines are slow, and translate what they run when it runs for the first times.
GUEST_POINTS = (Point(SMALL_BYTES, 500), Point(LARGE_BYTES, 60))
HOST_POINTS = (Point(SMALL_BYTES, 10_000), Point(LARGE_BYTES, 100))


@dataclass(frozen=True)
class Measurement:
    transport: str
    latency_us: float
    bandwidth_mbytes: float


def environment(programs: Programs) -> dict[str, str]:
    """What mpirun and both ranks need: our component beside Open MPI's own."""
    return {**ALLOW_ROOT, "OMPI_MCA_mca_base_component_path": f"{programs.component_folder}:SYS_DEFAULT"}


def command(transport: str, point: Point, hosts: list[str], interface: str, output: Path) -> list[str]:
    """An mpirun of two ranks that writes NetPIPE's table to `output` on the node of rank 0."""
    words = [
        "mpirun",
        "-np",
        "2",
        "--host",
        ",".join(hosts),
        "--oversubscribe",
        "-x",
        "OMPI_MCA_mca_base_component_path",
    ]
    parameters = {"pml": "ob1", "btl": f"self,{transport}", "oob_tcp_if_include": interface}
    if transport == "tcp":
        parameters["btl_tcp_if_include"] = interface
    for name, value in parameters.items():
        words += ["--mca", name, value]
    size = str(point.size_bytes)
    return words + ["NPopenmpi", "-l", size, "-u", size, "-n", str(point.repeats), "-p", "0", "-o", str(output)]


def parse_seconds(table: str) -> float:
    """Half a round trip. NetPIPE's columns: bytes, megabits per second, seconds; the second is the more exact one."""
    size, megabits, _ = table.split()
    return int(size) / (float(megabits) * MEGABITS_PER_SECOND)


def measurement(transport: str, small_seconds: float, large_seconds: float) -> Measurement:
    return Measurement(transport, small_seconds * 1e6, LARGE_BYTES / large_seconds / 1e6)


def median(rounds: list[Measurement]) -> Measurement:
    """Of rounds with one transport."""
    return Measurement(
        rounds[0].transport,
        statistics.median(one.latency_us for one in rounds),
        statistics.median(one.bandwidth_mbytes for one in rounds),
    )

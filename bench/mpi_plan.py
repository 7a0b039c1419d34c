"""What `./dev bench mpi` measures, over which transports; and the series of it all, by transport and name."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from mpi_jobs import Host, Job, Transport, end, jobs_up
from mpi_rounds import AllSeries, Measurement, measure
from series import Series

KIB, MIB = 1 << 10, 1 << 20
SMALL = (0, 8, 64, 256, KIB)
SIZES = (*SMALL, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB)
STREAM_SIZES = tuple(size for size in SIZES if size >= 64)
EXCHANGE_SIZES = (KIB, 16 * KIB, 64 * KIB, MIB, 4 * MIB)
RATE_SIZES = (8, 64, 256)
RATE_WINDOW = 64
# Of memory from MPI_Alloc_mem.
ALLOCATED_SIZES = (MIB, 4 * MIB)
ONE_SIDED = ("put", "get", "fetch_add")
COLLECTIVE_RANKS = (2, 4, 8)
COLLECTIVES = (("allreduce", 8), ("allreduce", 64 * KIB), ("alltoall", KIB), ("alltoall", 64 * KIB))
CROWD_RANKS, CROWD_CORES = 8, 2
CROWD_NS = 50e6
# Command, bytes, and of how many of its unit each time consists.
CROWD = (("among_waiting", 8, 2), ("latency", 8, 2), ("token", 8, CROWD_RANKS), ("allreduce", 8, 1))


def _over(btl: str, *options: str) -> tuple[str, ...]:
    return ("--mca", "pml", "ob1", "--mca", "btl", btl, *options)


def _copy(mechanism: str) -> tuple[str, ...]:
    return ("--mca", "btl_vader_single_copy_mechanism", mechanism)


TOMBOLO = Transport("tombolo", "tombolo", _over("self,tombolo"))
TOMBOLO_TCP = Transport("tombolo_tcp", "tombolo, tcp active", _over("self,tombolo,tcp", "--mca", "btl_tcp_if_include", "lo"))
VADER = Transport("vader", "vader", _over("self,vader", *_copy("none")))
VADER_YIELD = Transport("vader_yield", "vader, yields", _over("self,vader", *_copy("none"), "--mca", "mpi_yield_when_idle", "1"))
# Without single copy it has no windows; this way it has, by messages. For one-sided operations only.
VADER_EMULATED = Transport("vader_emulated", "vader, emulated", _over("self,vader", *_copy("emulated")))
CMA = Transport("vader_cma", "vader, CMA", _over("self,vader", *_copy("cma")))
TCP = Transport("tcp", "tcp", _over("self,tcp", "--mca", "btl_tcp_if_include", "lo"))
# Debian's configuration turns it off; its messages do not go through a BTL.
UCX = Transport(
    "ucx",
    "UCX",
    ("--mca", "pml", "ucx", "--mca", "pml_ucx_tls", "any", "--mca", "pml_ucx_devices", "any", "-x", "UCX_TLS=self,sm"),
)
TRANSPORTS = [TOMBOLO, VADER, CMA, TCP, UCX]
TITLES = {one.key: one.title for one in (*TRANSPORTS, VADER_EMULATED, TOMBOLO_TCP, VADER_YIELD)}


@dataclass(frozen=True)
class Effort:
    rounds: int
    few_rounds: int
    waiting_seconds: int
    start_ranks: tuple[int, ...]
    start_rounds: int


FULL = Effort(rounds=41, few_rounds=21, waiting_seconds=10, start_ranks=(2, 8, 32, 64), start_rounds=5)
QUICK = Effort(rounds=5, few_rounds=3, waiting_seconds=2, start_ranks=(2, 8), start_rounds=1)


class Seen:
    """Everything that was measured. Series carry the name of their transport, for the table."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str], Series] = {}

    def add(self, all_series: AllSeries) -> None:
        for transport, of_transport in all_series.items():
            for name, series in of_transport.items():
                self._series[transport, name] = series.named(TITLES[transport])

    def has(self, transport: Transport, name: str) -> bool:
        return (transport.key, name) in self._series

    def get(self, transport: Transport, name: str) -> Series:
        return self._series[transport.key, name]


def measure_all(binaries: Path, effort: Effort) -> Seen:
    seen = Seen()
    program = binaries / "bench/mpi/mpi_peer"
    with Host(binaries) as host:
        seen.add(_up(host, program, TRANSPORTS, 2, lambda jobs: measure(jobs, _pair(), effort.rounds)))
        windows = [TOMBOLO, VADER_EMULATED, CMA, TCP]
        seen.add(_up(host, program, windows, 2, lambda jobs: measure(jobs, _one_sided(), effort.few_rounds)))
        pairs_ranks = host.cores // 2 * 2
        if pairs_ranks > 2:
            seen.add(_up(host, program, TRANSPORTS, pairs_ranks, lambda jobs: measure(jobs, _pairs(), effort.few_rounds)))
        for ranks in COLLECTIVE_RANKS:
            plan = [_collective(name, size, ranks) for name, size in COLLECTIVES]
            seen.add(_up(host, program, TRANSPORTS, ranks, lambda jobs: measure(jobs, plan, effort.few_rounds)))
        crowd = [_in_crowd(*one) for one in CROWD]
        run_crowd = lambda jobs: measure(jobs, crowd, effort.few_rounds)
        seen.add(_up(host, program, [TOMBOLO, VADER, CMA, TCP], CROWD_RANKS, run_crowd, CROWD_CORES))
        waiting = [TOMBOLO, TOMBOLO_TCP, VADER, VADER_YIELD, TCP]
        seen.add(_up(host, program, waiting, 2, lambda jobs: measure(jobs, [_wait(effort)], 1)))
        seen.add(_starts(host, binaries / "bench/mpi/start_stop", effort))
    return seen


def _up(
    host: Host,
    program: Path,
    transports: list[Transport],
    ranks: int,
    run: Callable[[list[Job]], AllSeries],
    cores: int | None = None,
) -> AllSeries:
    begin = time.monotonic()
    with jobs_up(host, program, transports, ranks, cores) as jobs:
        all_series = run(jobs)
    print(f"+ {ranks} ranks each: {', '.join(all_series)}: {time.monotonic() - begin:.0f} s", flush=True)
    return all_series


def _pair() -> list[Measurement]:
    plan = []
    for data in ("fresh", "constant"):
        plan += [Measurement(f"latency/{data}/{size}", f"latency {{count}} {size} 1 {data} private", 2) for size in SIZES]
    for size in ALLOCATED_SIZES:
        plan.append(Measurement(f"latency/allocated/{size}", f"latency {{count}} {size} 1 fresh allocated", 2))
        plan.append(_stream(f"stream/allocated/{size}", size, "allocated"))
        plan.append(Measurement(f"copy/{size}", f"copy {{count}} {size} 1 constant private", of_first_only=True))
    plan += [_stream(f"stream/{size}", size) for size in STREAM_SIZES]
    for size in EXCHANGE_SIZES:
        window = _window(size)
        command = f"exchange {{count}} {size} {window} constant private"
        plan.append(Measurement(f"exchange/{size}", command, 2 * window))
    for size in RATE_SIZES:
        plan.append(Measurement(f"rate/{size}", f"stream {{count}} {size} {RATE_WINDOW} constant private", RATE_WINDOW))
    for size in (*ALLOCATED_SIZES, 64 * KIB):
        command = f"write_and_read {{count}} {size} 1 fresh private"
        plan.append(Measurement(f"write_and_read/{size}", command, of_first_only=True))
    return plan


def _stream(name: str, size: int, memory: str = "private") -> Measurement:
    window = _window(size)
    return Measurement(name, f"stream {{count}} {size} {window} constant {memory}", window)


def _window(size: int) -> int:
    """At most 4 MiB on their way at once, but two messages."""
    return max(2, min(64, 4 * MIB // size))


def _one_sided() -> list[Measurement]:
    return [
        Measurement(f"{name}/{memory}", f"{name} {{count}} 8 1 constant {memory}")
        for memory in ("allocated", "private")
        for name in ONE_SIDED
    ]


def _pairs() -> list[Measurement]:
    """As of one pair, by all cores at once."""
    return [_stream(f"pairs/{size}", size) for size in (64, 64 * KIB, MIB)]


def _collective(name: str, size: int, ranks: int) -> Measurement:
    return Measurement(f"{name}/{size}/{ranks}", f"{name} {{count}} {size} 1 constant private")


def _in_crowd(name: str, size: int, units: int) -> Measurement:
    # Long enough for those that wait to fall asleep.
    return Measurement(f"crowd/{name}/{size}", f"{name} {{count}} {size} 1 constant private", units, aim_ns=CROWD_NS)


def _wait(effort: Effort) -> Measurement:
    return Measurement("wait", "wait {count} 0 1 constant private", count=effort.waiting_seconds, unit="core")


def _starts(host: Host, program: Path, effort: Effort) -> AllSeries:
    """From before mpirun until it has ended."""
    transports = [TOMBOLO, VADER, TCP]
    names = {ranks: f"start/{ranks}" for ranks in effort.start_ranks}
    values = {one.key: {name: [] for name in names.values()} for one in transports}
    for round_index in range(effort.start_rounds):
        for ranks, name in names.items():
            turn = round_index % len(transports)
            for transport in transports[turn:] + transports[:turn]:
                values[transport.key][name].append(_start_ns(host, program, transport, ranks))
    print(f"+ {', '.join(values)}: started with {', '.join(map(str, names))} ranks", flush=True)
    return {key: {name: Series(name, "ns", list(of_name)) for name, of_name in row.items()} for key, row in values.items()}


def _start_ns(host: Host, program: Path, transport: Transport, ranks: int) -> float | None:
    with open(os.devnull, "w") as log:
        begin = time.monotonic_ns()
        process = host.mpirun(transport, ranks, [str(program)], log, host.cores)
        try:
            code = process.wait(timeout=120)
        finally:
            end(process)
    return float(time.monotonic_ns() - begin) if code == 0 else None

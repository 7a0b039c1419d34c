"""`./dev bench mpi`: MPI messages over Tombolo beside those over what else Open MPI has within one host. bench/README.md
says what each line means."""

from pathlib import Path
from typing import Callable

from comparison import Comparison, Target, bytes_text, compare, quantity
from mpi_plan import (
    ALLOCATED_SIZES,
    CMA,
    COLLECTIVE_RANKS,
    COLLECTIVES,
    CROWD,
    CROWD_RANKS,
    EXCHANGE_SIZES,
    FULL,
    KIB,
    MIB,
    ONE_SIDED,
    QUICK,
    RATE_SIZES,
    SIZES,
    SMALL,
    STREAM_SIZES,
    TCP,
    TOMBOLO,
    TOMBOLO_TCP,
    TRANSPORTS,
    UCX,
    VADER,
    VADER_EMULATED,
    VADER_YIELD,
    Seen,
    Transport,
    measure_all,
)
from picture import Curve, Panel
from result import Result
from series import Series

# Of 0 bytes over vader: 115 and 345 ns were seen here, and nothing in between; see README.md.
FAST_REGIME_BELOW_NS = 220

NEVER_BEHIND = 1.05
RATE_TARGETS = {64: 1.1, 256: 1.4}
# Of the design, for latency of fresh data, in the fast regime: against vader without single copy, and with CMA.
FRESH_TARGETS = {4 * KIB: 0.75, 16 * KIB: 0.55, 64 * KIB: 0.45, 256 * KIB: 0.45, MIB: 0.40, 4 * MIB: 0.50}
CMA_TARGETS = {4 * KIB: 0.30, 16 * KIB: 0.30, 64 * KIB: 0.30, 256 * KIB: 0.30, MIB: 0.55, 4 * MIB: 0.70}
SLOW_TARGET = 0.95
ALLOCATED_TARGETS = ((VADER, 0.35), (CMA, 0.50))
SLOW_ALLOCATED_TARGET = 0.9
CROWD_TEXTS = {
    "among_waiting": "latency, six wait",
    "latency": "latency, four pairs",
    "token": "token",
    "allreduce": "allreduce",
}
# 45 GB/s where memcpy moves 47.
OF_MEMCPY = 45 / 47


def run(binaries: Path, quick: bool) -> Result:
    return _Report(measure_all(binaries, QUICK if quick else FULL)).result()


class _Report:
    def __init__(self, seen: Seen):
        self._seen = seen
        self._comparisons: list[Comparison] = []
        self._no_bytes = seen.get(VADER, "latency/constant/0")
        self._is_fast = self._no_bytes.median() < FAST_REGIME_BELOW_NS

    def result(self) -> Result:
        self._fresh_latencies()
        self._constant_latencies()
        self._allocated()
        self._streams()
        self._others()
        panels = [
            self._panel("Latency, fresh data", "us", SIZES, "latency/fresh/{}", lambda ns, _: ns / 1e3),
            self._panel("Latency, constant data", "us", SIZES, "latency/constant/{}", lambda ns, _: ns / 1e3),
            self._panel("Bandwidth, windows", "MB/s", STREAM_SIZES, "stream/{}", lambda ns, size: size / ns * 1e3),
        ]
        return Result(self._remarks(), self._comparisons, panels)

    def _remarks(self) -> list[str]:
        values = [value for value in self._no_bytes.values if value is not None]
        remarks = [
            f"regime: {'fast' if self._is_fast else 'slow'}; vader, 0 bytes, {self._no_bytes.median():.0f} ns"
            f" ({min(values):.0f} to {max(values):.0f} in this run)"
        ]
        for size in (64 * KIB, *ALLOCATED_SIZES):
            name = f"write_and_read/{size}"
            if self._seen.has(TOMBOLO, name):
                alone = quantity(self._seen.get(TOMBOLO, name).median(), "ns")
                remarks.append(f"latencies of fresh data contain writing and reading it: alone {alone} for {bytes_text(size)}")
        return remarks

    def _compare(self, text: str, name: str, other: Transport, target: Target | None, per_s: float | None = None) -> None:
        """A line, if both sides have it. `per_s`: what each unit of the series counts, instead of its time."""
        if not self._seen.has(TOMBOLO, name) or not self._seen.has(other, name):
            return
        sides = [self._seen.get(one, name) for one in (TOMBOLO, other)]
        if per_s is not None:
            unit = "/s" if per_s == 1 else "B/s"
            sides = [side.apply(side.name, unit, lambda ns: per_s * 1e9 / ns) for side in sides]
        self._comparisons.append(compare(text, *sides, target))

    def _fresh_latencies(self) -> None:
        for size in SIZES:
            text, name = f"latency, fresh, {bytes_text(size)}", f"latency/fresh/{size}"
            if size in SMALL:
                self._compare(text, name, VADER, Target(1.02))
                self._compare(text, name, VADER, Target(1.05, of="bound"))
            else:
                self._compare(text, name, VADER, self._by_regime(FRESH_TARGETS, size) or Target(NEVER_BEHIND))
            self._compare(text, name, CMA, self._by_regime(CMA_TARGETS, size))
            self._compare(text, name, TCP, Target(0.0667) if size in SMALL else None)
            self._compare(text, name, UCX, None)

    def _by_regime(self, targets: dict[int, float], size: int) -> Target | None:
        if size not in targets:
            return None
        return Target(targets[size] if self._is_fast else SLOW_TARGET)

    def _constant_latencies(self) -> None:
        for size in SIZES:
            text, name = f"latency, constant, {bytes_text(size)}", f"latency/constant/{size}"
            self._compare(text, name, VADER, Target(NEVER_BEHIND))
            self._compare(text, name, CMA, None)

    def _allocated(self) -> None:
        for size in ALLOCATED_SIZES:
            text, name = f"latency, fresh, MPI_Alloc_mem, {bytes_text(size)}", f"latency/allocated/{size}"
            for other, limit in ALLOCATED_TARGETS:
                self._compare(text, name, other, Target(limit if self._is_fast else SLOW_ALLOCATED_TARGET))
            name = f"stream/allocated/{size}"
            if self._seen.has(TOMBOLO, name):
                own = self._bandwidth(self._seen.get(TOMBOLO, name), size)
                memcpy = self._bandwidth(self._seen.get(TOMBOLO, f"copy/{size}"), size).named("memcpy on one core")
                text = f"window, MPI_Alloc_mem, {bytes_text(size)}"
                self._comparisons.append(compare(text, own, memcpy, Target(OF_MEMCPY, at_most=False)))

    @staticmethod
    def _bandwidth(series: Series, size: int) -> Series:
        return series.apply(series.name, "B/s", lambda ns: size * 1e9 / ns)

    def _streams(self) -> None:
        for size in RATE_SIZES:
            target = Target(RATE_TARGETS.get(size, 1 / NEVER_BEHIND), at_most=False)
            self._compare(f"message rate, {bytes_text(size)}", f"rate/{size}", VADER, target, 1)
        not_behind = Target(1 / NEVER_BEHIND, at_most=False)
        for title, name, sizes in (
            ("window", "stream", STREAM_SIZES),
            ("both directions", "exchange", EXCHANGE_SIZES),
            ("all pairs at once", "pairs", STREAM_SIZES),
        ):
            for size in sizes:
                for other in (VADER, CMA, TCP, UCX):
                    target = not_behind if other is VADER else None
                    self._compare(f"{title}, {bytes_text(size)}", f"{name}/{size}", other, target, size)

    def _others(self) -> None:
        for name in ONE_SIDED:
            for memory, text, limit in (("allocated", "MPI_Alloc_mem", Target(0.5)), ("private", "private memory", None)):
                for other, target in ((VADER_EMULATED, limit), (CMA, None)):
                    self._compare(f"{name} of 8 B, {text}", f"{name}/{memory}", other, target)
        for ranks in COLLECTIVE_RANKS:
            for name, size in COLLECTIVES:
                for other in (VADER, TCP):
                    self._compare(f"{name}, {bytes_text(size)}, {ranks} ranks", f"{name}/{size}/{ranks}", other, None)
        for name, size, _ in CROWD:
            text = f"{CROWD_RANKS} ranks on 2 cores: {CROWD_TEXTS[name]}, {bytes_text(size)}"
            self._compare(text, f"crowd/{name}/{size}", VADER, Target(0.5))
            self._compare(text, f"crowd/{name}/{size}", TCP, None)
        self._waiting()
        for ranks in FULL.start_ranks:
            for other, target in ((VADER, Target(NEVER_BEHIND)), (TCP, None)):
                self._compare(f"start and end of {ranks} ranks", f"start/{ranks}", other, target)

    def _waiting(self) -> None:
        for own, target in ((TOMBOLO, Target(0.02, of="value")), (TOMBOLO_TCP, None)):
            for other in (VADER, VADER_YIELD, TCP):
                if self._seen.has(own, "wait") and self._seen.has(other, "wait"):
                    text = f"cores used in MPI_Recv{', tcp active' if own is TOMBOLO_TCP else ''}"
                    series = [self._seen.get(one, "wait") for one in (own, other)]
                    self._comparisons.append(compare(text, *series, target))

    def _panel(self, title: str, unit: str, sizes: tuple, name: str, value: Callable[[float, int], float]) -> Panel:
        curves = []
        for transport in TRANSPORTS:
            there = [size for size in sizes if size > 0 and self._seen.has(transport, name.format(size))]
            points = [(size, value(self._seen.get(transport, name.format(size)).median(), size)) for size in there]
            if points:
                curves.append(Curve(transport.title, points))
        return Panel(title, unit, curves)

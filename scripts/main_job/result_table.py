"""Prints measurements side by side, and keeps them as JSON."""

import json
from pathlib import Path

from netpipe import Measurement

NAME_COLUMNS = 22
COLUMNS = 16


def show(measurements: list[Measurement], file: Path) -> None:
    """The first measurement is ours; it is compared with each of the others."""
    ours, *others = measurements
    heads = [m.transport for m in measurements] + [f"against {m.transport}" for m in others]
    print()
    _row("", heads)
    _row(
        "latency at 8 B",
        [f"{m.latency_us:.2f} us" for m in measurements] + [_ratio(m.latency_us / ours.latency_us) for m in others],
    )
    _row(
        "bandwidth at 1 MiB",
        [f"{m.bandwidth_mbytes:.0f} MB/s" for m in measurements]
        + [_ratio(ours.bandwidth_mbytes / m.bandwidth_mbytes) for m in others],
    )
    print(flush=True)
    file.write_text(json.dumps([row for other in others for row in _rows(ours, other)], indent=1) + "\n")


def _row(name: str, cells: list[str]) -> None:
    print(f"    {name:<{NAME_COLUMNS}}" + "".join(f"{cell:>{COLUMNS}}" for cell in cells))


def _ratio(better: float) -> str:
    return f"{better:.1f} x better" if better >= 1 else f"{1 / better:.1f} x worse"


def _rows(ours: Measurement, other: Measurement) -> list[dict]:
    return [
        _json("latency_8B", ours.latency_us, "us", other.transport, other.latency_us),
        _json("bandwidth_1MiB", ours.bandwidth_mbytes, "MB/s", other.transport, other.bandwidth_mbytes),
    ]


def _json(name: str, value: float, unit: str, baseline_name: str, baseline: float) -> dict:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "baseline_name": baseline_name,
        "baseline": baseline,
        "ratio": value / baseline,
    }

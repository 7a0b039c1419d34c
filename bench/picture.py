"""Curves side by side, over message sizes or what a panel says, drawn with gnuplot."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from comparison import bytes_text

PANEL_WIDTH, HEIGHT = 640, 560
COLOURS = ("#c0392b", "#2471a3", "#1e8449", "#b7950b", "#7d3c98", "#616a6b")


@dataclass(frozen=True)
class Curve:
    name: str
    points: list[tuple[float, float]]  # By size in bytes, or what the panel says.


@dataclass(frozen=True)
class Limit:
    """A horizontal line."""

    name: str
    value: float


@dataclass(frozen=True)
class Panel:
    title: str
    unit: str
    curves: list[Curve]
    limit: Limit | None = None
    over: str = "message size"
    tic_text: Callable[[int], str] = bytes_text


def draw(panels: list[Panel], file: Path) -> None:
    script = [
        f"set terminal svg size {PANEL_WIDTH * len(panels)},{HEIGHT} font 'sans,13' background '#ffffff'",
        f"set output '{file}'",
        f"set multiplot layout 1,{len(panels)}",
        "set logscale xy",
        "set grid",
    ]
    for panel in panels:
        script += _panel(panel)
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)


def _panel(panel: Panel) -> list[str]:
    sizes = sorted({size for curve in panel.curves for size, _ in curve.points})
    tics = ", ".join(f"'{panel.tic_text(size)}' {size}" for size in sizes)
    lines = [f"set xrange [{sizes[0] / 2}:{sizes[-1] * 2}]", f"set xtics ({tics}) rotate by -45"]
    plots = []
    for index, curve in enumerate(panel.curves):
        lines += [f"$curve{index} << EOD", *(f"{size} {value}" for size, value in curve.points), "EOD"]
        colour = COLOURS[index % len(COLOURS)]
        plots.append(f"$curve{index} with linespoints pt 7 ps 0.5 lw 2 lc '{colour}' title '{curve.name}'")
    if panel.limit is not None:
        plots.append(f"{panel.limit.value} with lines dt 2 lw 1.5 lc '#000000' title '{panel.limit.name}'")
    return lines + [
        f"set title '{panel.title}'",
        f"set xlabel '{panel.over}'",
        f"set ylabel '{panel.unit}'",
        "set key below maxrows 2",
        "plot " + ", ".join(plots),
    ]

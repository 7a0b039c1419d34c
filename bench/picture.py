"""Curves over message sizes, side by side, drawn with gnuplot."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

PANEL_WIDTH, HEIGHT = 640, 560
COLOURS = ("#c0392b", "#2471a3", "#1e8449", "#b7950b", "#7d3c98", "#616a6b")


@dataclass(frozen=True)
class Curve:
    name: str
    points: list[tuple[float, float]]  # By size in bytes.


@dataclass(frozen=True)
class Panel:
    title: str
    unit: str
    curves: list[Curve]
    limit_name: str  # A horizontal line.
    limit: float


def draw(panels: list[Panel], file: Path) -> None:
    script = [
        f"set terminal svg size {PANEL_WIDTH * len(panels)},{HEIGHT} font 'sans,13' background '#ffffff'",
        f"set output '{file}'",
        f"set multiplot layout 1,{len(panels)}",
        "set logscale xy",
        "set grid",
        "set xlabel 'message size'",
        "set xrange [4:2097152]",
        "set xtics ('8' 8, '256' 256, '4 KiB' 4096, '64 KiB' 65536, '1 MiB' 1048576)",
    ]
    for panel in panels:
        script += _panel(panel)
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)


def _panel(panel: Panel) -> list[str]:
    lines = []
    plots = []
    for index, curve in enumerate(panel.curves):
        lines += [f"$curve{index} << EOD", *(f"{size} {value}" for size, value in curve.points), "EOD"]
        colour = COLOURS[index % len(COLOURS)]
        plots.append(f"$curve{index} with linespoints pt 7 ps 0.5 lw 2 lc '{colour}' title '{curve.name}'")
    plots.append(f"{panel.limit} with lines dt 2 lw 1.5 lc '#000000' title '{panel.limit_name}'")
    return lines + [
        f"set title '{panel.title}'",
        f"set ylabel '{panel.unit}'",
        "set key below maxrows 2",
        "plot " + ", ".join(plots),
    ]

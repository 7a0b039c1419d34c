"""What the programs of a bench print: one line of JSON per measurement and round."""

import json
import math
import statistics
import subprocess
from pathlib import Path
from typing import Callable

FEWEST_UNDISTURBED = 5
Z_OF_95_PERCENT = 1.645


class Series:
    """One measurement over all rounds, in their order; None where it was disturbed."""

    def __init__(self, name: str, unit: str, values: list[float | None]):
        self.name = name
        self.unit = unit
        self.values = values

    def median(self) -> float:
        return statistics.median(value for value in self.values if value is not None)

    def named(self, name: str) -> "Series":
        return Series(name, self.unit, self.values)

    def apply(self, name: str, unit: str, function: Callable[[float], float]) -> "Series":
        return Series(name, unit, [None if value is None else function(value) for value in self.values])

    def against(self, other: "Series", function: Callable[[float, float], float]) -> float:
        """The median over the rounds of `function(own value, other's value)`. Not the function of the medians: the
        machine has faster and slower minutes, and only values of one round belong to the same one."""
        return statistics.median(self._pairs(other, function))

    def bound(self, other: "Series") -> float:
        """Below which the median of the ratios to `other` lies with 95 %, whatever the ratios are distributed like."""
        ratios = sorted(self._pairs(other, lambda a, b: a / b))
        # So many of n values are below their true median: about normal around n / 2.
        rank = math.ceil(len(ratios) / 2 + Z_OF_95_PERCENT * math.sqrt(len(ratios)) / 2)
        return ratios[min(rank, len(ratios) - 1)]

    def _pairs(self, other: "Series", function: Callable[[float, float], float]) -> list[float]:
        pairs = zip(self.values, other.values)
        return [function(a, b) for a, b in pairs if a is not None and b is not None]


def measure(program: Path, arguments: list[str], seconds: int) -> dict[str, Series]:
    """Runs a program in a session of its own, so that it may raise its priority as a whole."""
    command = [str(program), *arguments]
    print("+ " + " ".join(command), flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, start_new_session=True, timeout=seconds)
    if done.returncode != 0:
        raise SystemExit(f"error: {command[0]} ended with code {done.returncode}")
    return parse(done.stdout)


def parse(lines: str) -> dict[str, Series]:
    rows: dict[str, list[dict]] = {}
    for line in lines.splitlines():
        row = json.loads(line)
        rows.setdefault(row["name"], []).append(row)
    return {name: Series(name, of_name[0]["unit"], undisturbed(of_name)) for name, of_name in rows.items()}


def undisturbed(rows: list[dict]) -> list[float | None]:
    """The values of one measurement's rows {name, value, disturbed}; None for disturbed ones, if the rest is enough."""
    disturbed = [row.get("disturbed", False) for row in rows]
    if len(rows) - sum(disturbed) < min(FEWEST_UNDISTURBED, len(rows)):
        # Nothing better is to be had on this machine today; the reader sees the warning.
        print(f"warning: {rows[0]['name']} was disturbed in {sum(disturbed)} of {len(rows)} rounds", flush=True)
        return [row["value"] for row in rows]
    return [None if bad else row["value"] for row, bad in zip(rows, disturbed)]

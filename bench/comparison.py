"""A comparison: what was measured of Tombolo beside what it is compared with; and lists of them as table and JSON."""

import json
from dataclasses import dataclass
from pathlib import Path

from series import Series


@dataclass(frozen=True)
class Target:
    """A limit of the ratio, of the bound of the ratio (Series.bound), of the value or of the difference between value and
    baseline."""

    limit: float
    at_most: bool = True
    of: str = "ratio"

    def met(self, comparison: "Comparison") -> bool:
        seen = getattr(comparison, self.of)
        return seen <= self.limit if self.at_most else seen >= self.limit

    def text(self, unit: str) -> str:
        sign = "<=" if self.at_most else ">="
        if self.of == "ratio":
            return f"{sign} {self.limit:g} x"
        if self.of == "bound":
            return f"{sign} {self.limit:g} x (95 %)"
        return f"{sign} {'+' if self.of == 'difference' else ''}{quantity(self.limit, unit)}"


@dataclass(frozen=True)
class Comparison:
    name: str
    value: float
    unit: str
    baseline_name: str
    baseline: float
    ratio: float
    bound: float
    difference: float
    target: Target | None = None

    def met(self) -> str:
        if self.target is None:
            return ""
        return "yes" if self.target.met(self) else "no"

    def json(self) -> dict:
        row = {key: getattr(self, key) for key in ("name", "value", "unit", "baseline_name", "baseline", "ratio", "bound")}
        if self.target is not None:
            row |= {"target": self.target.text(self.unit), "met": self.met()}
        return row


def compare(name: str, own: Series, baseline: Series, target: Target | None = None) -> Comparison:
    return Comparison(
        name=name,
        value=own.median(),
        unit=own.unit,
        baseline_name=baseline.name,
        baseline=baseline.median(),
        ratio=own.against(baseline, lambda a, b: a / b),
        bound=own.bound(baseline),
        difference=own.against(baseline, lambda a, b: a - b),
        target=target,
    )


def bytes_text(size: int) -> str:
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= factor:
            return f"{size // factor} {unit}"
    return f"{size} B"


def quantity(value: float, unit: str) -> str:
    """A value for people: 1.53 us, 2.84 GB/s, 20.1 M/s."""
    if unit == "ns":
        return _scaled(value, (("s", 1e9), ("ms", 1e6), ("us", 1e3), ("ns", 1)))
    return _scaled(value, tuple((prefix + unit, factor) for prefix, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1))))


def _scaled(value: float, units: tuple[tuple[str, float], ...]) -> str:
    for unit, factor in units:
        if abs(value) >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:.3g} {units[-1][0]}"


def table(comparisons: list[Comparison]) -> str:
    rows = [["what", "tombolo", "baseline", "", "ratio", "target", "met"]]
    for one in comparisons:
        target = "" if one.target is None else one.target.text(one.unit)
        own, other = quantity(one.value, one.unit), quantity(one.baseline, one.unit)
        ratio = one.bound if one.target is not None and one.target.of == "bound" else one.ratio
        rows.append([one.name, own, other, one.baseline_name, f"{ratio:.3g} x", target, one.met()])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    right = (1, 2, 4)
    lines = []
    for row in rows:
        cells = [cell.rjust(width) if column in right else cell.ljust(width) for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def write_json(comparisons: list[Comparison], file: Path) -> None:
    file.write_text(json.dumps([one.json() for one in comparisons], indent=1) + "\n")

"""What a bench hands to its reader."""

from dataclasses import dataclass

from comparison import Comparison
from picture import Panel


@dataclass(frozen=True)
class Result:
    remarks: list[str]  # Above the table.
    comparisons: list[Comparison]
    panels: list[Panel]

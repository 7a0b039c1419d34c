"""`./dev bench transport`: messages between two processes beside the limit of the machine and beside what its kernel
offers. bench/README.md says what each line means."""

from pathlib import Path

from comparison import Comparison, Target, compare
from series import Series, measure

ROUNDS, QUICK_ROUNDS = 41, 7
SECONDS = 300
# Between these two lie no round trips that were ever seen here; see README.md.
FAST_REGIME_BELOW_NS = 220

# DESIGN: a message may take 0.6 of a bare round trip.
ROUND_TRIPS_PER_MESSAGE = 0.6
SMALL = "8"
LARGE = str(1 << 20)


def run(programs: Path, quick: bool) -> tuple[list[str], list[Comparison], dict[str, Series]]:
    """Remarks for the reader, the comparisons, and all that was measured, for the picture."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    seen = measure(programs / "transport/transport_pair", [str(rounds)], SECONDS)
    round_trip = seen["bare/round_trip"]
    return [_regime(round_trip)], _limits(seen, round_trip), seen


def _regime(round_trip: Series) -> str:
    median = round_trip.median()
    regime = "fast" if median < FAST_REGIME_BELOW_NS else "slow"
    lowest = min(value for value in round_trip.values if value is not None)
    highest = max(value for value in round_trip.values if value is not None)
    return f"regime: {regime}; bare cache-line round trip {median:.0f} ns ({lowest:.0f} to {highest:.0f} in this run)"


def _limits(seen: dict[str, Series], round_trip: Series) -> list[Comparison]:
    half = round_trip.apply("half a bare round trip", "ns", lambda ns: ns / 2)
    rate = round_trip.apply(
        f"1 / ({ROUND_TRIPS_PER_MESSAGE} bare round trips)", "/s", lambda ns: 1e9 / (ROUND_TRIPS_PER_MESSAGE * ns)
    )
    return [
        compare("latency of a link, 8 B", seen[f"link/latency/{SMALL}"], half, Target(1.5)),
        compare("messages of 8 B over a link", seen[f"link/rate/{SMALL}"], rate, Target(1, at_most=False)),
        compare("messages of 1 MiB over a link", _bytes(seen, "link", LARGE), _best_pipeline(seen), Target(0.7, at_most=False)),
    ]


def _bytes(seen: dict[str, Series], wire: str, size: str) -> Series:
    return seen[f"{wire}/rate/{size}"].apply(f"{wire}, {size} B", "B/s", lambda rate: rate * int(size))


def _best_pipeline(seen: dict[str, Series]) -> Series:
    """Over all sizes of ring and chunk: the one that is best in most rounds, not the luckiest single value."""
    best = max((one for name, one in seen.items() if name.startswith("bare/pipeline/")), key=Series.median)
    _, _, ring, chunk = best.name.split("/")
    return Series(f"bare pipeline, {int(ring) >> 10} KiB in chunks of {int(chunk) >> 10} KiB", best.unit, best.values)

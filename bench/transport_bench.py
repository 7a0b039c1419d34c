"""`./dev bench transport`: messages between two processes beside the limit of the machine and beside what its kernel
offers. bench/README.md says what each line means."""

from pathlib import Path
from typing import Callable

from comparison import Comparison, Target, bytes_text, compare
from picture import Curve, Limit, Panel
from result import Result
from series import Series, measure
from tunnel_bench import comparisons as tunnel_comparisons
from tunnel_bench import measure_tunnel

ROUNDS, QUICK_ROUNDS = 41, 7
IDLE_SECONDS, QUICK_IDLE_SECONDS = 5, 2
SECONDS = 300
# Between the regimes lie no round trips that were ever seen here; see README.md.
FAST_REGIME_BELOW_NS = 220

# A target of the design: a message may take 0.6 of a bare round trip.
ROUND_TRIPS_PER_MESSAGE = 0.6
SMALL, WINDOW, LARGE = 8, 64 << 10, 1 << 20
SIZES = (8, 256, 4 << 10, 64 << 10, 1 << 20)
OTHERS = {
    "unix_stream": "Unix socket, stream",
    "unix_seqpacket": "Unix socket, packets",
    "tcp": "loopback TCP",
    "mqueue": "POSIX message queue",
}
LINK = "link"

AllSeries = dict[str, Series]


def run(binaries: Path, quick: bool) -> Result:
    rounds = QUICK_ROUNDS if quick else ROUNDS
    idle_seconds = QUICK_IDLE_SECONDS if quick else IDLE_SECONDS
    seen = measure(binaries / "bench/transport/transport_pair", [str(rounds)], SECONDS)
    seen |= measure(binaries / "bench/transport/idle_wakeups", [str(idle_seconds)], SECONDS)
    seen |= measure_tunnel(binaries, rounds)
    comparisons = _messages(seen) + _waiting(seen) + tunnel_comparisons(seen)
    for size in SIZES:
        comparisons += _instead(seen, size)
    return Result([_regime(seen["bare/round_trip"])], comparisons, [_latencies(seen), _bandwidths(seen)])


def _regime(round_trip: Series) -> str:
    median = round_trip.median()
    regime = "fast" if median < FAST_REGIME_BELOW_NS else "slow"
    lowest = min(value for value in round_trip.values if value is not None)
    highest = max(value for value in round_trip.values if value is not None)
    return f"regime: {regime}; bare cache-line round trip {median:.0f} ns ({lowest:.0f} to {highest:.0f} in this run)"


def _messages(seen: AllSeries) -> list[Comparison]:
    round_trip = seen["bare/round_trip"]
    rate = round_trip.apply(
        f"1 / ({ROUND_TRIPS_PER_MESSAGE} bare round trips)", "/s", lambda ns: 1e9 / (ROUND_TRIPS_PER_MESSAGE * ns)
    )
    small_rate = _rate(seen, LINK, SMALL)
    return [
        compare("latency of a link, 8 B", _latency(seen, LINK, SMALL), _half(round_trip), Target(1.5)),
        compare("messages of 8 B a second", small_rate, rate, Target(1, at_most=False)),
        compare("messages of 8 B a second", small_rate, _rate(seen, "unix_stream", SMALL), Target(10, at_most=False)),
        compare(
            "messages of 1 MiB, bytes a second",
            _bandwidth(seen, LINK, LARGE),
            _best_pipeline(seen),
            Target(0.7, at_most=False),
        ),
        compare(
            "messages of 1 MiB, bytes a second",
            _bandwidth(seen, LINK, LARGE),
            seen["bare/copy"].named("memcpy on one core"),
        ),
        compare("loan of 1 MiB", seen[f"link/loan/{LARGE}"], seen["link/loan/4096"].named("loan of 4 KiB"), Target(1.2)),
        compare("remote call and answer, 8 B", seen["call/0"], _round_trip(seen, SMALL)),
        compare(
            "remote call, window of 64 KiB filled",
            seen[f"call/{WINDOW}"],
            _latency(seen, LINK, WINDOW).named("one message of 64 KiB"),
        ),
        compare(
            "instructions of a message, 8 B", seen["link/one_core/8"], round_trip.named("bare round trip")
        ),
    ]


def _waiting(seen: AllSeries) -> list[Comparison]:
    limit = seen["link/idle_wakeups"].apply("the limit", "/s", lambda _: 2.0)
    return [
        compare("wake-up of a sleeper", seen["link/wakeup"], seen["bare/wakeup"].named("bare eventfd"), Target(1.3)),
        compare(
            "poll with 1,000 idle links",
            seen["link/poll/1000"],
            seen["link/poll/0"].named("poll without links"),
            Target(50, of="difference"),
        ),
        compare("wake-ups when idle", seen["link/idle_wakeups"], limit, Target(2, of="value")),
    ]


def _instead(seen: AllSeries, size: int) -> list[Comparison]:
    """What a program would use instead on one host."""
    lines = []
    for wire, name in OTHERS.items():
        own, other = _latency(seen, LINK, size), _latency(seen, wire, size)
        lines.append(compare(f"latency, {bytes_text(size)}", own, other.named(name)))
    for wire, name in OTHERS.items():
        own, other = _bandwidth(seen, LINK, size), _bandwidth(seen, wire, size)
        lines.append(compare(f"one direction, {bytes_text(size)}", own, other.named(name)))
    return lines


def _latencies(seen: AllSeries) -> Panel:
    curves = _curves(lambda wire, size: _latency(seen, wire, size).median() / 1e3)
    limit = _half(seen["bare/round_trip"])
    return Panel("Latency, one way", "us", curves, Limit(limit.name, limit.median() / 1e3))


def _bandwidths(seen: AllSeries) -> Panel:
    curves = _curves(lambda wire, size: _bandwidth(seen, wire, size).median() / 1e6)
    limit = _best_pipeline(seen)
    return Panel("Messages in one direction", "MB/s", curves, Limit(limit.name, limit.median() / 1e6))


def _curves(value: Callable[[str, int], float]) -> list[Curve]:
    wires = {LINK: "Tombolo", **OTHERS}
    return [Curve(name, [(size, value(wire, size)) for size in SIZES]) for wire, name in wires.items()]


def _latency(seen: AllSeries, wire: str, size: int) -> Series:
    return seen[f"{wire}/latency/{size}"]


def _round_trip(seen: AllSeries, size: int) -> Series:
    return _latency(seen, LINK, size).apply("two messages of a link", "ns", lambda ns: 2 * ns)


def _rate(seen: AllSeries, wire: str, size: int) -> Series:
    return seen[f"{wire}/rate/{size}"].named(OTHERS.get(wire, wire))


def _bandwidth(seen: AllSeries, wire: str, size: int) -> Series:
    return _rate(seen, wire, size).apply(wire, "B/s", lambda rate: rate * size)


def _half(round_trip: Series) -> Series:
    return round_trip.apply("half a bare round trip", "ns", lambda ns: ns / 2)


def _best_pipeline(seen: AllSeries) -> Series:
    """Of all sizes of ring and chunk, the one with the best median: not the luckiest single value."""
    best = max((one for name, one in seen.items() if name.startswith("bare/pipeline/")), key=Series.median)
    _, _, ring, chunk = best.name.split("/")
    return best.named(f"bare pipeline, {bytes_text(int(ring))} in {bytes_text(int(chunk))}")

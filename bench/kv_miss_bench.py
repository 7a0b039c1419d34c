"""`./dev bench kv-miss`: which share of requests tombolo-kv misses beside stock memcached, both with the same `-m`, asked for
the same keys. bench/README.md says what each line means."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from comparison import Comparison, Target, compare
from kv_bench import Memcached, TomboloKv
from picture import Curve, Panel
from result import Result
from series import Series, measure

MIB = (16, 32, 64, 128)
QUICK_MIB = (16, 32)
REQUESTS, QUICK_REQUESTS = 3_000_000, 600_000
SECONDS = 600
# Not worse, but for chance: seconds, by which items expire, do not begin at the same moment for both.
AT_MOST = 1.01
WORDS = {"zipf99": "zipf .99", "zipf80": "zipf .8", "scan": "zipf .99 with scans", "expiry": "zipf .99, items that expire"}

AllSeries = dict[tuple[str, int], dict[str, Series]]


def run(binaries: Path, quick: bool) -> Result:
    seen: AllSeries = {}
    for workload in WORDS:
        for mib in QUICK_MIB if quick else MIB:
            seen[workload, mib] = ask_both(binaries, workload, mib, QUICK_REQUESTS if quick else REQUESTS)
    return Result(["requests that missed, of those after the first third"], comparisons(seen),
                  [picture(workload, seen) for workload in WORDS])


def ask_both(binaries: Path, workload: str, mib: int, requests: int) -> dict[str, Series]:
    """With new servers: one that was full of something else is another one."""
    flags = ("-m", str(mib), "-t", "1")
    with ExitStack() as ends:
        own = TomboloKv(str(binaries / "kvcache/server/tombolo-kv"), *flags, below="/dev/shm")
        ends.callback(own.stop)
        folder = ends.enter_context(tempfile.TemporaryDirectory(dir="/tmp"))
        stock = Memcached(folder, "unix", flags)
        ends.callback(stock.stop)
        seen = measure(binaries / "bench/kv/kv_miss_ratio",
                       [workload, str(requests), f"own={own.unix}", f"stock={stock.address}"], SECONDS)
    return {name.split("/")[0]: series.apply(name, "%", lambda share: 100 * share) for name, series in seen.items()}


def comparisons(seen: AllSeries) -> list[Comparison]:
    return [compare(f"{WORDS[workload]}, {mib} MiB", both["own"], both["stock"].named("memcached"), Target(AT_MOST))
            for (workload, mib), both in seen.items()]


def picture(workload: str, seen: AllSeries) -> Panel:
    rows = [(mib, both) for (name, mib), both in seen.items() if name == workload]
    curves = [Curve(name, [(mib << 20, both[server].median()) for mib, both in rows])
              for server, name in (("own", "tombolo-kv"), ("stock", "memcached"))]
    return Panel(WORDS[workload], "% missed", curves, over="size of the cache")

"""`./dev bench kv`: gets through the library, and tombolo-kv's sockets, beside stock memcached, one thread each, all asked in
the same run. bench/README.md says what each line means."""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from comparison import Comparison, Target, compare, quantity
from picture import Curve, Panel
from result import Result
from series import Series, measure

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/support"))
# pylint: disable=wrong-import-position
from tombolo_kv import Client, TomboloKv
from tombolod import Tombolod

ROUNDS, QUICK_ROUNDS = 41, 5
SECONDS = 900
MEMORY = ("-m", "256", "-t", "1")
SIZES = (100, 1 << 10, 4 << 10, 16 << 10, 64 << 10)
CONNECTIONS = (1, 8, 64)
WORDS = {"get": "get, 100 B", "set": "set, 100 B", "mget": "100 keys at once, 100 B"}
WAYS = {"tcp": "loopback TCP", "unix": "Unix socket"}
MEASURES = {"": "", "/busy": ", of processor time"}
# Targets of the design: of requests a second with one thread, of gets through the library.
AT_LEAST = 1.1
LIBRARY_OF_WAY = {"tcp": 1 / 50, "unix": 1 / 30}
GETS_A_SECOND = 2e6
MANY_AT_LEAST = 1.5
P99_NS = 1500
FALLBACKS = 1e-4
OVERHEAD_BYTES = 40
RESTART_NS = 100e6
SET_NS = 1000
# Of what a client does without guests who misbehave.
HOSTILE_SHARE = 0.8
# One get of so many is slower.
QUANTILES = {2: "p50", 10: "p90", 100: "p99", 1000: "p99.9"}

AllSeries = dict[str, Series]


class Memcached:
    """The stock one: it serves TCP or a Unix socket, not both."""

    def __init__(self, folder: str, way: str, memory: tuple[str, ...] = MEMORY):
        self.unix = os.path.join(folder, f"memcached-{way}.sock")
        self.port_file = os.path.join(folder, f"memcached-{way}.port")
        listen = ["-l", "127.0.0.1", "-p", "-1"] if way == "tcp" else ["-s", self.unix]
        self.process = subprocess.Popen(["memcached", "-u", "root", *memory, *listen],
                                        env={**os.environ, "MEMCACHED_PORT_FILENAME": self.port_file})
        self.address = self._wait(way)

    def _wait(self, way: str) -> str:
        while self.process.poll() is None:
            try:
                if way == "unix":
                    Client(self.unix).close()
                    return self.unix
                with open(self.port_file, encoding="ascii") as file:
                    return file.read().split()[-1]
            except (OSError, IndexError):
                pass
        raise SystemExit("error: memcached did not start")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def run(binaries: Path, quick: bool) -> Result:
    rounds = QUICK_ROUNDS if quick else ROUNDS
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as ends:
        ends.callback(os.sched_setaffinity, 0, cores)
        # The client has the last core for itself, the servers the others.
        os.sched_setaffinity(0, cores[:-1] or cores)
        # In memory, as an operator's memory file is.
        own = TomboloKv(str(binaries / "kvcache/server/tombolo-kv"), *MEMORY, below="/dev/shm")
        ends.callback(own.stop)
        folder = ends.enter_context(tempfile.TemporaryDirectory(dir="/tmp"))
        stock = {}
        for way in WAYS:
            stock[way] = Memcached(folder, way)
            ends.callback(stock[way].stop)
        # The owner of the library's shard has the first core, where the servers sleep meanwhile.
        os.sched_setaffinity(0, cores)
        library = measure(binaries / "bench/kv/kv_library",
                          [str(rounds), *(f"{way}={stock[way].address}" for way in WAYS)], SECONDS)
        sets = measure_sets(binaries, rounds, cores, stock["tcp"].address)
        hostile = measure_hostile(binaries, rounds)
        os.sched_setaffinity(0, cores[-1:])
        seen = measure(binaries / "bench/kv/kv_front",
                       [str(rounds), *addresses("own", {"tcp": own.tcp[1], "unix": own.unix}, own.process),
                        *(word for way in WAYS for word in addresses("stock", {way: stock[way].address}, stock[way].process))],
                       SECONDS)
    written = quantity(library["large/written/sets"].median(), "/s")
    retries = library["large/mixed/retries"].median()
    return Result(["of servers: requests, or keys, a second, and a second of the server's processor time; one thread of each",
                   f"beside a writer: {written} in fact; with 10 % sets a share of {retries:.2g} of gets was begun anew"],
                  library_comparisons(library) + sets + [hostile] + comparisons(seen), [latencies(library), picture(seen)])


def measure_sets(binaries: Path, rounds: int, cores: list[int], memcached: str) -> list[Comparison]:
    """Sets of the library through an owner on the first core, by the region and by its socket."""
    with ExitStack() as ends:
        ends.callback(os.sched_setaffinity, 0, cores)
        os.sched_setaffinity(0, cores[:1])
        daemon = Tombolod(str(binaries / "control/daemon/tombolod"), "--size", "16M")
        ends.callback(daemon.stop)
        broker = os.path.join(daemon.runtime_dir, "broker.sock")
        owner = TomboloKv(str(binaries / "kvcache/server/tombolo-kv"), *MEMORY, "--region-service", "kvcache",
                          "--broker-socket", broker, below="/dev/shm", with_owner_socket=True)
        ends.callback(owner.stop)
        os.sched_setaffinity(0, cores)
        seen = measure(binaries / "bench/kv/kv_sets",
                       [str(rounds), memcached, f"region=region:kvcache@{broker}", f"socket={owner.owner}"], SECONDS)
    tcp = seen["memcached/set/p50"].named("memcached, loopback TCP")
    return [
        compare("library: one set by the owner over the region, p50", seen["region/set/p50"], tcp, Target(SET_NS, of="value")),
        compare("library: one set by the owner over its socket, p50", seen["socket/set/p50"], tcp),
    ]


def measure_hostile(binaries: Path, rounds: int) -> Comparison:
    """A client beside guests who say anything to the owner."""
    owner = TomboloKv(str(binaries / "kvcache/server/tombolo-kv"), "-m", "8", "-I", "64k", "-t", "2", "--shards", "1",
                      below="/dev/shm", with_owner_socket=True)
    try:
        seen = measure(binaries / "bench/kv/hostile_guests", [str(rounds), owner.memory_file, owner.owner], SECONDS)
    finally:
        owner.stop()
    return compare("gets and sets beside two hostile guests", seen["hostile/beside"],
                   seen["hostile/alone"].named("while they are silent"), Target(HOSTILE_SHARE, at_most=False))


def addresses(name: str, ways: dict, process: subprocess.Popen) -> list[str]:
    """As kv_front takes them."""
    return [f"{name}_{way}={address}@{process.pid}" for way, address in ways.items()]


def library_comparisons(seen: AllSeries) -> list[Comparison]:
    lines = [compare(f"library: one get, p50, {name}", seen["large/get/p50"], seen[f"{way}/get/p50"].named("memcached"),
                     Target(LIBRARY_OF_WAY[way])) for way, name in WAYS.items()]
    for pages in ("small", "large"):
        of_pages = f"{pages} pages"
        get = seen[f"{pages}/get"]
        lines += [
            compare(f"library: gets, {of_pages}", get, seen[f"{pages}/pairs"].named("bare reads"),
                    Target(GETS_A_SECOND, at_most=False, of="value")),
            compare(f"library: 64 gets at once, {of_pages}", seen[f"{pages}/many"], get.named("one by one"),
                    Target(MANY_AT_LEAST, at_most=False)),
            compare(f"library: p99 beside 100,000 sets/s, {of_pages}", seen[f"{pages}/written/p99"],
                    seen[f"{pages}/get/p99"].named("alone"), Target(P99_NS, of="value")),
            compare(f"library: gets that ask the owner, 10 % sets, {of_pages}", seen[f"{pages}/mixed/fallbacks"],
                    seen[f"{pages}/mixed/sets"].named("sets"), Target(FALLBACKS, of="value")),
            compare(f"library: sets by the owner, {of_pages}", seen[f"{pages}/set"], get.named("gets")),
        ]
    lines.append(compare("an item over its key and value, 100 B, full shard", seen["overhead/full"],
                         seen["overhead/layout"].named("by the layout"), Target(OVERHEAD_BYTES, of="value")))
    lines.append(compare("warm restart of a GiB", seen["restart/gib"], seen["restart/gib"].named("itself"),
                         Target(RESTART_NS, of="value")))
    return lines


def latencies(seen: AllSeries) -> Panel:
    """Quantiles; of the slowest thousandth there are too few gets of a server."""
    curves = []
    for name, prefix, ranks in (("library, alone", "large/get", (2, 10, 100, 1000)),
                                ("library, 100,000 sets/s", "large/written", (2, 10, 100, 1000)),
                                ("memcached, loopback TCP", "tcp/get", (2, 10, 100)),
                                ("memcached, Unix socket", "unix/get", (2, 10, 100))):
        curves.append(Curve(name, [(rank, seen[f"{prefix}/{QUANTILES[rank]}"].median()) for rank in ranks]))
    return Panel("One GET of 100 B", "ns", curves, over="as slow, or slower", tic_text=lambda rank: f"1 of {rank}")


def comparisons(seen: AllSeries) -> list[Comparison]:
    lines = []
    for work, words in WORDS.items():
        for connections in CONNECTIONS:
            for way, name in WAYS.items():
                for suffix, of_what in MEASURES.items():
                    row = f"{work}/{connections}/100{suffix}"
                    lines.append(compare(f"{words}, {connections} connections, {name}{of_what}", seen[f"own_{way}/{row}"],
                                         seen[f"stock_{way}/{row}"].named("memcached"), Target(AT_LEAST, at_most=False)))
    return lines


def picture(seen: AllSeries) -> Panel:
    curves = [Curve(f"{server}, {name}", [(size, seen[f"{prefix}_{way}/get/8/{size}"].median()) for size in SIZES])
              for server, prefix in (("tombolo-kv", "own"), ("memcached", "stock")) for way, name in WAYS.items()]
    return Panel("GET by size of the value, 8 connections", "/s", curves, over="size of the value")

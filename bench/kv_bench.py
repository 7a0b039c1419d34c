"""`./dev bench kv`: tombolo-kv's sockets beside those of stock memcached, one thread each, both asked by the same client in
the same run. bench/README.md says what each line means."""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from comparison import Comparison, Target, compare
from picture import Curve, Panel
from result import Result
from series import Series, measure

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/support"))
# pylint: disable=wrong-import-position
from tombolo_kv import Client, TomboloKv

ROUNDS, QUICK_ROUNDS = 41, 5
SECONDS = 900
MEMORY = ("-m", "256", "-t", "1")
SIZES = (100, 1 << 10, 4 << 10, 16 << 10, 64 << 10)
CONNECTIONS = (1, 8, 64)
WORDS = {"get": "get, 100 B", "set": "set, 100 B", "mget": "100 keys at once, 100 B"}
WAYS = {"tcp": "loopback TCP", "unix": "Unix socket"}
# A target of the design, of requests a second with one thread.
AT_LEAST = 1.1

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
        os.sched_setaffinity(0, cores[-1:])
        seen = measure(binaries / "bench/kv/kv_front",
                       [str(rounds), f"own_tcp={own.tcp[1]}", f"stock_tcp={stock['tcp'].address}",
                        f"own_unix={own.unix}", f"stock_unix={stock['unix'].address}"], SECONDS)
    return Result(["requests, or keys, a second; one thread of each server"], comparisons(seen), [picture(seen)])


def comparisons(seen: AllSeries) -> list[Comparison]:
    lines = []
    for work, words in WORDS.items():
        for connections in CONNECTIONS:
            for way, name in WAYS.items():
                row = f"{work}/{connections}/100"
                lines.append(compare(f"{words}, {connections} connections, {name}", seen[f"own_{way}/{row}"],
                                     seen[f"stock_{way}/{row}"].named("memcached"), Target(AT_LEAST, at_most=False)))
    return lines


def picture(seen: AllSeries) -> Panel:
    curves = [Curve(f"{server}, {name}", [(size, seen[f"{prefix}_{way}/get/8/{size}"].median()) for size in SIZES])
              for server, prefix in (("tombolo-kv", "own"), ("memcached", "stock")) for way, name in WAYS.items()]
    return Panel("GET by size of the value, 8 connections", "/s", curves)

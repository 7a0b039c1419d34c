"""`./dev bench kv-memcaslap`: tombolo-kv beside stock memcached, both asked by libmemcached's memcaslap over loopback TCP, one
thread each. bench/README.md says what each line means."""

import os
import re
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from comparison import Comparison, Target, compare
from kv_bench import AT_LEAST, CONNECTIONS, MEMORY, Memcached, TomboloKv
from picture import Curve, Panel
from result import Result
from series import Series

ROUNDS, QUICK_ROUNDS = 15, 3
RUN_SECONDS = 2
# memcaslap waits for ever when an answer goes astray, which has been seen with both servers.
DEADLINE_SECONDS = 5 * RUN_SECONDS
KEYS_AT_ONCE = {1: "one key at once", 50: "50 keys at once"}


@dataclass(frozen=True)
class Server:
    name: str
    port: int
    pid: int

    def busy_ns(self) -> int:
        """Processor time of all its threads (proc(5), schedstat)."""
        return sum(int((task / "schedstat").read_text(encoding="ascii").split()[0])
                   for task in Path(f"/proc/{self.pid}/task").iterdir())


@dataclass(frozen=True)
class Row:
    """What one run is asked for."""

    keys: int
    connections: int

    def text(self) -> str:
        return f"{KEYS_AT_ONCE[self.keys]}, {self.connections} connections"


ROWS = [Row(keys, connections) for keys in KEYS_AT_ONCE for connections in CONNECTIONS]


class Seen:
    """Requests a second of one server, by the clock and by its processor time, over the rounds; None: it did not end."""

    def __init__(self, name: str):
        self.name = name
        self.by_clock: list[float | None] = []
        self.by_busy: list[float | None] = []

    def add(self, requests: int | None, busy_ns: int) -> None:
        self.by_clock.append(None if requests is None else requests / RUN_SECONDS)
        self.by_busy.append(None if requests is None else requests / busy_ns * 1e9)

    def clock(self) -> Series:
        return Series(self.name, "/s", self.by_clock)

    def busy(self) -> Series:
        return Series(self.name, "/s", self.by_busy)


def run(binaries: Path, quick: bool) -> Result:
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as ends:
        ends.callback(os.sched_setaffinity, 0, cores)
        # The client has the last core for itself, the servers the others.
        os.sched_setaffinity(0, cores[:-1] or cores)
        own = TomboloKv(str(binaries / "kvcache/server/tombolo-kv"), *MEMORY, below="/dev/shm")
        ends.callback(own.stop)
        stock = Memcached(ends.enter_context(tempfile.TemporaryDirectory(dir="/tmp")), "tcp")
        ends.callback(stock.stop)
        os.sched_setaffinity(0, cores[-1:])
        servers = [Server("tombolo-kv", own.tcp[1], own.process.pid),
                   Server("memcached", int(stock.address.split(":")[-1]), stock.process.pid)]
        seen = {(server, row): Seen(server.name) for server in servers for row in ROWS}
        for _ in range(QUICK_ROUNDS if quick else ROUNDS):
            for row in ROWS:
                for server in servers:
                    before = server.busy_ns()
                    requests = ask(server, row)
                    seen[server, row].add(requests, server.busy_ns() - before)
    return Result(["gets and sets, 9 to 1, of values of 1 KiB: a second, and a second of the server's processor time"],
                  comparisons(servers, seen), [picture(servers, seen, keys) for keys in KEYS_AT_ONCE])


def ask(server: Server, row: Row) -> int | None:
    """How many requests memcaslap made; None when it did not end by itself."""
    command = ["memcaslap", "-s", f"127.0.0.1:{server.port}", "-T", "1", "-c", str(row.connections), "-d", str(row.keys),
               "-t", f"{RUN_SECONDS}s"]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=DEADLINE_SECONDS, check=True)
    except subprocess.TimeoutExpired:
        print(f"warning: {' '.join(command)} ({server.name}) did not end", flush=True)
        return None
    found = re.search(r"Ops: (\d+)", done.stdout)
    if not found:
        raise SystemExit(f"error: memcaslap said: {done.stdout}")
    return int(found[1])


def comparisons(servers: list[Server], seen: dict) -> list[Comparison]:
    own, stock = servers
    target = Target(AT_LEAST, at_most=False)
    lines = []
    for row in ROWS:
        lines += [compare(row.text(), seen[own, row].clock(), seen[stock, row].clock(), target),
                  compare(f"{row.text()}, of processor time", seen[own, row].busy(), seen[stock, row].busy(), target)]
    return lines


def picture(servers: list[Server], seen: dict, keys: int) -> Panel:
    curves = [Curve(server.name, [(connections, seen[server, Row(keys, connections)].busy().median())
                                  for connections in CONNECTIONS]) for server in servers]
    return Panel(f"memcaslap, {KEYS_AT_ONCE[keys]}, of processor time", "/s", curves, over="connections",
                 tic_text=lambda connections: f"{connections:g}")

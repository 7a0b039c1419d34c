#!/usr/bin/python3
"""Kills tombolod at every system call that it makes for a machine or a process: what was under way ends well or is
refused, nothing stays taken, and nobody else notices.

Usage: kill_points.py [--most N] [OPERATION...]    operations by a part of their name

The programs are those of bazel-bin, or of the folder $TOMBOLO_BIN. One run of an operation without a kill tells which
calls the daemon's first thread makes; then there is one for each of them, or for N that are spread evenly over them, in
which strace kills it at its entrance.
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from typing import NamedTuple

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../../../.."))
BIN = os.path.abspath(os.environ.get("TOMBOLO_BIN", os.path.join(ROOT, "bazel-bin")))
sys.path[:0] = [os.path.join(ROOT, path) for path in (
    "tests/support", "tests/faults", "tests/control/ivshmem_server/qtest")] + [HERE]
# pylint: disable=wrong-import-position
from forwarding import eventually
from managers import HolderManager
from raw_client import RawClient
from workloads import BROKER_MAGIC, BROKER_VERSION, REPLY, REQUEST

SLOTS, VECTORS = 3, 2
FLAGS = ["--size", "8M", "--slots", str(SLOTS), "--vectors", str(VECTORS), "--endpoints", "64",
         "--log-level", "warn"]
HANDSHAKE = 3 + SLOTS * VECTORS
SLOT, OTHER_SLOT = 1, 2
TIMEOUT_S = 30
ATTACH, DOORBELL, DETACH, OPEN_SERVICE, CLOSE_SERVICE = 1, 2, 3, 4, 5
NOT_FOUND = 5  # absl::StatusCode.
UNNOTICED = ("futex", "restart_syscall", "mmap", "munmap", "brk", "madvise", "getpid")


def check(condition, what):
    if not condition:
        raise AssertionError(what)


class Call(NamedTuple):
    """The n-th of a name."""

    name: str
    n: int


class Tracer:
    """strace of the first thread of `pid`, which kills it when it enters `last_call`, if there is one."""

    def __init__(self, pid, log, last_call):
        self.pid = pid
        self._log = log
        inject = [] if last_call is None else ["-e", f"inject={last_call.name}:signal=KILL:when={last_call.n}"]
        self._strace = subprocess.Popen(["strace", "-o", log, "-p", str(pid), *inject],
                                        stderr=subprocess.PIPE, text=True)
        said = self._strace.stderr.readline()
        check("attached" in said, f"strace said {said!r}")

    def end(self):
        """Whether it says that it has killed. It does not say so of a kill on which it let go."""
        if self._strace.poll() is None:
            self._strace.send_signal(signal.SIGINT)
        self._strace.communicate(timeout=TIMEOUT_S)
        return "+++ killed by SIGKILL" in self._read()

    def _read(self):
        with open(self._log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def calls(self):
        """All that were seen, but those that nobody outside can notice."""
        counts = Counter()
        calls = []
        for name in re.findall(r"^(\w+)\(", self._read(), re.M):
            counts[name] += 1
            if name not in UNNOTICED:
                calls.append(Call(name, counts[name]))
        return calls


class Broker:
    """A connection to the broker, and what a client library does when a broker is killed."""

    def __init__(self, path):
        self._path = path
        self._socket = None
        self._connect()

    def _connect(self):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(TIMEOUT_S)
        self._socket.connect(self._path)

    def attach(self):
        try:
            return self.ask(ATTACH)
        except ConnectionError:
            self.close()
            self._connect()
            return self.ask(ATTACH)

    def ask(self, operation, name=b"", vector=0):
        """The answer's code."""
        self._socket.sendall(REQUEST.pack(BROKER_MAGIC, BROKER_VERSION, operation, 0, vector, 0, name or b"killed"))
        while True:
            data, fds, _, _ = socket.recv_fds(self._socket, REPLY.size, 8)
            for fd in fds:
                os.close(fd)
            if not data:
                raise ConnectionResetError
            _, _, answered, code, _, _, its_vector, *_ = REPLY.unpack(data)
            # Else it answers what was asked before, once more.
            if answered == operation and (operation != DOORBELL or its_vector == vector):
                return code

    def close(self):
        self._socket.close()


class World:
    def __init__(self):
        self.daemon = HolderManager(os.path.join(BIN, "control/daemon/tombolod"), *FLAGS)
        self.bystander = RawClient(self.daemon.path(f"slot-{OTHER_SLOT}.sock"))
        self.bystander.read(HANDSHAKE)
        self.witness = Broker(self.daemon.path("broker.sock"))
        self.witness.attach()
        self.before = self.members()

    def members(self):
        """Who is there, without when, and the revision."""
        done = subprocess.run([os.path.join(BIN, "control/cli/tombolo"), "--runtime-dir", self.daemon.runtime_dir,
                               "peers", "--json"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return None
        told = json.loads(done.stdout)
        return told["revision"], [(peer["slot"], peer["incarnation"], peer["state"],
                                   [(one["index"], one["incarnation"]) for one in peer["endpoints"]])
                                  for peer in told["peers"]]

    def check_quiet(self):
        """All who came have gone, and those who were there before are there."""
        now = None

        def is_as_before():
            nonlocal now
            now = self.members()
            return now is not None and now[1] == self.before[1]
        check(eventually(is_as_before), f"there are {now}, expected {self.before}")
        check(now[0] >= self.before[0], f"revision {now[0]} after {self.before[0]}")
        self.before = now
        check(not self.bystander.has_unread(), "a machine that had joined was told something")
        check(self.witness.ask(DOORBELL, vector=1) == 0, "an endpoint of before is not served")

    def stop(self):
        code, left = self.daemon.stop()
        check((code, left) == (0, []), f"tombolod ended with {code} and left {left}")


def read_handshake(client):
    """Whether it came to its end; else it was refused, or the connection was accepted and lost."""
    try:
        while len(client.values()) < HANDSHAKE:
            client.read(1)
            if client.values()[-1] < -1:
                return False
    except (AssertionError, ConnectionResetError):
        return False
    check(client.values()[1] == SLOT, f"the handshake says {client.values()}")
    return True


def join(world, begin):
    begin()
    client = RawClient(world.daemon.path(f"slot-{SLOT}.sock"))
    joined = read_handshake(client)
    client.close()
    return joined


def leave(world, begin):
    client = RawClient(world.daemon.path(f"slot-{SLOT}.sock"))
    check(read_handshake(client), "nobody was killed yet")
    begin()
    client.close()


def in_a_process(body):
    """Runs body() in a process, whose death proves the end of its endpoint; it must give True."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if body() else 1)
        except BaseException as error:  # pylint: disable=broad-except
            print(f"the process: {error!r}", file=sys.stderr, flush=True)
            os._exit(2)
    check(os.waitpid(pid, 0)[1] == 0, "a process noticed the kill")


def attach_and_detach(world, begin):
    begin()

    def body():
        broker = Broker(world.daemon.path("broker.sock"))
        return broker.attach() == 0 and broker.ask(DOORBELL, vector=1) == 0 and broker.ask(DETACH) == 0
    in_a_process(body)


def attach_and_die(world, begin):
    begin()
    in_a_process(lambda: Broker(world.daemon.path("broker.sock")).attach() == 0)


def open_and_close_a_service(world, begin):
    begin()
    path = world.daemon.path("broker.sock")

    def write():
        broker = Broker(path)
        return broker.attach() == 0 and broker.ask(OPEN_SERVICE, b"cache") == 0 and broker.ask(DETACH) == 0

    def close():
        broker = Broker(path)
        # Closed, and perhaps freed, by the daemon that was killed.
        return (broker.attach() == 0 and broker.ask(CLOSE_SERVICE, b"cache") in (0, NOT_FOUND)
                and broker.ask(DETACH) == 0)
    in_a_process(write)
    in_a_process(close)


OPERATIONS = [join, leave, attach_and_detach, attach_and_die, open_and_close_a_service]


def run_once(world, operation, last_call):
    """Its calls, if the daemon was not killed."""
    tracers = []

    def begin():
        log = os.path.join(world.daemon.folder, "strace.log")
        tracers.append(Tracer(world.daemon.pids()[0], log, last_call))
    operation(world, begin)
    world.check_quiet()
    says_killed = tracers[0].end()
    world.check_quiet()  # Whoever answers now has outlived the tracer.
    if not says_killed and world.daemon.pids()[0] == tracers[0].pid:
        return tracers[0].calls()
    world.daemon.wait_until_ready()
    world.check_quiet()
    return None


def spread(calls, most):
    """At most so many of them."""
    count = min(most, len(calls))
    return [calls[i * len(calls) // count] for i in range(count)]


def kill_everywhere(operation, most):
    world = World()
    call, kills = None, 0
    try:
        calls = spread(run_once(world, operation, None), most)
        for call in calls:
            # Calls that only sometimes happen are not always there to be killed at.
            kills += run_once(world, operation, call) is None
        check(kills > len(calls) / 2, f"only {kills} of {len(calls)} calls were made again")
    except BaseException:
        print(f"{operation.__name__}, {call}:\n{world.daemon.log()[-4000:]}", file=sys.stderr)
        raise
    else:
        world.stop()
    finally:
        world.daemon.abandon()
    print(f"{operation.__name__}: killed at {kills} of {len(calls)} calls", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("operations", nargs="*")
    parser.add_argument("--most", type=int, default=sys.maxsize)
    given = parser.parse_args()
    for operation in OPERATIONS:
        if not given.operations or any(word in operation.__name__ for word in given.operations):
            kill_everywhere(operation, given.most)


if __name__ == "__main__":
    main()

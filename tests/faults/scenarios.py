"""Programs on the attach, join and tunnel paths, each with one system call that fails.

A scenario's check(fault) gives strace's trace, or raises AssertionError: a hang, a crash, a program that
ends without a word, one that does not serve the next client, or a descriptor that was not given back.
"""

import os
import re
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
# pylint: disable=wrong-import-position
from forwarding import Forward, HostAgent, eventually
from inject import Traced
from tombolod import Tombolod
from workloads import SLOTS, VECTORS, EchoService, attach, join, talk

DAEMON_FLAGS = ["--size", "8M", "--slots", str(SLOTS), "--vectors", str(VECTORS), "--endpoints", "64",
                "--log-level", "warn"]

# Of a server, one after another: at most one of them meets the fault.
CLIENTS = 3

# Who could not tell systemd that it is ready is ready all the same.
CANNOT_SAY = re.compile(r"READY=1|SOCK_DGRAM")

# Which calls fail, and how; the first error of each is in the short form too. Not EINTR of
# `write` and `openat`: what we write to does not block, nor does opening a file of this machine.
OPENING = ["EMFILE", "ENFILE", "ENOMEM"]
EVERYBODY = {"mmap": ["ENOMEM"], "openat": OPENING,
             "socket": OPENING, "connect": ["EINTR", "ENOMEM"], "sendmsg": ["ENOMEM", "EINTR"],
             "recvmsg": ["ENOMEM", "EINTR"], "eventfd2": OPENING, "epoll_create1": OPENING,
             "epoll_ctl": ["ENOMEM", "ENOSPC"], "read": ["EINTR"]}
CLIENT = {**EVERYBODY, "poll": ["ENOMEM", "EINTR"], "epoll_wait": ["EINTR"]}
SERVER = {**EVERYBODY, "accept4": [*OPENING, "EINTR"], "bind": ["ENOMEM"], "listen": ["ENOMEM"],
          "epoll_wait": ["EINTR"], "pidfd_open": OPENING}
DAEMON = {**SERVER, "memfd_create": OPENING, "fallocate": ["ENOSPC", "EINTR"], "ftruncate": ["ENOMEM"],
          "mkdir": ["ENOSPC"]}
TUNNEL = {**SERVER, "recvfrom": ["EINTR", "ENOMEM"], "sendto": ["EINTR", "ENOMEM"]}

# Which calls of the program's own do less than was asked, or fail though the descriptor was ready. An
# eventfd takes and gives 8 bytes or nothing.
SHORT = {"sendmsg": ["short", "EAGAIN"], "recvmsg": ["short", "EAGAIN"], "recv": ["EAGAIN", "short"],
         "send": ["short", "EAGAIN"], "write": ["EAGAIN"], "read": ["EAGAIN"]}
# Of these nobody may notice anything.
HARMLESS = [(call, error) for call in ("recv", "send", "write", "read") for error in SHORT[call]]


def descriptors(pid):
    return sorted(os.listdir(f"/proc/{pid}/fd"), key=int)


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def check_end(traced, must_succeed):
    """It has to end by itself, and to say why unless it succeeded."""
    code = traced.wait()
    check(code is not None, "it hangs")
    trace = traced.trace()
    check(not trace.crashes(), f"it crashed: {trace.crashes()}")
    check(code >= 0, f"it was killed by signal {-code}")
    if code != 0:
        check(not must_succeed, f"it gave up, though it could have gone on: {traced.said()!r}")
        check(re.search(r"error: |^hello: ", traced.said(), re.M), f"it ended with {code} and said "
              f"{traced.said()!r}")
    return trace


class Ready:
    """Hears of READY=1, as systemd does."""

    def __init__(self, folder):
        path = os.path.join(folder, "notify.sock")
        if os.path.exists(path):
            os.unlink(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.setblocking(False)
        self.env = {**os.environ, "NOTIFY_SOCKET": path}

    def came(self):
        try:
            return self._socket.recv(4096) == b"READY=1"
        except BlockingIOError:
            return False

    def close(self):
        self._socket.close()


class World:
    """A daemon, and where the programs are."""

    def __init__(self, programs):
        self.programs = programs
        self.daemon = Tombolod(programs["tombolod"], *DAEMON_FLAGS)
        self.folder = self.daemon.folder
        self.runtime_dir = self.daemon.runtime_dir

    def path(self, name):
        return os.path.join(self.folder, name)

    def close(self):
        self.daemon.stop()


def is_harmless(fault, harmless):
    return fault is None or fault.error == "EINTR" or (fault.call, fault.error) in harmless


class Client:
    """A program that attaches, does something and ends."""

    faults = CLIENT
    harmless = HARMLESS
    most_calls = {}

    def __init__(self, world):
        self._world = world
        self._daemon_pid = world.daemon._process.pid  # pylint: disable=protected-access
        self._before = None

    def check(self, fault, calls=None):
        if self._before is None:
            self._before = descriptors(self._daemon_pid)
        self.begin()
        try:
            traced = Traced(self.command, self._world.folder, fault, calls)
            trace = check_end(traced, is_harmless(fault, self.harmless))
        finally:
            self.end()
        check(eventually(lambda: len(descriptors(self._daemon_pid)) <= len(self._before)),
              f"the daemon keeps descriptors: {self._before}, then {descriptors(self._daemon_pid)}")
        return trace

    def begin(self):
        pass

    def end(self):
        pass


class Ping(Client):
    name = "tombolo ping"

    def __init__(self, world):
        self._agent = HostAgent(world.programs["tombolo-agent"], world.runtime_dir)
        super().__init__(world)
        self.command = [world.programs["tombolo"], "--runtime-dir", world.runtime_dir, "ping", "0",
                        "-n", "1", "--timeout", "30"]

    def close(self):
        self._agent.stop()


class Hello(Client):
    name = "examples/hello"

    def __init__(self, world):
        super().__init__(world)
        self._broker = os.path.join(world.runtime_dir, "broker.sock")
        self._other = None
        self.command = [world.programs["hello"], self._broker]

    def begin(self):
        self._other = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self._other.stdout.readline()

    def end(self):
        self._other.kill()
        self._other.communicate()

    def close(self):
        pass


class Server:
    """A program that serves until it is stopped."""

    harmless = HARMLESS
    most_calls = {}  # How many of a call may fail, where that is not all.
    may_keep = 0  # Descriptors that the first client makes it open for good.

    def check(self, fault, calls=None):
        ready = Ready(self.folder)
        traced = Traced(self.command, self.folder, fault, calls, ready.env)
        try:
            check(eventually(lambda: traced.ended() or self.is_ready(traced, ready)),
                  "it is never ready")
            if not traced.ended():
                self._serve(traced, fault)
            return check_end(traced, is_harmless(fault, self.harmless))
        finally:
            traced.process.kill()
            traced.process.wait()
            ready.close()
            self.clean()

    def _serve(self, traced, fault):
        pid = self.server_pid(traced)
        before = descriptors(pid)
        failures = [self.work() for _ in range(CLIENTS)].count(False)
        may_fail = 0 if is_harmless(fault, self.harmless) else 1
        check(failures <= may_fail, f"{failures} of {CLIENTS} clients failed")
        check(eventually(lambda: len(descriptors(pid)) <= len(before) + self.may_keep),
              f"it keeps descriptors: {before}, then {descriptors(pid)}")
        traced.process.send_signal(signal.SIGTERM)

    def is_ready(self, traced, ready):
        trace = traced.trace_so_far()
        said_nothing = trace is not None and any(map(CANNOT_SAY.search, trace.injected()))
        return said_nothing or ready.came()

    def server_pid(self, traced):
        return traced.pid

    def clean(self):
        pass


class Daemon(Server):
    name = "tombolod"
    faults = DAEMON
    harmless = [*HARMLESS, ("recvmsg", "EAGAIN")]
    # The region and the first thread; libevent's epoll. After those gRPC and Abseil begin, which abort or wait for
    # ever when they get no memory or descriptors of their own; without epoll gRPC opens descriptors for its threads
    # as they come to wait, so that nobody could tell one of ours that was not given back.
    most_calls = {"mmap": 2, "epoll_create1": 1, "epoll_ctl": 3, "eventfd2": 12}

    def __init__(self, world):
        self.folder = world.path("traced")
        os.mkdir(self.folder)
        self._runtime_dir = os.path.join(self.folder, "run")
        self.command = [world.programs["tombolod"], "--runtime-dir", self._runtime_dir, "--store", "none",
                        *DAEMON_FLAGS]

    def work(self):
        joined = join(os.path.join(self._runtime_dir, "ivshmem.sock"))
        return attach(os.path.join(self._runtime_dir, "broker.sock")) and joined

    def close(self):
        pass


class Tunnel(Server):
    """One end of a tunnel; the other one meets no faults."""

    faults = TUNNEL
    may_keep = 1  # The doorbell of the other end.

    def __init__(self, world):
        self.folder = world.folder
        self._echo = EchoService(world.path("echo.sock"))
        self.near = "unix:" + world.path("near.sock")
        self.agent_flags = ["--log-level", "warn", "--allow", "echo=" + self._echo.address]
        self.agent = HostAgent(world.programs["tombolo-agent"], world.runtime_dir, *self.agent_flags)

    def work(self):
        return talk(self.near)


class Agent(Tunnel):
    name = "tombolo-agent --host"

    def __init__(self, world):
        super().__init__(world)
        self._forward = Forward(world.programs["tombolo"], world.runtime_dir, (self.near, "0:echo"))
        self.agent.stop()
        self.command = [world.programs["tombolo-agent"], "--host", "--runtime-dir", world.runtime_dir,
                        *self.agent_flags]

    def server_pid(self, traced):
        """The child of the holder."""
        with open(f"/proc/{traced.pid}/task/{traced.pid}/children", encoding="ascii") as children:
            return int(children.read().split()[0])

    def close(self):
        self._forward.end(signal.SIGTERM)


class ForwardEnd(Tunnel):
    name = "tombolo forward"

    def __init__(self, world):
        super().__init__(world)
        self.command = [world.programs["tombolo"], "--runtime-dir", world.runtime_dir, "forward",
                        "--listen", self.near, "--to", "0:echo"]

    def is_ready(self, traced, _):
        return "listening at" in traced.said()

    def close(self):
        self.agent.stop()


ALL = [Hello, Ping, Daemon, Agent, ForwardEnd]

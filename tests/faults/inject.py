"""Runs a program under strace, whose N-th call of one kind fails, or does half of what was asked."""

import os
import re
import subprocess
import sys
from typing import List, NamedTuple, Optional, Union

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from forwarding import eventually  # pylint: disable=wrong-import-position

DEADLINE_S = 60

# ld.so maps the libraries and then lets go of its cache: what is called until then is not ours.
LOADER_ENDS = "munmap"


class Fault(NamedTuple):
    """The n-th `call` of each thread fails with `error`."""

    call: str
    error: str
    n: int

    def __str__(self):
        return f"{self.call} {self.n} {self.error}"


class ShortCall(NamedTuple):
    """The n-th `call` that a process makes itself is "short", or fails with "EAGAIN", as `library`
    (short_calls.c) makes it; once in all processes of the program. strace could not: it can claim that
    less was done, not do less."""

    call: str
    error: str
    n: int
    library: str

    def __str__(self):
        return f"{self.call} {self.n} {self.error}"


def strace(log: str, mark: str, fault: Optional[Union[Fault, ShortCall]], calls: str) -> List[str]:
    """What goes before a command. The program stays our child: strace is its grandchild (-D)."""
    words = ["strace", "-D", "-f", "--seccomp-bpf", "-q", "-o", log]
    if isinstance(fault, ShortCall):
        return words + ["-e", "trace=exit_group", "-E", "LD_PRELOAD=" + fault.library,
                        "-E", f"TOMBOLO_FAULT={fault.call}:{fault.error}:{fault.n}:{mark}"]
    words += ["-e", "trace=" + calls]
    if fault is not None:
        words += ["-e", f"inject={fault.call}:error={fault.error}:when={fault.n}"]
    return words


class Trace:
    """What strace has written. `mark`: the file that tells of a ShortCall."""

    def __init__(self, path, mark):
        with open(path, encoding="utf-8", errors="replace") as log:
            self.lines = log.read().splitlines()
        self._marks = [mark] if os.path.exists(mark) else []

    def injected(self):
        return self._marks + [line for line in self.lines if line.endswith("(INJECTED)")]

    def crashes(self):
        """Processes that ended by a signal that none of us sent."""
        return [line for line in self.lines
                if re.search(r"\+\+\+ killed by (?!SIGTERM|SIGKILL|SIGINT)", line)]

    def calls_of_loader(self, call):
        """How many `call`s the first process made before the program's own code."""
        main = self.lines[0].split()[0]
        count = 0
        for line in self.lines:
            pid, what = line.split(maxsplit=1)
            if pid != main:
                continue
            if what.startswith(LOADER_ENDS + "("):
                break
            count += what.startswith(call + "(")
        return count


class Traced:
    """A program under strace. `log`: strace's; what the program says is at `said()`."""

    def __init__(self, command, folder, fault=None, calls=None, env=None):
        self.fault = fault
        self.log_path = os.path.join(folder, "strace.log")
        self._said_path = os.path.join(folder, "said")
        self._mark = os.path.join(folder, "mark")
        for path in (self.log_path, self._said_path, self._mark):
            if os.path.exists(path):
                os.unlink(path)
        tracer = strace(self.log_path, self._mark, fault, calls or fault.call)
        with open(self._said_path, "wb") as said:
            self.process = subprocess.Popen(tracer + command, stdout=said, stderr=said, env=env,
                                            stdin=subprocess.DEVNULL)
        self.pid = self.process.pid

    def said(self):
        with open(self._said_path, encoding="utf-8", errors="replace") as said:
            return said.read()

    def trace_so_far(self):
        """Of a program that may go on."""
        if not os.path.exists(self.log_path):
            return None
        return Trace(self.log_path, self._mark)

    def ended(self):
        return self.process.poll() is not None

    def wait(self):
        """The exit code; None, and the end of it, when it hangs."""
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    def trace(self):
        """After the end: all that strace saw."""
        def is_complete():
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                return re.search(rf"^{self.pid} +\+\+\+ (exited|killed)", log.read(), re.M)
        if not eventually(is_complete):
            raise AssertionError("strace did not end its log")
        return Trace(self.log_path, self._mark)

"""Pairs of `exchange` (tests/vm/exchange), on the host or in guests: those with an end, and endless ones."""

import itertools
import json
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from lab.deadline import Deadline, LabError

from .world import HOST, RUNTIME, World, place, program_log

POLL_SECONDS = 0.05
END_SECONDS = 15
_numbers = itertools.count(1)


def exchange(world: World, slots: tuple[int, int], mode: list, seconds: float) -> list[dict]:
    """Runs one on each of the two slots, to the end; what each reports."""
    names = _names(slots)
    with ThreadPoolExecutor(2) as pool:
        ends = [
            pool.submit(world.must_run, slots[me], _command(world, names, slots, me, mode), seconds) for me in (0, 1)
        ]
        return [_report(end.result()) for end in ends]


class EndlessTalk:
    """Between the host and a guest, until stop(), or until one of the two is killed."""

    def __init__(self, world: World, guest: int):
        self._world = world
        self._slots = (HOST, guest)
        self.names = _names(self._slots)
        commands = [_command(world, self.names, self._slots, me, ["endless"]) for me in (0, 1)]
        self.host = world.lab.spawn(self.names[0], commands[0])
        self.guest_pid = world.lab.guest(guest).spawn(self.names[1], commands[1])
        self.wait_progress()

    def received(self) -> tuple[int, int]:
        return tuple(_progress(self._log(me)) for me in (0, 1))

    def wait_progress(self, messages: int = 20, seconds: float = 30) -> None:
        """Waits until each side has received so many more."""
        before, deadline = self.received(), Deadline(seconds)
        while any(now < then + messages for now, then in zip(self.received(), before)):
            if deadline.passed():
                raise LabError(
                    f"the talk of the host and {place(self._slots[1])} stands still: received {self.received()}, "
                    f"{seconds:.0f} s ago {before}; logs: {self.names}"
                )
            time.sleep(POLL_SECONDS)

    def stop(self) -> list[dict]:
        """The host's side leaves, which the guest's is told; what each reports."""
        os.kill(self.host.pid, signal.SIGTERM)
        return self.reports()

    def reports(self) -> list[dict]:
        self.host.finish(END_SECONDS)
        deadline = Deadline(END_SECONDS)
        while "longest_gap_ms" not in self._log(1):
            if deadline.passed():
                raise LabError(f"{self.names[1]} in {place(self._slots[1])} did not end after its peer had left")
            time.sleep(POLL_SECONDS)
        return [_report(self._log(me)) for me in (0, 1)]

    def host_report(self) -> dict:
        """Once the host's side has ended by itself."""
        return _report(self._log(0))

    def _log(self, me: int) -> str:
        return program_log(self._slots[me], self._world.lab, self.names[me]).read_text()


def _names(slots: tuple[int, int]) -> list[str]:
    number = next(_numbers)
    return [f"talk-{number}-of-{slot}" for slot in slots]


def _command(world: World, names: list[str], slots: tuple[int, int], me: int, mode: list) -> list:
    other = 1 - me
    return [world.tests.exchange, RUNTIME / "broker.sock", names[me], slots[other], names[other], *mode]


def _progress(log: str) -> int:
    found = re.findall(r"^received (\d+)$", log, re.MULTILINE)
    return int(found[-1]) if found else 0


def _report(output: str) -> dict:
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        raise LabError(f"exchange ended without a report: {output.strip()[-200:]}")
    return json.loads(lines[-1])

"""What `tombolo watch` tells, and how soon."""

import json
import time
from typing import Callable

from lab.deadline import LabError
from lab.process import Program

POLL_SECONDS = 0.005


class Watch:
    """`program` runs `tombolo watch --json`, one event a line."""

    def __init__(self, program: Program):
        self._program = program

    def mark(self) -> int:
        """How many events have been told so far."""
        return len(self.events())

    def events(self, after: int = 0) -> list[dict]:
        text = self._program.log.read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()[after:]]

    def wait(self, after: int, wanted: Callable[[dict], bool], what: str, seconds: float) -> float:
        """Waits for an event later than mark `after`. The seconds it took from now on."""
        start = time.monotonic()
        while True:
            passed = time.monotonic() - start
            if any(wanted(event) for event in self.events(after)):
                return passed
            if passed > seconds:
                told = ", ".join(f"{e['event']} slot {e.get('peer', {}).get('slot')}" for e in self.events(after))
                raise LabError(f"{what} was not told within {seconds:g} s; told: {told or 'nothing'}")
            time.sleep(POLL_SECONDS)


def of_slot(kind: str, slot: int) -> Callable[[dict], bool]:
    return lambda event: event["event"] == kind and event["peer"]["slot"] == slot


def gone(name: str, slot: int) -> Callable[[dict], bool]:
    """An endpoint of that name at that slot is gone."""
    is_there = of_slot("gone", slot)
    return lambda event: is_there(event) and name in [e["name"] for e in event["endpoints"]]

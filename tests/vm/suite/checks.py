"""Checks: each prints one line with its seconds, and one that fails does not keep the others from being made."""

import contextlib
import time

from lab.deadline import LabError


class Checks:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    @contextlib.contextmanager
    def check(self, name: str, essential: bool = False):
        """Gives a function that adds a note to the line. Without an essential check the rest makes no sense."""
        notes: list[str] = []
        start = time.monotonic()
        try:
            yield notes.append
        except (LabError, OSError) as error:
            self.failed += 1
            _tell("FAILED", start, f"{name}: {error}")
            if essential:
                raise
        else:
            self.passed += 1
            _tell("ok", start, f"{name} ({', '.join(notes)})" if notes else name)

    def finish(self) -> int:
        """Prints the last line; the exit code."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 0 if self.failed == 0 and self.passed > 0 else 1


def expect(seen, expected, what: str) -> None:
    if seen != expected:
        raise LabError(f"{what}: {seen}, expected {expected}")


def _tell(verdict: str, start: float, text: str) -> None:
    print(f"{verdict:<6} {time.monotonic() - start:6.1f} s  {text}", flush=True)

"""Numbered steps with their seconds, so that whoever waits sees what is going on; and one deadline over all of them."""

import contextlib
import signal
import time

from lab.deadline import LabError

NAME_COLUMNS = 64


class Steps:
    def __init__(self, count: int, seconds: int):
        """`count` steps in at most `seconds` altogether."""
        self._count = count
        self._done = 0
        self._seconds = seconds
        signal.signal(signal.SIGALRM, self._too_late)
        signal.alarm(seconds)

    @contextlib.contextmanager
    def step(self, name: str):
        """Prints the name when it begins and the seconds when it ends. What fails inside says which step it was."""
        self._done += 1
        print(f"[{self._done}/{self._count}] {name:<{NAME_COLUMNS}}", end="", flush=True)
        start = time.monotonic()
        try:
            yield
        except (LabError, OSError) as error:
            print()
            raise LabError(f"step {self._done} ({name}) failed: {error}") from error
        print(f"{time.monotonic() - start:6.1f} s", flush=True)

    def finish(self) -> None:
        """Takes the deadline away."""
        signal.alarm(0)

    def _too_late(self, *_) -> None:
        raise LabError(f"the whole job took longer than {self._seconds} s")

"""Deadlines and the one kind of error that the lab raises."""

import time


class LabError(Exception):
    """One sentence: which step failed, why, and where its log is."""


class Deadline:
    """A point in time; everything that waits carries one, so that nothing waits for ever."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, 0 when it has passed."""
        return max(0.0, self._end - time.monotonic())

    def passed(self) -> bool:
        return self.remaining() == 0.0

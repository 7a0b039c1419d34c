"""Programs on the host side of the lab: each with a log file, a deadline for its end, and no terminal."""

import subprocess
import time
from pathlib import Path
from typing import Callable, Sequence

from .deadline import Deadline, LabError

STOP_SECONDS = 5
POLL_SECONDS = 0.02


class Program:
    """A running program. Not thread safe."""

    def __init__(
        self, name: str, argv: Sequence[str], log: Path, env: dict | None = None, pass_fds: Sequence[int] = ()
    ):
        self.name = name
        self.log = log
        with open(log, "ab") as output:
            self._process = subprocess.Popen(
                [str(word) for word in argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=env,
                pass_fds=pass_fds,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """kill -9, and its end has been waited for on return."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM, then SIGKILL for one that does not listen."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def wait(self, seconds: float) -> int:
        """Waits for its own end; the exit code."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name} did not end within {seconds:.0f} s{self._tail()}") from None

    def finish(self, seconds: float) -> None:
        """Waits for its own end, which must be a good one."""
        code = self.wait(seconds)
        if code != 0:
            raise LabError(f"{self.name} ended with exit code {code}{self._tail()}")

    def wait_until(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        """Waits until `ready()`; an early end of the program is told at once, with the last lines of its log."""
        deadline = Deadline(seconds)
        while not ready():
            if not self.running():
                raise LabError(
                    f"{self.name} ended with exit code {self._process.returncode} before {what}{self._tail()}"
                )
            if deadline.passed():
                raise LabError(f"{self.name}: {what} did not happen within {seconds:.0f} s{self._tail()}")
            time.sleep(POLL_SECONDS)

    def _tail(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        said = f'; its last words: "{lines[-1]}"' if lines else ""
        return f"{said}; its log is {self.log}"


def run(argv: Sequence[str], seconds: float = 30, **options) -> str:
    """Runs a short command to its end and returns its output; anything but exit code 0 is a LabError."""
    command = [str(word) for word in argv]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, **options)
    except subprocess.TimeoutExpired:
        raise LabError(f"`{' '.join(command)}` did not end within {seconds:.0f} s") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise LabError(f"`{' '.join(command)}` ended with exit code {done.returncode}: {said}")
    return done.stdout

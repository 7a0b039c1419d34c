"""Programs on terminals of their own, for tests in Python."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

TIMEOUT_S = 60
MOST_TOLD = 4000  # Bytes of what was seen, when it is not what was waited for.
LEAVE = b"\x1b[?1049l"  # xterm: back to the screen that was there before.


class Terminal:
    """A program with a terminal of its own."""

    def __init__(self, *words, rows=24, columns=160, kind="xterm"):
        self.ours, theirs = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE,
                                        start_new_session=True, env={**os.environ, "TERM": kind})
        os.close(theirs)
        self.seen = b""

    def resize(self, rows, columns):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, pattern):
        """Reads on until that was written; forgets what was before. The match."""
        deadline = time.monotonic() + TIMEOUT_S
        while not (found := re.search(pattern, self.seen)):
            ready, _, _ = select.select([self.ours], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"no {pattern!r} in {self.seen[-MOST_TOLD:]!r}")
            try:
                self.seen += os.read(self.ours, 65536)
            except OSError as gone:
                raise AssertionError(f"no {pattern!r} in {self.seen[-MOST_TOLD:]!r}; "
                                     f"{self.process.stderr.read()!r}") from gone
        self.seen = self.seen[found.end():]
        return found

    def press(self, keys):
        os.write(self.ours, keys)

    def end(self):
        code = self.process.wait(TIMEOUT_S)
        self.close()
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()
        if self.ours >= 0:
            os.close(self.ours)
        self.ours = -1

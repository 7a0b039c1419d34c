"""A daemon, an agent and `tombolo cp` for tests of copies, and the frames that both sides say (control/copy/frames.h)."""

import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, "tests/support")
from forwarding import HostAgent, receive_exactly
from tombolod import Tombolod

TIMEOUT_S = 60
GOOD, FAILED, USAGE, NOT_RUNNING = 0, 1, 2, 3

PUT, GET, HAVE, FROM, DATA, END, DONE, REFUSED, WAIT = range(1, 10)
MAX_BODY = 64 << 10
RESOURCE_EXHAUSTED = 8  # absl::StatusCode


def frame(kind, body=b"", length=None):
    return struct.pack("<IB", len(body) if length is None else length, kind) + body


def from_frame(offset, size, mode=0o644):
    return frame(FROM, struct.pack("<QQI", offset, size, mode))


def read_frame(connected):
    """(type, body); (None, b"") at the end."""
    header = receive_exactly(connected, 5)
    if len(header) < 5:
        return None, b""
    length, kind = struct.unpack("<IB", header)
    return kind, receive_exactly(connected, length)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)
    return path


class CopyTest(unittest.TestCase):
    TOMBOLOD = AGENT = TOMBOLO = ""  # The programs.

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="copy_", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("here", "inbox", "library", "library/deep", "outside"):
            os.mkdir(self.path(name))
        self.daemon = Tombolod(self.TOMBOLOD, "--size", "32M")
        self.addCleanup(self.daemon.stop)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def start_agent(self, *flags):
        flags = flags or ("--allow-copy", self.path("inbox") + ":rw", "--allow-copy", self.path("library"))
        agent = HostAgent(self.AGENT, self.daemon.runtime_dir, *flags)
        self.addCleanup(agent.stop)
        return agent

    def start(self, *words, **more):
        process = subprocess.Popen([self.TOMBOLO, "--runtime-dir", self.daemon.runtime_dir, "cp", *words],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                   **{"stderr": subprocess.PIPE, **more})
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def copy(self, *words, code=GOOD, saying="", **more):
        process = self.start(*words, **more)
        out, said = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual(process.returncode, code, out + said)
        self.assertEqual(said == "", code == GOOD, said)
        self.assertIn(saying, said or out)
        return said or out

    def local(self, name, size, seed=1):
        return write(self.path("here", name), random.Random(seed).randbytes(size))

    def connect(self):
        """To the agent's socket, as a tunnel does."""
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(connected.close)
        connected.settimeout(TIMEOUT_S)
        connected.connect(os.path.join(self.daemon.runtime_dir, "copy.sock"))
        return connected

    def refused(self, connected):
        """The code and text of the refusal that comes next."""
        kind, body = read_frame(connected)
        self.assertEqual(kind, REFUSED, body)
        return struct.unpack("<I", body[:4])[0], body[4:].decode()


def main():
    """TOMBOLOD TOMBOLO_AGENT TOMBOLO [unittest's flags]"""
    CopyTest.TOMBOLOD, CopyTest.AGENT, CopyTest.TOMBOLO = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))
    unittest.main(verbosity=2)

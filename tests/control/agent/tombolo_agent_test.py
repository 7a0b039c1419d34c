#!/usr/bin/python3
"""tombolo-agent as a program: what it says and how it ends when it cannot do what it was asked.

Usage: tombolo_agent_test.py TOMBOLO_AGENT [unittest's flags]
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

AGENT = ""
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NO_DAEMON = 3
TIMEOUT_S = 30


class TomboloAgentTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="agent_", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder)

    def run_agent(self, *flags):
        return subprocess.run(
            [AGENT, "--runtime-dir", self.folder, *flags],
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    def fails(self, code, *flags, saying):
        """It must end with `code`, say nothing on stdout, and `saying` on stderr."""
        done = self.run_agent(*flags)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(saying, done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def fails_in_a_sentence(self, code, *flags, saying):
        said = self.fails(code, *flags, saying=saying)
        self.assertTrue(said.startswith("error: "), said)
        self.assertEqual(said.count("\n"), 1, said)

    def listen(self, kind):
        """Something else at the broker's socket."""
        other = socket.socket(socket.AF_UNIX, kind)
        self.addCleanup(other.close)
        other.bind(os.path.join(self.folder, "broker.sock"))
        other.listen()
        return other

    def test_says_its_version_and_how_it_is_used(self):
        self.assertRegex(self.run_agent("--version").stdout, r"^tombolo-agent \d+\.\d+\.\d+$")
        self.assertIn("--forward", self.run_agent("--help").stdout)

    def test_refuses_flags_that_make_no_sense(self):
        self.fails(EXIT_USAGE, "--no-such-flag", saying="--no-such-flag")
        self.fails(EXIT_USAGE, "--host", "--forward", "127.0.0.1:1=a", saying="--forward")
        self.fails(EXIT_USAGE, "--host", "--device", "auto", saying="--device")

    def test_refuses_rules_that_are_none(self):
        self.fails_in_a_sentence(EXIT_USAGE, "--forward", "127.0.0.1:1", saying="LISTEN=SERVICE")
        self.fails_in_a_sentence(EXIT_USAGE, "--forward", "nowhere=a", saying="127.0.0.1:PORT")
        self.fails_in_a_sentence(EXIT_USAGE, "--allow", "a=b", saying="127.0.0.1:PORT")
        self.fails_in_a_sentence(EXIT_USAGE, "--host", "--allow", "a=b", saying="127.0.0.1:PORT")

    def test_a_device_that_is_not_there_is_said(self):
        self.fails_in_a_sentence(EXIT_FAILED, "--device", "ffff:ff:1f.7", saying="ffff:ff:1f.7")

    def test_without_a_daemon_the_hosts_agent_says_what_to_start(self):
        self.fails_in_a_sentence(EXIT_NO_DAEMON, "--host", saying="Start tombolod")
        self.listen(socket.SOCK_SEQPACKET).close()
        self.fails_in_a_sentence(EXIT_NO_DAEMON, "--host", saying="nobody listens")

    def test_a_socket_of_something_else_is_told_from_a_missing_daemon(self):
        self.listen(socket.SOCK_STREAM)
        self.fails_in_a_sentence(EXIT_FAILED, "--host", saying="belongs to another program")


if __name__ == "__main__":
    AGENT = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)

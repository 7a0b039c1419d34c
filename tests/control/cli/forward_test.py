#!/usr/bin/python3
"""`tombolo forward` against a real tombolod and `tombolo-agent --host`.

Usage: forward_test.py TOMBOLOD TOMBOLO_AGENT TOMBOLO [unittest's flags]
"""

import os
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, "tests/support")
# pylint: disable=wrong-import-position
from forwarding import Forward, HostAgent, Service, connect, receive_exactly, reset
from tombolod import Tombolod

TOMBOLOD = AGENT = TOMBOLO = ""
TIMEOUT_S = 60
GOOD, FAILED, USAGE, NOT_RUNNING = 0, 1, 2, 3
ANY_PORT = "127.0.0.1:0"


class ForwardTest(unittest.TestCase):
    def setUp(self):
        self.daemon = Tombolod(TOMBOLOD, "--size", "16M", "--endpoints", "64", "--slots", "2",
                               "--log-level", "warn")
        self.addCleanup(lambda: self.daemon and self.daemon.stop())
        self.tcp = Service(ANY_PORT)
        self.addCleanup(lambda: self.tcp.close())  # The one that it is then.
        self.unix = Service("unix:" + self.path("service.sock"))
        self.addCleanup(self.unix.close)
        self.agent = None

    def path(self, name):
        return os.path.join(self.daemon.folder, name)

    def start_agent(self, *more):
        self.agent = HostAgent(AGENT, self.daemon.runtime_dir, "--log-level", "warn",
                               "--allow", "tcp=" + self.tcp.address,
                               "--allow", "unix=" + self.unix.address, *more)
        self.addCleanup(self.agent.stop)

    def forward(self, *pairs, verbose=False):
        if self.agent is None:
            self.start_agent()
        made = Forward(TOMBOLO, self.daemon.runtime_dir, *pairs, verbose=verbose)
        self.addCleanup(made.end, signal.SIGKILL)
        return made

    def pair(self, service=None, listen=ANY_PORT):
        """The near and the far end of a new connection."""
        service = service or self.tcp
        name = "tcp" if service is self.tcp else "unix"
        near = connect(self.forward((listen, "0:" + name)).addresses[0])
        far = service.accept()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        return near, far

    def goes_through(self, address, service):
        with connect(address) as near, service.accept() as far:
            near.sendall(b"question")
            self.assertEqual(receive_exactly(far, 8), b"question")
            far.sendall(b"answer")
            self.assertEqual(receive_exactly(near, 6), b"answer")

    def is_reset(self, address):
        # It may come before the connect has returned.
        with self.assertRaises(ConnectionResetError), connect(address) as near:
            near.recv(1)

    def fails(self, code, *words, saying, runtime_dir=None):
        done = subprocess.run(
            [TOMBOLO, "--runtime-dir", runtime_dir or self.daemon.runtime_dir, "forward", *words],
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(saying, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_offers_names_what_the_agent_allows(self):
        self.start_agent("--allow-copy", self.daemon.folder)
        told = subprocess.run([TOMBOLO, "--runtime-dir", self.daemon.runtime_dir, "offers"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        self.assertEqual(told.stderr, "")
        self.assertEqual([line.split() for line in told.stdout.splitlines()],
                         [["SLOT", "KIND", "NAME"], ["0", "tunnel", "tcp"], ["0", "tunnel", "unix"],
                          ["0", "files", self.daemon.folder + ":ro"]])

    def test_carries_every_kind_to_every_kind(self):
        near_unix = "unix:" + self.path("near")
        forward = self.forward((ANY_PORT, "0:tcp"), (near_unix + "1", "0:tcp"),
                               (ANY_PORT, "0:unix"), (near_unix + "2", "0:unix"))
        for address, service in zip(forward.addresses, [self.tcp, self.tcp, self.unix, self.unix]):
            self.goes_through(address, service)

    def test_the_address_of_a_service_names_it_too(self):
        port = self.tcp.address.split(":")[1]
        forward = self.forward((ANY_PORT, "0:" + self.tcp.address),
                               (ANY_PORT, "0:localhost:" + port),
                               (ANY_PORT, "0:" + self.unix.address))
        for address, service in zip(forward.addresses, [self.tcp, self.tcp, self.unix]):
            self.goes_through(address, service)

    def test_each_direction_ends_on_its_own(self):
        turns = 0
        for service in (self.tcp, self.unix):
            for turn in (0, 1):
                ends = self.pair(service, "unix:" + self.path(f"half{turns}"))
                turns += 1
                first, second = ends[turn], ends[1 - turn]
                first.sendall(b"last words")
                first.shutdown(socket.SHUT_WR)
                self.assertEqual(receive_exactly(second, 100), b"last words")
                second.sendall(b"still open")
                second.close()
                self.assertEqual(receive_exactly(first, 100), b"still open")

    def test_a_reset_is_a_reset_at_the_other_end(self):
        for turn in (0, 1):
            ends = self.pair()
            ends[0].sendall(b"x")
            self.assertEqual(ends[1].recv(1), b"x")
            reset(ends[turn])
            with self.assertRaises(ConnectionResetError):
                ends[1 - turn].recv(1)

    def test_a_service_that_went_away_is_found_when_it_is_back(self):
        forward = self.forward((ANY_PORT, "0:tcp"))
        self.goes_through(forward.addresses[0], self.tcp)
        self.tcp.close()
        self.is_reset(forward.addresses[0])
        self.is_reset(forward.addresses[0])
        self.tcp = Service(self.tcp.address)
        self.goes_through(forward.addresses[0], self.tcp)
        _, said = forward.end(signal.SIGINT)
        self.assertEqual(said.count("\n"), 1, said)
        self.assertIn("Connection refused", said)

    def test_verbose_tells_of_every_connection_that_failed(self):
        forward = self.forward((ANY_PORT, "0:tcp"), verbose=True)
        self.tcp.close()
        for _ in range(3):
            self.is_reset(forward.addresses[0])
        self.tcp = Service(self.tcp.address)
        _, said = forward.end(signal.SIGINT)
        self.assertEqual(said.count("Connection refused"), 3, said)

    def test_an_agent_that_was_killed_is_found_when_it_is_back(self):
        near, far = self.pair()
        address = "127.0.0.1:%d" % near.getpeername()[1]
        near.sendall(b"x")
        self.assertEqual(far.recv(1), b"x")
        for _ in range(2):
            self.agent.kill()
            self.assertEqual(far.recv(1), b"")
            with self.assertRaises(ConnectionResetError):
                near.recv(1)
            near, far = connect(address), self.tcp.accept()
            self.addCleanup(near.close)
            self.addCleanup(far.close)
            near.sendall(b"x")
            self.assertEqual(far.recv(1), b"x")

    def test_what_is_not_allowed_says_which_rule_is_missing(self):
        forward = self.forward((ANY_PORT, "0:db"), (ANY_PORT, "0:127.0.0.1:1"))
        for address in forward.addresses:
            self.is_reset(address)
        code, said = forward.end(signal.SIGINT)
        self.assertEqual(code, GOOD)
        self.assertIn("--allow db=ADDRESS", said)
        self.assertIn("--allow NAME=127.0.0.1:1", said)

    def test_an_address_in_use_is_said(self):
        self.start_agent()
        self.fails(FAILED, "--listen", self.tcp.address, "--to", "0:tcp",
                   saying="another program listens at " + self.tcp.address)
        self.fails(FAILED, "--listen", self.unix.address, "--to", "0:tcp",
                   saying="another process serves")

    def test_nobody_to_forward_to_is_said(self):
        self.fails(FAILED, "--listen", ANY_PORT, "--to", "0:tcp", saying="slot 0 has no agent")
        self.fails(USAGE, "--listen", ANY_PORT, "--to", "7:tcp", saying="there is no slot 7")
        self.fails(NOT_RUNNING, "--listen", ANY_PORT, "--to", "0:tcp", saying="Start tombolod",
                   runtime_dir=self.path("nowhere"))

    def test_words_that_make_no_sense_are_refused(self):
        self.fails(USAGE, "--listen", "nowhere", "--to", "0:tcp", saying="'nowhere' is no address")
        for target in ("tcp", "x:tcp", "0:", "0:a b", "0:" + "x" * 65, "70000:tcp"):
            self.fails(USAGE, "--listen", ANY_PORT, "--to", target, saying="SLOT:SERVICE")
        self.fails(USAGE, "--listen", ANY_PORT, "--listen", ANY_PORT, "--to", "0:a",
                   saying="each --listen needs its --to")

    def test_ends_when_its_daemon_ends(self):
        forward = self.forward((ANY_PORT, "0:tcp"))
        daemon, self.daemon = self.daemon, None
        daemon.stop()
        code, said = forward.end()
        self.assertEqual(code, NOT_RUNNING)
        self.assertIn("the broker that this endpoint was attached to is gone", said)

    def test_ends_in_order_when_it_is_asked_to(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            path = self.path("near")
            forward = self.forward(("unix:" + path, "0:tcp"))
            self.assertTrue(os.path.exists(path))
            self.assertEqual(forward.end(number), (GOOD, ""))
            self.assertFalse(os.path.exists(path))


if __name__ == "__main__":
    TOMBOLOD, AGENT, TOMBOLO = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))
    unittest.main(verbosity=2)

#!/usr/bin/python3
"""`tombolo net` against a real tombolod: two members on this host, each in a network namespace of its own.

Usage: net_test.py TOMBOLOD TOMBOLO [unittest's flags]
"""

import json
import os
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, "tests/support")
# pylint: disable=wrong-import-position
from tombolod import Tombolod

TOMBOLOD = TOMBOLO = ""
STREAM = os.path.abspath("tests/support/net_stream.py")
TIMEOUT_S = 60
GOOD, FAILED, USAGE, NOT_RUNNING = 0, 1, 2, 3
MIB = 16
PORT = 5001
IPV6 = "fd74:6f6d:626f:6c6f::a4d:"
IN_NAMESPACE = "TOMBOLO_NET_TEST_IS_ROOT"


class Place:
    """A network namespace, which is there as long as a program that does nothing."""

    def __init__(self):
        self._holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self._holder.stdout.readline()

    def command(self, *words):
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net", *words]

    def run(self, *words):
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    def start(self, *words):
        return subprocess.Popen(self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def pings(self, address, *flags):
        return self.run("busybox", "ping", "-c", "1", "-W", "5", *flags, address).returncode == 0

    def end(self):
        self._holder.communicate()


class NetTest(unittest.TestCase):
    def setUp(self):
        self.daemon = Tombolod(TOMBOLOD, "--size", "64M", "--endpoints", "64", "--slots", "2", "--log-level", "warn")
        self.addCleanup(lambda: self.daemon and self.daemon.stop())
        self.places = Place(), Place()
        for place in self.places:
            self.addCleanup(place.end)

    def net(self, *words):
        return [TOMBOLO, "--runtime-dir", self.daemon.runtime_dir, "net", *words]

    def up(self, place, *words):
        """`tombolo net up`; returns when it is up."""
        process = place.start(*self.net("up", *words))
        self.addCleanup(self.kill, process)
        said = self.reads(process, "MTU")
        ipv6 = rf"(and {IPV6}\d|without IPv6)"
        self.assertRegex(said, rf"^tombolo0 is 10\.77\.0\.\d+ of 10\.77\.0\.0/16, {ipv6}, MTU \d+$")
        return process

    def both_up(self, *words):
        first = self.up(self.places[0], *words)
        second = self.up(self.places[1], "--number", "2", *words)
        self.reads(first, "member 10.77.0.2: slot 0")
        return first, second

    def reads(self, process, words):
        """The next line with these words in it."""
        for line in process.stdout:
            if words in line:
                return line
        self.fail(f"it ended without saying '{words}': {process.stderr.read()}")

    def kill(self, process):
        process.kill()
        process.communicate()

    def fails(self, place, code, *words, saying, runtime_dir=None):
        done = place.run(TOMBOLO, "--runtime-dir", runtime_dir or self.daemon.runtime_dir, "net", "up", *words)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(saying, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def carries_a_stream(self, to="10.77.0.2"):
        near, far = self.places
        server = far.start(STREAM, "take", to, str(PORT))
        self.addCleanup(self.kill, server)
        self.assertEqual(server.stdout.readline(), "listening\n", server)
        given = near.run(STREAM, "give", to, str(PORT), str(MIB), "7")
        self.assertEqual(given.returncode, GOOD, given.stderr)
        self.assertEqual(server.communicate(timeout=TIMEOUT_S)[0], given.stdout)

    def test_two_members_ping_and_carry_a_stream(self):
        self.both_up()
        for bytes_ in ("8", "500", "65000"):
            self.assertTrue(self.places[0].pings("10.77.0.2", "-s", bytes_), bytes_)
            self.assertTrue(self.places[1].pings("10.77.0.1", "-s", bytes_), bytes_)
        self.carries_a_stream()

    def test_ipv6_does_as_well(self):
        self.both_up()
        for bytes_ in ("8", "500", "65000"):
            self.assertTrue(self.places[0].pings(IPV6 + "2", "-s", bytes_), bytes_)
            self.assertTrue(self.places[1].pings(IPV6 + "1", "-s", bytes_), bytes_)
        self.carries_a_stream(IPV6 + "2")
        given = self.places[0].run(STREAM, "give", IPV6 + "9", str(PORT), "1", "7")
        self.assertIn("No route to host", given.stderr)

    def test_a_small_mtu_does_as_well(self):
        self.both_up("--mtu", "1500")
        self.assertTrue(self.places[0].pings("10.77.0.2", "-s", "65000"))
        self.carries_a_stream()

    def test_the_least_mtu_is_too_small_for_ipv6_only(self):
        self.both_up("--mtu", "576")
        self.assertTrue(self.places[0].pings("10.77.0.2", "-s", "5000"))
        self.assertFalse(self.places[0].pings(IPV6 + "2"))

    def test_a_member_that_is_killed_leaves_and_comes_back(self):
        first, second = self.both_up()
        second.kill()
        self.reads(first, "left   10.77.0.2: slot 0")
        given = self.places[0].run(STREAM, "give", "10.77.0.2", str(PORT), "1", "7")
        self.assertIn("No route to host", given.stderr)
        self.up(self.places[1], "--number", "2")
        self.reads(first, "member 10.77.0.2: slot 0")
        self.assertTrue(self.places[0].pings("10.77.0.2"))
        self.carries_a_stream()

    def test_status_lists_the_members(self):
        self.both_up()
        done = subprocess.run(self.net("status"), capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        self.assertRegex(done.stdout, r"(?m)^10\.77\.0\.0/16  10\.77\.0\.1  0 ")
        done = subprocess.run(self.net("status", "--json"), capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        self.assertEqual([member["address"] for member in json.loads(done.stdout)["members"]],
                         ["10.77.0.1", "10.77.0.2"])

    def test_status_is_an_endpoint_where_nobodys_memory_can_be_looked_into(self):
        self.both_up()
        done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", *self.net("status")], capture_output=True,
                              text=True, timeout=TIMEOUT_S, check=False)
        self.assertRegex(done.stdout, r"(?m)^10\.77\.0\.0/16  10\.77\.0\.2  0 ", done.stderr)
        done = subprocess.run(self.net("status", "--region", "/dev/null"), capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, FAILED, done.stderr)

    def test_what_cannot_be_is_said(self):
        self.both_up()
        place = Place()
        self.addCleanup(place.end)
        self.fails(place, FAILED, saying="10.77.0.1 is the address of endpoint")
        self.fails(self.places[0], FAILED, "--number", "3", saying="there is an interface tombolo0 already")
        self.fails(place, USAGE, "--subnet", "10.77.0.0/33", saying="is no subnet")
        self.fails(place, USAGE, "--subnet", "10.77.0.0/24", saying="has addresses for 1 slots")
        self.fails(place, USAGE, "--number", "3", "--interface", "x" * 16, saying="is no name of an interface")
        self.fails(place, NOT_RUNNING, saying="Start tombolod", runtime_dir=self.daemon.folder)

    def test_ends_when_its_interface_is_removed(self):
        process = self.up(self.places[0])
        self.assertEqual(self.places[0].run("ip", "link", "delete", "tombolo0").returncode, GOOD)
        errors = process.communicate(timeout=TIMEOUT_S)[1]
        self.assertEqual((process.returncode, errors),
                         (FAILED, "error: somebody has removed the interface; nothing can be carried.\n"))

    def test_ends_in_order_when_it_is_asked_to(self):
        first, second = self.both_up()
        self.assertTrue(self.places[0].pings("10.77.0.2"))
        second.send_signal(signal.SIGTERM)
        said, errors = second.communicate(timeout=TIMEOUT_S)
        self.assertEqual((second.returncode, errors), (GOOD, ""))
        self.assertTrue(re.search(r"^packets: [1-9]\d* sent, [1-9]\d* received", said, re.MULTILINE), said)
        self.assertNotIn("tombolo0", self.places[1].run("ip", "link").stdout)
        daemon, self.daemon = self.daemon, None
        daemon.stop()
        errors = first.communicate(timeout=TIMEOUT_S)[1]
        self.assertEqual(first.returncode, NOT_RUNNING)
        self.assertIn("the broker that this endpoint was attached to is gone", errors)


if __name__ == "__main__":
    if IN_NAMESPACE not in os.environ:
        os.environ[IN_NAMESPACE] = "1"
        os.execvp("unshare", ["unshare", "--map-root-user", sys.executable, *sys.argv])
    TOMBOLOD, TOMBOLO = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))
    unittest.main(verbosity=2)

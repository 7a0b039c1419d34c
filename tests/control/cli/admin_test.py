#!/usr/bin/python3
"""`tombolo admin` as administrators use it, against a real tombolod with members of its own.

Usage: admin_test.py TOMBOLOD TOMBOLO [unittest's flags]
"""

import errno
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, "tests/support")
from forwarding import eventually
from tombolod import Tombolod

TOMBOLOD = TOMBOLO = ""
TIMEOUT_S = 60
FAILED, USAGE, NOT_RUNNING = 1, 2, 3

# Has the device of a slot plugged, as far as the daemon can see, until it is killed.
MACHINE = """
import socket, sys, time
plugged = socket.socket(socket.AF_UNIX)
plugged.connect(sys.argv[1])
time.sleep(1000)
"""


class AdminTest(unittest.TestCase):
    def setUp(self):
        self.daemon = Tombolod(TOMBOLOD, "--size", "16M")
        self.addCleanup(self.daemon.stop)

    def run_tombolo(self, *words):
        return subprocess.run([TOMBOLO, "--runtime-dir", self.daemon.runtime_dir, *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
                              env={**os.environ, "TOMBOLO_CONFIG": "/dev/null"})

    def told(self, *words):
        done = self.run_tombolo(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def fails(self, code, saying, *words):
        done = self.run_tombolo(*words)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(saying, done.stderr)
        self.assertEqual(done.stdout, "")

    def peers(self):
        return {peer["slot"]: peer for peer in json.loads(self.told("peers", "--json"))["peers"]}

    def spawn(self, *words):
        child = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def plug(self, slot):
        machine = self.spawn(sys.executable, "-c", MACHINE, self.daemon.socket(slot))
        self.assertTrue(eventually(lambda: slot in self.peers()))
        return machine

    def attach(self):
        """A process of the host, and the index of its endpoint."""
        process = self.spawn(TOMBOLO, "--runtime-dir", self.daemon.runtime_dir, "bench", "--serve")
        self.assertTrue(eventually(lambda: self.peers()[0]["endpoints"]))
        return process, self.peers()[0]["endpoints"][0]["index"]


class EvictTest(AdminTest):
    def test_an_evicted_machine_dies_and_its_slot_is_vacant(self):
        machine = self.plug(3)
        self.assertIn(f"process {machine.pid} was told to end", self.told("admin", "evict", "3"))
        self.assertEqual(machine.wait(timeout=TIMEOUT_S), -signal.SIGKILL)
        self.assertTrue(eventually(lambda: 3 not in self.peers()))
        self.assertIn("evicted by an administrator", self.daemon.log())
        self.plug(3)
        self.assertEqual(self.peers()[3]["incarnation"], 2)
        self.fails(FAILED, "2. time now", "admin", "evict", "3", "--incarnation", "1")
        self.assertIn(3, self.peers())

    def test_an_evicted_process_dies_and_its_endpoint_is_gone(self):
        process, index = self.attach()
        self.assertIn(f"process {process.pid} was", self.told("admin", "evict", "--endpoint", str(index)))
        self.assertEqual(process.wait(timeout=TIMEOUT_S), -signal.SIGKILL)
        self.assertTrue(eventually(lambda: not self.peers()[0]["endpoints"]))

    def test_nobody_is_evicted_who_is_not_there(self):
        self.fails(FAILED, "no peer in slot 3", "admin", "evict", "3")
        self.fails(FAILED, "no live endpoint 5", "admin", "evict", "--endpoint", "5")
        self.fails(USAGE, "the host's", "admin", "evict", "0")
        self.fails(USAGE, "say who", "admin", "evict")

    def test_one_peer_is_described(self):
        self.plug(2)
        told = json.loads(self.told("peers", "--slot", "2", "--json"))
        self.assertEqual([peer["slot"] for peer in told["peers"]], [2])
        self.assertEqual(told["region_uuid"], json.loads(self.told("peers", "--json"))["region_uuid"])
        self.fails(FAILED, "no peer in slot 4", "peers", "--slot", "4")


class DrainTest(AdminTest):
    def test_newcomers_are_kept_out_until_undrain_and_others_go_on(self):
        machine = self.plug(1)
        self.attach()
        self.assertIn("still there: 1 virtual machines, 1 endpoints", self.told("admin", "drain"))
        self.assertIn("still there: 1 virtual machines", self.told("admin", "drain"))
        self.fails(FAILED, "being drained", "ping", "0")
        with socket.socket(socket.AF_UNIX) as late:
            late.settimeout(TIMEOUT_S)
            late.connect(self.daemon.socket(2))
            self.assertEqual(struct.unpack("<q", late.recv(8))[0], -errno.ESHUTDOWN)
        self.assertTrue(json.loads(self.told("admin", "statistics", "--json"))["draining"])
        self.assertEqual(sorted(self.peers()), [0, 1])
        self.assertIsNone(machine.poll())
        self.assertIn("may join", self.told("admin", "undrain"))
        self.plug(2)

    def test_a_successor_keeps_them_out_too(self):
        folder = tempfile.mkdtemp(prefix="drain_", dir="/tmp")
        self.addCleanup(shutil.rmtree, folder)
        run = os.path.join(folder, "run")
        # Not killed: a tombolod outlives its holder.
        holder = subprocess.Popen([TOMBOLOD, "--runtime-dir", run, "--size", "16M", "--store", "holder"])
        self.addCleanup(holder.wait)
        self.addCleanup(holder.terminate)
        ask = [TOMBOLO, "--runtime-dir", run, "admin"]
        answers = lambda *words: subprocess.run([*ask, *words], capture_output=True, text=True, timeout=TIMEOUT_S,
                                                check=False)
        self.assertTrue(eventually(lambda: answers("drain").returncode == 0))
        first = json.loads(answers("statistics", "--json").stdout)
        with open(f"/proc/{holder.pid}/task/{holder.pid}/children", encoding="ascii") as file:
            os.kill(int(file.read().split()[0]), signal.SIGKILL)
        def successor():
            done = answers("statistics", "--json")
            return done.returncode == 0 and json.loads(done.stdout)["events"] != first["events"]
        self.assertTrue(eventually(successor))
        self.assertTrue(json.loads(answers("statistics", "--json").stdout)["draining"])
        self.assertEqual(answers("undrain").returncode, 0)
        self.assertFalse(json.loads(answers("statistics", "--json").stdout)["draining"])


class LookTest(AdminTest):
    def test_log_level_is_told_and_changed(self):
        self.assertEqual(self.told("admin", "log-level"), "info\n")
        self.assertIn("debug, and was info", self.told("admin", "log-level", "debug"))
        self.attach()
        self.assertIn("is 'bench-server'", self.daemon.log())
        self.assertEqual(self.told("admin", "log-level"), "debug\n")
        self.fails(USAGE, "loud", "admin", "log-level", "loud")

    def test_fsck_of_a_sound_region_is_clean(self):
        self.attach()
        told = self.told("admin", "fsck")
        self.assertIn("clean", told)
        self.assertRegex(told, r"(?m)^all +\d+ +\d+$")

    def test_statistics_count_what_happened(self):
        self.plug(1)
        process, _ = self.attach()
        process.kill()
        self.assertTrue(eventually(lambda: not self.peers()[0]["endpoints"]))
        told = json.loads(self.told("admin", "statistics", "--json"))
        self.assertEqual((told["virtual_machines"], told["live_endpoints"]), (1, 0))
        # The host has joined too.
        self.assertEqual((told["events"]["joined"], told["events"]["attached"], told["events"]["gone"]), (2, 1, 1))
        self.assertGreater(told["process"]["open_descriptors"], 10)
        self.assertIn("may join", self.told("admin", "statistics"))


class NobodyTest(unittest.TestCase):
    def test_without_a_daemon_it_says_so(self):
        done = subprocess.run([TOMBOLO, "--runtime-dir", "/nowhere", "admin", "evict", "3"], capture_output=True,
                              text=True, timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, NOT_RUNNING)
        self.assertIn("no tombolod answers", done.stderr)


if __name__ == "__main__":
    TOMBOLOD, TOMBOLO = (os.path.abspath(path) for path in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)

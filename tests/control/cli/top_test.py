#!/usr/bin/python3
"""`tombolo top`: what it shows on a terminal of its own, and prints for scripts.

Usage: top_test.py TOMBOLOD TOMBOLO [unittest's flags]
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, "tests/support")
from terminal import LEAVE, Terminal
from tombolod import Tombolod

TOMBOLOD = TOMBOLO = ""
TIMEOUT_S = 60
GOOD, FAILED, NOT_RUNNING = 0, 1, 3


class TopTest(unittest.TestCase):
    def setUp(self):
        self.daemon = Tombolod(TOMBOLOD, "--size", "16M")
        self.addCleanup(self.daemon.stop)
        self.server = self.start("bench", "--serve")
        self.server.stdout.readline()

    def start(self, *words):
        process = subprocess.Popen([TOMBOLO, "--runtime-dir", self.daemon.runtime_dir, *words],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def top(self, *words, **more):
        terminal = Terminal(TOMBOLO, "--runtime-dir", self.daemon.runtime_dir, "top", *words, **more)
        self.addCleanup(terminal.close)
        return terminal

    def make_traffic(self):
        return self.start("bench", "0", "--seconds", "3600", "--sizes", "1000")

    def test_who_sends_is_seen_live(self):
        view = self.top("--interval", "0.05")
        view.wait_for(rb"OUT MB/s")
        view.wait_for(rb"bench-server")
        client = self.make_traffic()
        view.wait_for(rb"tombolo-bench")
        view.wait_for(rb"[1-9]\d*\.\d")
        client.kill()
        view.press(b"q")
        view.wait_for(re.escape(LEAVE))
        self.assertEqual(view.end(), GOOD)

    def test_keys_are_obeyed(self):
        view = self.top("--interval", "3600")
        view.wait_for(rb"by traffic")
        view.press(b"s")
        view.wait_for(rb"slot")
        view.press(b"s")
        view.wait_for(rb"name")
        view.press(b"jk\x1b[A\x1b[B")
        view.press(b"\x03")
        view.wait_for(re.escape(LEAVE))
        self.assertEqual(view.end(), GOOD, "^C is the way out too")

    def test_terminals_of_all_sizes_will_do(self):
        view = self.top("--interval", "0.05", rows=2, columns=10)
        view.wait_for(rb"tombolo to")
        for rows, columns in ((1, 1), (3, 200), (40, 160)):
            view.resize(rows, columns)
            os.kill(view.process.pid, signal.SIGWINCH)
        view.wait_for(rb"bench-server")
        view.press(b"q")
        self.assertEqual(view.end(), GOOD)

    def test_it_goes_on_when_the_daemon_is_dead(self):
        view = self.top("--interval", "0.05")
        view.wait_for(rb"bench-server")
        self.daemon.kill()
        view.resize(30, 120)
        os.kill(view.process.pid, signal.SIGWINCH)
        view.wait_for(rb"bench-server")
        view.press(b"q")
        self.assertEqual(view.end(), GOOD)

    def test_a_signal_gives_the_terminal_back(self):
        view = self.top()
        view.wait_for(rb"bench-server")
        view.process.terminate()
        view.wait_for(re.escape(LEAVE))
        view.end()

    def test_where_there_is_no_terminal_it_says_what_to_do(self):
        process = self.start("top")
        self.assertIn("use `tombolo top --once`", process.communicate(timeout=TIMEOUT_S)[1])
        self.assertEqual(process.returncode, FAILED)
        view = self.top(kind="nonsense")
        self.assertIn(b"TERM=nonsense is not known", view.process.stderr.read())
        self.assertEqual(view.end(), FAILED)
        nobody = subprocess.run([TOMBOLO, "top", "--once", "--region", "/nowhere"], capture_output=True, check=False)
        self.assertNotEqual(nobody.returncode, GOOD)

    def test_once_is_one_table_and_json_one_object(self):
        self.make_traffic()
        deadline = time.monotonic() + TIMEOUT_S
        rates = {}
        while not rates.get("tombolo-bench", {}).get("messages_sent"):
            self.assertLess(time.monotonic(), deadline, rates)
            told = json.loads(self.start("top", "--json", "--interval", "0.1").communicate(timeout=TIMEOUT_S)[0])
            rates = {one["name"]: one["per_second"] for one in told["endpoints"]}
        self.assertGreaterEqual(told["seconds"], 0.1)
        for name, other in (("tombolo-bench", "bench-server"), ("bench-server", "tombolo-bench")):
            self.assertAlmostEqual(rates[name]["bytes_sent"] / rates[name]["messages_sent"], 1000, delta=1)
            self.assertLess(abs(rates[name]["messages_sent"] / rates[other]["messages_received"] - 1), 0.5)
        lines = self.start("top", "--once", "--interval", "0.1").communicate(timeout=TIMEOUT_S)[0].splitlines()
        self.assertEqual(lines[0].split()[:4], ["SLOT", "ENDPOINT", "PID", "NAME"])
        self.assertEqual(len(lines), 3)
        self.assertNotIn("\x1b", "".join(lines))


if __name__ == "__main__":
    TOMBOLOD, TOMBOLO = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))
    unittest.main(verbosity=2)

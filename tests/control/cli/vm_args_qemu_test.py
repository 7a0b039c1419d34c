#!/usr/bin/python3
"""What `tombolo vm-args` prints is what a real QEMU takes: it joins, in the slot that was meant.

Usage: vm_args_qemu_test.py TOMBOLOD TOMBOLO [unittest's flags]
"""

import json
import os
import shlex
import subprocess
import sys
import unittest

sys.path.insert(0, "tests/support")
from tombolod import Tombolod

TOMBOLOD = TOMBOLO = ""
TIMEOUT_S = 60

# Without a guest: its processor never runs.
QEMU = ["timeout", str(TIMEOUT_S), "qemu-system-x86_64", "-S", "-accel", "tcg", "-nodefaults", "-display", "none"]


class VmArgsQemuTest(unittest.TestCase):
    def setUp(self):
        self.daemon = Tombolod(TOMBOLOD, "--size", "4M", "--endpoints", "64", "--slots", "4", "--vectors", "4")
        self.addCleanup(self.daemon.stop)

    def command(self, *words):
        return ["timeout", str(TIMEOUT_S), TOMBOLO, "--runtime-dir", self.daemon.runtime_dir, *words]

    def told(self, *words):
        return subprocess.run(self.command(*words), capture_output=True, text=True, check=True).stdout

    def slot_that_is_taken_by(self, words):
        """By a QEMU with these words."""
        watch = subprocess.Popen(self.command("watch", "--json", "--count", "2"), stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(json.loads(watch.stdout.readline())["event"], "snapshot")
            qemu = subprocess.Popen([*QEMU, *words], stdin=subprocess.DEVNULL)
            self.addCleanup(qemu.wait)
            self.addCleanup(qemu.terminate)
            event = json.loads(watch.stdout.readline())
        finally:
            watch.kill()
            watch.communicate()
        self.assertEqual(event["event"], "joined")
        return event["peer"]["slot"]

    def test_the_array_joins_the_slot(self):
        self.assertEqual(self.slot_that_is_taken_by(json.loads(self.told("vm-args", "3", "--json"))), 3)

    def test_the_line_joins_the_lowest_vacant_slot(self):
        self.assertEqual(self.slot_that_is_taken_by(shlex.split(self.told("vm-args"))), 1)


if __name__ == "__main__":
    TOMBOLOD, TOMBOLO = (os.path.abspath(path) for path in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)

#!/usr/bin/python3
"""`tombolo regions` as administrators use it: several regions of one real tombolod, which is killed now and then.

Usage: regions_test.py TOMBOLOD TOMBOLO [unittest's flags]
"""

import grp
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import unittest
import uuid

sys.path.insert(0, "tests/support")
from forwarding import eventually

TOMBOLOD = TOMBOLO = ""
TIMEOUT_S = 60
FAILED, USAGE = 1, 2
SMALL = ("--size", "2M", "--slots", "3", "--vectors", "3", "--endpoints", "64")

# Has the device of a slot plugged, as far as the daemon can see, until it is killed.
MACHINE = """
import socket, sys, time
plugged = socket.socket(socket.AF_UNIX)
plugged.connect(sys.argv[1])
time.sleep(1000)
"""


class RegionsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="regions_", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder)
        self.run_dir = os.path.join(self.folder, "run")
        # Not killed: a tombolod outlives its holder.
        self.holder = subprocess.Popen([TOMBOLOD, "--runtime-dir", self.run_dir, "--size", "16M", "--store", "holder"])
        self.addCleanup(self.holder.wait)
        self.addCleanup(self.holder.terminate)
        self.assertTrue(eventually(lambda: self.ask("regions", "list").returncode == 0))

    def ask(self, *words, folder=None):
        return subprocess.run([TOMBOLO, "--runtime-dir", folder or self.run_dir, *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
                              env={**os.environ, "TOMBOLO_CONFIG": "/dev/null"})

    def told(self, *words, folder=None):
        done = self.ask(*words, folder=folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def fails(self, code, saying, *words, folder=None):
        done = self.ask(*words, folder=folder)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(saying, done.stderr)
        self.assertEqual(done.stdout, "")

    def create(self, name, *flags):
        return json.loads(self.told("regions", "create", name, *SMALL, *flags, "--json"))

    def show(self, name):
        return json.loads(self.told("regions", "show", name, "--json"))

    def names(self):
        return [region["name"] for region in json.loads(self.told("regions", "list", "--json"))["regions"]]

    def kill_daemon(self):
        """Its holder starts another one."""
        with open(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children", encoding="ascii") as file:
            child = int(file.read().split()[0])
        os.kill(child, signal.SIGKILL)

    def forget(self, region):
        """Wipes what the holder keeps for the next tombolod to go on with `region`, a UUID."""
        folder = f"/proc/{self.holder.pid}/fd"
        wiped = 0
        for fd in os.listdir(folder):
            path = os.path.join(folder, fd)
            if "tombolo-state" not in os.readlink(path):
                continue
            with open(path, "r+b") as state:
                content = state.read()
                if region.bytes in content:
                    os.pwrite(state.fileno(), bytes(len(content)), 0)
                    wiped += 1
        self.assertEqual(wiped, 1)

    def plug(self, socket_path):
        machine = subprocess.Popen([sys.executable, "-c", MACHINE, socket_path])
        self.addCleanup(machine.wait)
        self.addCleanup(machine.kill)
        return machine

    def test_regions_know_nothing_of_each_other(self):
        blue = self.create("blue")
        self.assertEqual((blue["bytes"], blue["slots"], blue["vectors"], blue["endpoints"]), (2 << 20, 3, 3, 64))
        self.assertEqual(blue["check"]["violations"], 0)
        self.plug(os.path.join(blue["folder"], "slot-1.sock"))
        self.assertTrue(eventually(lambda: self.show("blue")["virtual_machines"] == 1))
        peers = lambda folder: [p["slot"] for p in json.loads(self.told("peers", "--json", folder=folder))["peers"]]
        self.assertEqual(peers(blue["folder"]), [0, 1])
        self.assertEqual(peers(self.run_dir), [0])
        first = self.show("default")
        for folder, region in ((self.run_dir, first), (blue["folder"], blue)):
            # What looks at the memory itself finds the region of its folder among those of one process.
            self.assertEqual(json.loads(self.told("fsck", "--json", folder=folder))["region_uuid"], region["uuid"])
        named = json.loads(self.told("fsck", "--json", "--region", blue["memory_path"]))
        self.assertEqual(named["region_uuid"], blue["uuid"])
        self.fails(FAILED, "first region", "regions", "list", folder=blue["folder"])
        self.assertIn("blue", self.told("regions", "list"))
        self.assertIn("clean", self.told("regions", "show", "blue"))

    def test_a_killed_tombolod_goes_on_with_all_of_them(self):
        blue = self.create("blue")
        red = self.create("red")
        self.plug(os.path.join(blue["folder"], "slot-1.sock"))
        self.assertTrue(eventually(lambda: self.show("blue")["virtual_machines"] == 1))
        self.kill_daemon()
        self.assertTrue(eventually(lambda: self.ask("regions", "show", "red", "--json").returncode == 0))
        self.assertEqual(self.names(), ["default", "blue", "red"])
        self.assertEqual((self.show("blue")["uuid"], self.show("red")["uuid"]), (blue["uuid"], red["uuid"]))
        self.assertEqual(self.show("blue")["virtual_machines"], 1)
        self.told("regions", "delete", "red")
        self.fails(FAILED, "1 virtual machines", "regions", "delete", "blue")

    def test_status_names_one_that_cannot_be_gone_on_with(self):
        self.assertEqual(json.loads(self.told("status", "--json"))["unserved"], [])
        self.forget(uuid.UUID(self.create("blue")["uuid"]))
        self.kill_daemon()
        self.assertTrue(eventually(lambda: self.ask("regions", "list").returncode == FAILED))
        unserved, = json.loads(self.told("status", "--json"))["unserved"]
        self.assertEqual(unserved["name"], "blue")
        self.assertNotEqual(unserved["problem"], "")
        self.assertRegex(self.told("status"), r"(?m)^not served blue: \S")
        # Nobody else's status is the worse for it.
        self.assertEqual(json.loads(self.told("status", "--json"))["daemon"]["state"], "answers")

    def test_an_empty_one_is_resized_and_deleted_and_made_again(self):
        blue = self.create("blue")
        larger = json.loads(self.told("regions", "resize", "blue", "--size", "4M", "--json"))
        self.assertEqual((larger["bytes"], larger["slots"]), (4 << 20, 3))
        self.assertNotEqual(larger["uuid"], blue["uuid"])
        self.assertEqual(self.told("regions", "delete", "blue"), "the region blue is deleted\n")
        self.assertFalse(os.path.exists(blue["folder"]))
        self.fails(FAILED, "there are: default", "regions", "show", "blue")
        self.create("blue")

    def test_its_group_alone_may_enter(self):
        group = grp.getgrgid(os.getgid()).gr_name
        blue = self.create("blue", "--group", group)
        self.assertEqual(blue["group"], group)
        self.assertEqual(stat.S_IMODE(os.stat(blue["folder"]).st_mode), 0o750)
        self.fails(USAGE, "no group", "regions", "create", "red", "--group", "no-such-group")
        self.assertEqual(self.names(), ["default", "blue"])

    def test_errors_say_what_can_be(self):
        self.create("blue")
        self.fails(FAILED, "already", "regions", "create", "blue")
        self.fails(USAGE, "a-z", "regions", "create", "../blue")
        self.fails(USAGE, "power of two", "regions", "create", "red", "--size", "3M")
        self.fails(FAILED, "smaller --size", "regions", "create", "red", "--size", "1T")
        self.fails(FAILED, "flags", "regions", "delete", "default")
        self.fails(FAILED, "flags", "regions", "resize", "default", "--size", "1G")
        self.assertEqual(self.names(), ["default", "blue"])

    def test_those_of_the_configuration_are_there_from_the_start(self):
        def start(*flags):
            return subprocess.Popen([TOMBOLOD, "--runtime-dir", self.run_dir, "--size", "16M", "--store", "none", *flags],
                                    stderr=subprocess.PIPE, text=True)
        self.holder.terminate()
        self.holder.wait(timeout=TIMEOUT_S)
        twice = start("--region", "blue", "--region", "blue:size=8M")
        self.assertIn("twice", twice.communicate(timeout=TIMEOUT_S)[1])
        self.assertEqual(twice.returncode, USAGE)
        odd = start("--region", "blue:size=3M")
        self.assertIn("power of two", odd.communicate(timeout=TIMEOUT_S)[1])
        large = start("--region", "red:size=4M:slots=2", "--region", "blue:size=1T")
        self.assertIn("smaller --size", large.communicate(timeout=TIMEOUT_S)[1])
        self.assertEqual((large.returncode, os.listdir(self.run_dir)), (FAILED, []))
        daemon = start("--region", "blue:size=2M:slots=3:vectors=3:endpoints=64", "--region", "red:size=4M")
        self.addCleanup(daemon.communicate)
        self.addCleanup(daemon.terminate)
        self.assertTrue(eventually(lambda: self.ask("regions", "list").returncode == 0))
        self.assertEqual(self.names(), ["default", "blue", "red"])
        self.assertEqual((self.show("blue")["bytes"], self.show("blue")["slots"]), (2 << 20, 3))

    def test_an_orderly_end_leaves_nothing(self):
        self.create("blue")
        self.holder.terminate()
        self.assertEqual(self.holder.wait(timeout=TIMEOUT_S), 0)
        self.assertEqual(os.listdir(self.run_dir), [])


if __name__ == "__main__":
    TOMBOLOD, TOMBOLO = (os.path.abspath(path) for path in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)

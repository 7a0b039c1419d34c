#!/usr/bin/python3
"""`tombolo doctor` on this machine, with daemons that live, hang, and are dead.

Usage: doctor_test.py TOMBOLOD TOMBOLO_AGENT TOMBOLO [unittest's flags]
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, "tests/support")
from forwarding import eventually
from tombolod import Tombolod

TOMBOLOD = AGENT = TOMBOLO = ""
GOOD, FAILED = 0, 1
CHECKS = 15  # Of a host.
NOBODY = 65534
TIMEOUT_S = 100  # Of a run in which every check is silent.


class DoctorTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="doctor_", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder)

    def start_daemon(self):
        daemon = Tombolod(TOMBOLOD, "--size", "16M", "--slots", "4", "--vectors", "4", "--endpoints", "64")
        self.addCleanup(daemon.stop)
        return daemon

    def start_agent(self, daemon):
        agent = subprocess.Popen([AGENT, "--host", "--runtime-dir", daemon.runtime_dir])
        self.addCleanup(agent.wait)
        self.addCleanup(agent.terminate)
        self.assertTrue(eventually(lambda: self.agent_pid(daemon)))

    def agent_pid(self, daemon):
        """The process that is the endpoint: not its holder. 0: there is none yet."""
        peers = json.loads(self.run_tombolo(daemon.runtime_dir, "peers", "--json").stdout)["peers"]
        return next((one["pid"] for one in peers[0]["endpoints"] if one["name"] == "agent"), 0)

    def run_tombolo(self, runtime_dir, *words, program=None, **more):
        return subprocess.run([program or TOMBOLO, "--runtime-dir", runtime_dir, *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=False, **more)

    def examine(self, runtime_dir, *words, code=GOOD, **more):
        """The findings by name, of a run that ends with `code`."""
        done = self.run_tombolo(runtime_dir, "doctor", "--json", "--side", "host", *words, **more)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual((told["schema"], told["side"]), (1, "host"))
        self.assertEqual(len(told["checks"]), CHECKS)
        for finding in told["checks"]:
            self.assertTrue(finding["text"], finding)
            self.assertEqual(finding["level"] == "ok", finding["mend"] == "", finding)
        return {finding["check"]: finding for finding in told["checks"]}

    def assert_finding(self, finding, level, words):
        self.assertEqual(finding["level"], level, finding)
        self.assertIn(words, finding["text"] + " " + finding["mend"])

    def test_a_machine_without_a_daemon_is_no_problem(self):
        runtime_dir = os.path.join(self.folder, "run")
        found = self.examine(runtime_dir)
        for name in ("control", "broker"):
            self.assert_finding(found[name], "warning", f"start tombolod --runtime-dir {runtime_dir}")
        self.assertNotEqual(found["shm"]["numbers"]["bytes"], 0)

    def test_a_daemon_and_an_agent_are_asked(self):
        daemon = self.start_daemon()
        self.start_agent(daemon)
        found = self.examine(daemon.runtime_dir)
        self.assert_finding(found["control"], "ok", "tombolod answers: 16 MiB, 4 slots, 4 vectors")
        self.assert_finding(found["broker"], "ok", "in slot 0")
        self.assert_finding(found["peers"], "ok", "no virtual machine")
        self.assertGreater(found["mapping"]["numbers"]["ns_per_line"], 0)
        self.assertIn("write-back", found["mapping"]["text"])
        self.assertGreater(found["doorbell"]["numbers"]["median_us"], 0)
        self.assertIn("the agent of slot 0", found["doorbell"]["text"])

    def test_an_agent_that_does_not_answer_is_a_problem(self):
        daemon = self.start_daemon()
        self.start_agent(daemon)
        agent = self.agent_pid(daemon)
        os.kill(agent, signal.SIGSTOP)
        self.addCleanup(os.kill, agent, signal.SIGCONT)
        found = self.examine(daemon.runtime_dir, "--timeout", "1", code=FAILED)
        self.assert_finding(found["doorbell"], "problem", "the agent of slot 0 does not answer")
        self.assert_finding(found["control"], "ok", "answers")

    def test_a_dead_daemon_is_a_problem(self):
        daemon = self.start_daemon()
        daemon.kill()
        found = self.examine(daemon.runtime_dir, code=FAILED)
        for name in ("control", "broker"):
            self.assert_finding(found[name], "problem", "tombolod has died")

    def test_a_daemon_that_hangs_is_a_problem_and_nothing_waits_for_it(self):
        daemon = self.start_daemon()
        daemon.signal(signal.SIGSTOP)
        self.addCleanup(daemon.signal, signal.SIGCONT)
        start = time.monotonic()
        found = self.examine(daemon.runtime_dir, "--timeout", "0.5", code=FAILED)
        self.assertLess(time.monotonic() - start, TIMEOUT_S / 2)
        self.assert_finding(found["control"], "problem", "no answer")
        self.assert_finding(found["broker"], "problem", "no answer within 500 ms")
        self.assertIn("end it, and start it again", found["broker"]["mend"])

    def test_a_program_that_hangs_is_a_problem_and_is_ended(self):
        for name in ("qemu-system-" + os.uname().machine, "qemu-system-arm", "ompi_info"):
            path = os.path.join(self.folder, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\necho $$ >>{self.folder}/started\nexec sleep 1000\n")
            os.chmod(path, 0o755)
        environment = {**os.environ, "PATH": self.folder + ":" + os.environ["PATH"]}
        found = self.examine(self.folder, "--timeout", "0.5", code=FAILED, env=environment)
        for name in ("qemu", "flat", "v2", "open-mpi"):
            self.assert_finding(found[name], "problem", "no answer within 500 ms")
        with open(self.folder + "/started", encoding="utf-8") as file:
            started = [int(pid) for pid in file]
        self.assertEqual(len(started), 4)
        for pid in started:
            self.assertTrue(eventually(lambda: not os.path.exists(f"/proc/{pid}")), "still there")

    def test_who_is_not_root_is_told_what_was_not_seen(self):
        daemon = self.start_daemon()
        program = shutil.copy(TOMBOLO, self.folder)
        os.chmod(self.folder, 0o755)
        try:
            found = self.examine(daemon.runtime_dir, code=GOOD, program=program, cwd="/", user=NOBODY)
        except (OSError, subprocess.SubprocessError) as error:
            self.skipTest(f"this machine has one user only: {error}")
        for name in ("control", "broker"):
            self.assert_finding(found[name], "warning", "not seen")
        self.assert_finding(found["mapping"], "warning", "as root")

    def test_people_get_lines_without_orders_to_a_terminal(self):
        done = self.run_tombolo(self.folder, "doctor", "--side", "host")
        self.assertEqual(done.returncode, GOOD, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^(ok|warning) +memlock +\S")
        self.assertRegex(done.stdout, r"\n +to mend it: start tombolod")
        self.assertRegex(done.stdout, rf"\nhost: {CHECKS} checks, \d+ ok, \d+ warnings?, 0 problems\n$")
        self.assertNotIn("\033", done.stdout)

    def test_a_guest_without_its_device_has_a_problem(self):
        done = self.run_tombolo(self.folder, "doctor", "--side", "guest")
        self.assertEqual(done.returncode, FAILED)
        self.assertRegex(done.stdout, r"(?m)^problem +device +there is no ivshmem device")
        self.assertIn("tombolo vm-args SLOT", done.stdout)
        self.assertIn("error: there is a problem", done.stderr)


if __name__ == "__main__":
    TOMBOLOD, AGENT, TOMBOLO = (os.path.abspath(path) for path in sys.argv[1:4])
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)

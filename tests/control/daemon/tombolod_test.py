#!/usr/bin/python3
"""tombolod as a program: what it says and how it ends when it cannot do what it was asked.

Usage: tombolod_test.py TOMBOLOD [unittest's flags]
"""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

TOMBOLOD = ""
EXIT_FAILED = 1
EXIT_USAGE = 2
TIMEOUT_S = 30


class TombolodTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tombolod_", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder)
        self.runtime_dir = os.path.join(self.folder, "run")

    def fails(self, code, *flags, saying, runtime_dir=None, **options):
        """Runs it with `flags`; it must end with `code` and one line on stderr with `saying`."""
        done = subprocess.run(
            [TOMBOLOD, "--runtime-dir", runtime_dir or self.runtime_dir, *flags],
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(saying, done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def test_refuses_a_size_that_is_no_power_of_two(self):
        self.fails(EXIT_USAGE, "--size", "100M", saying="power of two")
        self.fails(EXIT_USAGE, "--size", "2T", saying="to 1099511627776")
        self.assertFalse(os.path.exists(self.runtime_dir))

    def test_refuses_a_size_beyond_the_machines_memory(self):
        self.fails(EXIT_FAILED, "--size", "1T", saying="choose a smaller --size")

    def test_refuses_counts_out_of_range(self):
        self.fails(EXIT_USAGE, "--slots", "1", saying="the number of slots is 1")
        self.fails(EXIT_USAGE, "--slots", "257", saying="the number of slots is 257")
        self.fails(EXIT_USAGE, "--vectors", "257", saying="the number of vectors is 257")
        self.fails(EXIT_USAGE, "--endpoints", "0", saying="the number of endpoints is 0")

    def test_without_huge_pages_it_says_so_and_takes_normal_ones(self):
        with open("/proc/meminfo", encoding="ascii") as meminfo:
            free = int(re.search(r"HugePages_Free:\s+(\d+)", meminfo.read()).group(1))
        if free >= 8:
            self.skipTest("this machine has huge pages")
        self.start("--huge-pages")
        self.assertRegex(self.said, r"no huge pages: the region needs \d+ huge pages of \d+ MiB "
                                    rf"and {free} are free")

    def test_says_its_version(self):
        done = subprocess.run([TOMBOLOD, "--version"], capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=True)
        self.assertRegex(done.stdout, r"^tombolod \d+\.\d+\.\d+$")

    def test_refuses_flags_that_make_no_sense(self):
        self.fails(EXIT_USAGE, "--slots", "many", saying="--slots")
        self.fails(EXIT_USAGE, "--size", "big", saying="--size")
        self.fails(EXIT_USAGE, "--log-level", "loud", saying="--log-level")
        self.fails(EXIT_USAGE, "--no-such-flag", saying="--no-such-flag")

    def test_says_which_limit_of_descriptors_to_raise(self):
        def few_descriptors():
            resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
        self.fails(EXIT_FAILED, saying="LimitNOFILE=", preexec_fn=few_descriptors)

    def test_raises_its_own_soft_limit(self):
        def low_soft_limit():
            _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        self.runs_until_terminated(preexec_fn=low_soft_limit)

    def test_refuses_a_folder_that_cannot_be_used(self):
        self.fails(EXIT_FAILED, saying="the folder above", runtime_dir=self.folder + "/a/b")
        file = os.path.join(self.folder, "file")
        with open(file, "wb"):
            pass
        self.fails(EXIT_FAILED, saying="is not a folder", runtime_dir=file)
        self.fails(EXIT_USAGE, saying="shorter folder", runtime_dir=self.folder + "/" + 100 * "x")

    def test_refuses_a_folder_that_it_may_not_write_in(self):
        if os.geteuid() == 0:
            # Root may write everywhere but here.
            self.fails(EXIT_FAILED, saying="/proc", runtime_dir="/proc")
        else:
            os.mkdir(self.runtime_dir, mode=0o500)
            self.fails(EXIT_FAILED, saying="may not write")

    def test_leaves_a_file_of_something_else_alone(self):
        os.mkdir(self.runtime_dir)
        file = os.path.join(self.runtime_dir, "slot-3.sock")
        with open(file, "wb"):
            pass
        self.fails(EXIT_FAILED, saying="slot-3.sock exists and is not a socket")
        self.assertEqual(os.listdir(self.runtime_dir), ["slot-3.sock"])

    def test_ends_cleanly_when_terminated_or_interrupted(self):
        self.runs_until_terminated(signal.SIGTERM)
        self.runs_until_terminated(signal.SIGINT)

    def test_without_systemd_there_is_no_store_of_it(self):
        self.fails(EXIT_FAILED, "--store", "systemd", saying="choose --store holder",
                   env={name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"})
        self.fails(EXIT_USAGE, "--store", "somewhere", saying="--store")

    def test_refuses_a_folder_that_another_daemon_serves(self):
        self.start()
        self.fails(EXIT_FAILED, saying="another tombolod serves")

    def test_systemds_journal_gets_the_level_of_a_line_as_a_number(self):
        self.assertEqual(self.first_word(lambda end: f"{end.st_dev}:{end.st_ino}"), "<6>region")
        # stderr is no longer what systemd had named.
        self.assertRegex(self.first_word(lambda end: f"{end.st_dev}:{end.st_ino + 1}"), r"^\[20\d\d-")

    def first_word(self, journal_stream):
        """That it says on a stderr for which systemd had set $JOURNAL_STREAM so."""
        read_end, write_end = os.pipe()
        environment = {**os.environ, "JOURNAL_STREAM": journal_stream(os.fstat(write_end))}
        process = subprocess.Popen(
            [TOMBOLOD, "--runtime-dir", self.runtime_dir, "--size", "16M", "--store", "none"],
            stderr=write_end, env=environment)
        os.close(write_end)
        with open(read_end, encoding="utf-8") as said:
            line = said.readline()
        process.kill()
        process.wait()
        return line.split()[0]

    def runs_until_terminated(self, signal_number=signal.SIGTERM, **options):
        process = self.start(**options)
        self.assertGreater(len(os.listdir(self.runtime_dir)), 2)
        process.send_signal(signal_number)
        self.assertEqual(process.wait(timeout=TIMEOUT_S), 0)
        self.assertEqual(os.listdir(self.runtime_dir), [])

    def start(self, *flags, **options):
        """A daemon that has said that it is ready; killed at the latest when the test ends."""
        process = subprocess.Popen(
            [TOMBOLOD, "--runtime-dir", self.runtime_dir, "--size", "16M", "--store", "none", *flags],
            stderr=subprocess.PIPE, text=True, **options)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.said = ""
        for line in process.stderr:
            self.said += line
            if "sockets in" in line:
                return process
        raise AssertionError("tombolod did not start")


if __name__ == "__main__":
    TOMBOLOD = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
